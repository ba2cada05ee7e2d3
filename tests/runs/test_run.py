import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError, RefusedError
from hubbub.runs import run as run_module
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import write_csv


def some(clips: int = 6, classes: int = 3, seed: int = 0, fold: int = 1) -> Predictions:
    rng = np.random.default_rng(seed)
    names = tuple(f"{fold}-{name:03d}.wav" for name in rng.permutation(clips))
    labels = ("Hütte, groß", 'a "b"', "c", "d")[:classes]
    folds, targets = np.full(clips, fold), rng.integers(classes, size=clips)
    return Predictions(labels, names, folds, targets, rng.dirichlet(np.ones(classes), clips))


def test_a_run_from_beginning_to_end(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "one")
    assert run.about == {} and not run.finished
    run.begin("name: größe\n", dataset="esc50", seed=0, folds=[1, 2])
    assert (run.folder / "recipe.yaml").read_bytes() == "name: größe\n".encode()
    assert not run.finished and run.about["folds"] == [1, 2] and run.about["environment"]["python"]
    with pytest.raises(RefusedError, match=r"run at .*one is not finished: start the same command again"):
        Run.open(run.folder)
    run.finish(seconds=3.5)
    found = Run.open(run.folder)
    assert found.finished and found.about["seconds"] == 3.5 and found.about["dataset"] == "esc50"


def test_a_run_is_taken_up_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("recipe", dataset="esc50", seed=0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    Run(tmp_path).begin("recipe", dataset="esc50", seed=0)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    run.finish()
    Run(tmp_path).begin("recipe", dataset="esc50", seed=0)
    assert run.finished


def test_a_run_that_was_cut_off_while_it_began(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("recipe", seed=0)
    (tmp_path / "about.json").unlink()
    run.begin("recipe", seed=0)
    assert run.about["seed"] == 0


@pytest.mark.parametrize(
    ("recipe", "facts", "differs"),
    [
        ("other", {"dataset": "esc50", "seed": 0}, "recipe"),
        ("recipe", {"dataset": "esc50", "seed": 1}, "seed"),
        ("recipe", {"dataset": "mine", "seed": 1}, "dataset and seed"),
        ("other", {"dataset": "esc50", "seed": 0, "fold": 1}, "fold and recipe"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_run_of_something_else_is_not_overwritten(
    tmp_path: Path, recipe: str, facts: dict[str, object], differs: str, finished: bool
) -> None:
    run = Run(tmp_path)
    run.begin("recipe", dataset="esc50", seed=0)
    if finished:
        run.finish()
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RefusedError, match=f"holds a run with another {differs}: give --name, or remove"):
        run.begin(recipe, **facts)
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"no run at .*nowhere: `hubbub train`"):
        Run.open(tmp_path / "nowhere")


def test_what_a_run_holds(tmp_path: Path) -> None:
    run = Run(tmp_path)
    some().write(tmp_path / "predictions.csv")
    write_csv(tmp_path / "clips.csv", ["clip", "part"], [["Hütte, 1.wav", "train"], ["b.wav", "test"]])
    (tmp_path / "metrics.json").write_text('{"accuracy": 0.5}')
    assert run.predictions.clips == some().clips
    assert run.clips == [{"clip": "Hütte, 1.wav", "part": "train"}, {"clip": "b.wav", "part": "test"}]
    assert run.metrics == {"accuracy": 0.5}
    assert run.child("fold1") == Run(tmp_path / "fold1")


@pytest.mark.parametrize("content", [b"", b"{", b"[1, 2]", b"7", b"null", b'{"a": "\xff"}'])
def test_damaged_json(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "metrics.json").write_bytes(content)
    (tmp_path / "about.json").write_bytes(content)
    with pytest.raises(DataError, match=r"metrics\.json is (missing or )?damaged \(.*\): run it again"):
        Run(tmp_path).metrics  # noqa: B018
    with pytest.raises(DataError, match=r"about\.json is (missing or )?damaged"):
        Run.open(tmp_path)


def test_what_is_missing(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"metrics\.json is missing or damaged \(.*No such file.*\): run it again"):
        Run(tmp_path).metrics  # noqa: B018
    with pytest.raises(DataError, match=r"clips\.csv cannot be read \(No such file.*\); run it again"):
        Run(tmp_path).clips  # noqa: B018


def test_files_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("name: größe\n", dataset="Hütte")
    some().write(tmp_path / "predictions.csv")
    write_csv(tmp_path / "clips.csv", ["clip"], [["Hütte"]])
    code = (
        "import sys, locale; from pathlib import Path; from hubbub.runs.run import Run; run = Run(Path(sys.argv[1]))\n"
        "assert locale.getpreferredencoding(False).lower() not in ('utf-8', 'utf8'), 'this checks nothing'\n"
        "run.begin('name: gr\\xf6\\xdfe\\n', dataset='H\\xfctte')\n"
        "assert run.clips == [{'clip': 'H\\xfctte'}] and run.predictions.classes[0] == 'H\\xfctte, gro\\xdf'"
    )
    plain = os.environ | {"LC_ALL": "C", "PYTHONCOERCECLOCALE": "0", "PYTHONUTF8": "0"}
    done = subprocess.run([sys.executable, "-c", code, str(tmp_path)], env=plain, capture_output=True, text=True)
    if "this checks nothing" in done.stderr:
        pytest.skip("the C locale is UTF-8 here")
    assert done.returncode == 0, done.stderr


# --- the environment --------------------------------------------------------------------------------------------------


def test_the_environment_can_be_written_down() -> None:
    found = json.loads(json.dumps(run_module.environment()))
    assert found["python"] == sys.version.split()[0]
    assert found["versions"]["numpy"] == np.__version__ and "no-such-package" not in found["versions"]


@pytest.mark.parametrize("tracked", [True, False])
def test_the_commit_is_that_of_a_tree_that_knows_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracked: bool
) -> None:
    module = tmp_path / "src" / "runs" / "run.py"
    module.parent.mkdir(parents=True)
    module.write_text("")
    (tmp_path / "other").write_text("")

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True, text=True).stdout

    monkeypatch.setattr(run_module, "__file__", str(module))
    try:
        git("init")
    except OSError:
        pytest.skip("no git here")
    git("add", "other", *(["src"] if tracked else []))
    git("commit", "-m", "one")
    head = git("rev-parse", "HEAD").strip()[:12]
    assert run_module.environment()["commit"] == (head if tracked else None)
    (tmp_path / "other").write_text("changed elsewhere")
    assert run_module.environment()["commit"] == (head if tracked else None)
    module.write_text("changed")
    assert run_module.environment()["commit"] == (head + "+" if tracked else None)


def test_no_commit_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run_module.environment()["commit"] is None
