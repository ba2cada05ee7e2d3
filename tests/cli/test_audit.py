import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner, Result

import tinyleaks
import tinyruns
from hubbub.cli.audit import audit
from hubbub.runs.predictions import Predictions
from hubbub.storage import write_csv
from hubbub.studies import shortcuts


@pytest.fixture(scope="module")
def cache(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("cache")


@pytest.fixture(scope="module")
def leaky(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tinyleaks.write(tmp_path_factory.mktemp("leaky") / "mine")


@pytest.fixture(autouse=True)
def small_world(cache: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(cache))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr(shortcuts, "_TREES", 3)
    monkeypatch.chdir(tmp_path)


def run(*arguments: str | Path) -> Result:
    from typer import Typer

    app = Typer()
    app.command()(audit)
    return CliRunner().invoke(app, list(map(str, arguments)))


def test_a_leak_is_a_finding(leaky: Path) -> None:
    result = run(leaky)
    assert result.exit_code == 1
    lines = result.stdout.splitlines()
    assert lines[0] == "mine, official folds: 29 clips of 28 recordings (fold 1: 13, fold 2: 16)"
    assert lines[1].startswith("LEAKS: 1 source recording, 1 exact duplicate and ")
    assert lines[1].endswith(" on two sides of the split")
    assert any("recording siren0" in line and "siren/0.wav" in line for line in lines)
    assert any("same samples" in line and tinyleaks.ORIGINAL in line for line in lines)
    assert any("s in common" in line for line in lines)
    assert "To accept what is known" in result.stdout
    assert any(line.startswith("note: copies whose clips have different labels: 1") for line in lines)
    assert "chance 31.0 %" in result.stdout


def test_json_is_one_object_with_the_lines_to_accept(leaky: Path) -> None:
    result = run(leaky, "--json")
    assert result.exit_code == 1
    found = json.loads(result.stdout)
    assert (found["dataset"], found["split"], found["verdict"]) == ("mine", "official folds", "leaks")
    lines = [line for leak in found["leaks"] for line in leak["accept"]]
    assert {"siren0", f"{tinyleaks.ORIGINAL},{tinyleaks.SAME}"} <= set(lines)

    Path("known.txt").write_text("# looked at\n" + "\n".join(lines[:-1]) + "\n")
    assert run(leaky, "--accept", "known.txt").exit_code == 1
    Path("known.txt").write_text("\n".join([*lines, "99999"]))
    accepted = run(leaky, "--accept", "known.txt")
    assert accepted.exit_code == 0
    assert f"no other leak than the {len(found['leaks'])} accepted" in accepted.stdout
    assert "note: the exception 99999 names no leak: remove it" in accepted.stdout
    assert json.loads(run(leaky, "--accept", "known.txt", "--json").stdout)["stale"] == ["99999"]


def test_a_split_without_a_leak(leaky: Path) -> None:
    rows = [[f"{label}/{n}.wav", ("train", "test")[n % 2]] for label in tinyleaks.LABELS for n in range(6)]
    write_csv(Path("split.csv"), ["clip", "part"], rows)
    result = run(leaky, "--split", "split.csv")
    assert result.exit_code == 0
    assert result.stdout.splitlines()[1] == "no leak found"
    assert "note: split.csv leaves out 5 clips (" in result.stdout


def test_random_folds_leak(leaky: Path) -> None:
    result = run(leaky, "--split", "random")
    assert result.exit_code == 1
    assert result.stdout.startswith("mine, LEAKY random folds: 29 clips")


def test_a_run_gives_its_split_and_label_candidates(leaky: Path) -> None:
    given = tinyleaks.dataset(leaky)
    made = tinyruns.write(Path("run"))
    sure = [[0.9 if label == clip.label else 0.1 / 3 for label in given.labels] for clip in given.clips]
    sure[0] = sure[0][::-1]  # one that it names otherwise
    targets = np.array([given.labels.index(clip.label) for clip in given.clips])
    names = tuple(clip.id for clip in given.clips)
    kept = Predictions(given.labels, names, np.ones(len(names), int), targets, np.array(sure))
    kept.write(made.folder / "predictions.csv")
    rows = [[clip.id, ("train", "test")[clip.fold == 1], clip.label, clip.group, ""] for clip in given.clips]
    write_csv(made.folder / "clips.csv", ["clip", "part", "label", "recording", "samples"], rows)
    result = run(leaky, "--run", "run", "--json")
    found = json.loads(result.stdout)
    assert found["parts"] == {"test": 13, "train": 16}
    assert [one["clip"] for one in found["labels"]["candidates"]] == [names[0]]
    text = run(leaky, "--run", "run").stdout
    assert "Labels that may be wrong, by run run: 1 of 29 clips" in text


def test_a_page(leaky: Path) -> None:
    result = run(leaky, "--html", "page.html", "--json")
    assert result.exit_code == 1
    assert json.loads(result.stdout)
    assert "page.html: 0." in result.stderr
    assert "<!DOCTYPE html>" in Path("page.html").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--split", "oficial"], "no split 'oficial': give official"),
        (["--accept", "none.txt"], "cannot read the exceptions in none.txt"),
        (["--run", "nowhere"], "no run at nowhere"),
    ],
)
def test_what_is_wrong_is_told_before_anything_is_heard(leaky: Path, arguments: list[str], said: str) -> None:
    result = run(leaky, *arguments)
    assert result.exit_code != 0
    assert said in str(result.exception)
    assert result.stdout == ""


def test_without_the_extra_a_page_is_refused_before_anything_is_heard(
    leaky: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    result = run(leaky, "--html", "page.html")
    assert ".[report]" in str(result.exception)
    assert result.stdout == ""
