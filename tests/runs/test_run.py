import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import yaml

from hubbub.errors import DataError, RefusedError
from hubbub.runs import run as run_module
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, RunRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_json

COLUMNS = ("clip", "part", "label", "recording", "samples")
NONE = {"clips": 0, "accuracy": None, "loss": None}
METRICS = {"train": {"clips": 3, "accuracy": 0.5, "loss": 1}, "validation": NONE, "test": NONE}


def some(clips: int = 6, classes: int = 3, seed: int = 0, fold: int = 1) -> Predictions:
    rng = np.random.default_rng(seed)
    names = tuple(f"{fold}-{name:03d}.wav" for name in rng.permutation(clips))
    labels = ("Hütte, groß", 'a "b"', "c", "d")[:classes]
    folds, targets = np.full(clips, fold), rng.integers(classes, size=clips)
    return Predictions(labels, names, folds, targets, rng.dirichlet(np.ones(classes), clips))


def record(**fields: Any) -> RunRecord:
    """What ran, in a few words."""
    usual = {"kind": "training", "dataset": DatasetRecord("esc50"), "split": SplitRecord("official", 1)}
    return RunRecord(**usual | {"labels": ("a", "b"), "seed": 0} | fields)


def test_a_run_from_beginning_to_end(tmp_path: Path) -> None:
    run = Run(tmp_path / "runs" / "one")
    assert not run.exists and not run.finished
    run.begin("name: größe\n", record(content={"clips": "1f"}))
    assert (run.folder / "recipe.yaml").read_bytes() == "name: größe\n".encode()
    assert run.exists and not run.finished and run.record.environment["python"] and run.recipe == {"name": "größe"}
    with pytest.raises(RefusedError, match=r"run at .*one is not finished: start the same command again"):
        Run.open(run.folder)
    run.finish(seconds=3.5)
    opened = Run.open(run.folder)
    assert opened.finished and opened.record.outcome == {"seconds": 3.5} and opened.record == run.record
    assert opened.record.content == {"clips": "1f"} and opened.record.split == SplitRecord("official", 1)


def test_what_a_run_holds_is_read_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = Run(tmp_path)
    run.begin("name: x\n", record())
    write_json(tmp_path / "metrics.json", METRICS)
    reads: list[str] = []
    read_bytes = Path.read_bytes

    def counted(path: Path) -> bytes:
        reads.append(path.name)
        return read_bytes(path)

    monkeypatch.setattr(Path, "read_bytes", counted)
    for _ in range(3):
        assert run.record.seed == 0 and run.metrics == METRICS and not run.finished
    assert reads == ["about.json", "metrics.json"]
    run.finish(seconds=1)
    assert run.finished


def test_a_run_is_taken_up_again(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("name: x\n", record())
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    Run(tmp_path).begin("name: x\n", record(command="typed otherwise"))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before
    run.finish(seconds=1.0)
    Run(tmp_path).begin("name: x\n", record())
    assert run.finished


def test_a_run_that_was_cut_off_while_it_began(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("name: x\n", record())
    (tmp_path / "about.json").unlink()
    Run(tmp_path).begin("name: x\n", record())
    assert Run(tmp_path).record.seed == 0


@pytest.mark.parametrize(
    ("recipe", "fields", "differs"),
    [
        ("name: other\n", {}, r"recipe \(name: x, now other\)"),
        ("name: x\n", {"seed": 1}, r"seed \(0, now 1\)"),
        (
            "name: x\n",
            {"dataset": DatasetRecord("mine"), "seed": 1},
            r"dataset \(esc50, now mine\) and seed \(0, now 1\)",
        ),
        ("name: x\n", {"dataset": DatasetRecord("esc50", copies=9)}, r"dataset \(esc50, now esc50\+9\)"),
        ("name: x\n", {"split": SplitRecord("official", 2)}, r"split \(official-fold1, now official-fold2\)"),
        ("name: x\n", {"content": {"clips": "1", "samples": "2"}}, "clips"),
        ("name: x\n", {"content": {"clips": "0", "samples": "2", "trunk": "1"}}, "samples and trunk"),
    ],
)
@pytest.mark.parametrize("finished", [True, False])
def test_a_run_of_something_else_is_not_overwritten(
    tmp_path: Path, recipe: str, fields: dict[str, Any], differs: str, finished: bool
) -> None:
    run = Run(tmp_path)
    run.begin("name: x\n", record(content={"clips": "0", "samples": "0", "trunk": "0"} if "content" in fields else {}))
    if finished:
        run.finish(seconds=1.0)
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    with pytest.raises(RefusedError, match=f"holds a run that differs in {differs}: --fresh starts over"):
        run.begin(recipe, record(**fields))
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_dataset_may_lie_elsewhere(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("name: x\n", record(dataset=DatasetRecord("mine", "sounds/mine")))
    run.begin("name: x\n", record(dataset=DatasetRecord("mine", "/elsewhere/mine")))


# --- runs of the old form ---------------------------------------------------------------------------------------------

OLD = {"dataset": "esc50+6143", "split": "official-fold1", "seed": 0, "labels": ["a", "b"], "seconds": 9.5}
OLD_RECIPE = "name: resnet\nbatch: 8\nfrontend: {rate: 8000}\nstages:\n- {train_from: 0}\n"
NEW_RECIPE = "name: resnet\nbatch_size: 8\nfrontend: {sample_rate: 8000}\nstages:\n- {first_trainable_block: 0}\n"


def old(folder: Path, **fields: Any) -> Run:
    (folder / "about.json").write_text(json.dumps(OLD | {"finished": True} | fields))
    (folder / "recipe.yaml").write_text(OLD_RECIPE)
    return Run(folder)


@pytest.mark.parametrize(
    ("split", "kind", "expected"),
    [
        ("official-fold3", "training", SplitRecord("official", 3)),
        ("official folds 1 2 3", "cross-validation", SplitRecord("official", None, (1, 2, 3))),
        ("LEAKY random-expanded fold 12", "training", SplitRecord("random-expanded", 12, leaky=True)),
        ("LEAKY random folds 1 2", "cross-validation", SplitRecord("random", None, (1, 2), True)),
        ("filename-regex", "training", SplitRecord("filename-regex")),
        ("all-but-showcase", "training", SplitRecord("all-but-showcase")),
    ],
)
def test_the_split_of_an_old_run(tmp_path: Path, split: str, kind: str, expected: SplitRecord) -> None:
    found = old(tmp_path, split=split).record
    assert (found.split, found.kind, str(found.split)) == (expected, kind, split)


def test_an_old_run_is_read(tmp_path: Path) -> None:
    run = old(tmp_path)
    found = run.record
    assert found.dataset == DatasetRecord("esc50", "esc50", 6143) and str(found.dataset) == "esc50+6143"
    assert found.labels == ("a", "b") and found.outcome == {"seconds": 9.5} and run.finished
    assert found.recipe == "resnet" and run.recipe == yaml.safe_load(NEW_RECIPE)
    evaluated = old(tmp_path, kind="evaluation", split="all clips", model="m", command="hubbub evaluate m x", heard=3)
    assert evaluated.record.kind == "evaluation" and evaluated.record.command == "hubbub evaluate m x"
    assert str(evaluated.record.split) == "all clips" and evaluated.record.outcome["heard"] == 3


def test_a_finished_old_run_is_left_as_it_is_and_a_half_finished_one_is_not_resumed(tmp_path: Path) -> None:
    same = record(dataset=DatasetRecord("esc50", "copies", 6143), content={"clips": "1"})
    run = old(tmp_path)
    run.begin(NEW_RECIPE, same)
    assert run.finished and "format_version" not in (tmp_path / "about.json").read_text()
    with pytest.raises(RefusedError, match="differs in recipe"):
        run.begin(NEW_RECIPE.replace("8000", "9000"), same)
    with pytest.raises(RefusedError, match="was begun by an older hubbub, and cannot be resumed: --fresh starts over"):
        old(tmp_path, finished=False).begin(NEW_RECIPE, same)


@pytest.mark.parametrize(
    "fields",
    [
        {"format_version": 3},
        {"format_version": 2},
        {"split": 7},
        {"labels": 7},
        record().to_dict() | {"labels": [["a"]]},
        record().to_dict() | {"split": {"kind": "official", "fold": "one"}},
        record().to_dict() | {"kind": "dinner"},
        record().to_dict() | {"colour": "red"},
    ],
)
def test_a_damaged_record(tmp_path: Path, fields: dict[str, Any]) -> None:
    (tmp_path / "about.json").write_text(json.dumps(fields))
    with pytest.raises(DataError, match=r"about\.json is damaged \(.*\): run it again"):
        _ = Run(tmp_path).record


def test_a_record_that_is_no_mapping_is_not_taken_up_again(tmp_path: Path) -> None:
    (tmp_path / "about.json").write_text("7")
    with pytest.raises(DataError, match=r"about\.json is missing or damaged"):
        Run(tmp_path).begin("name: x\n", record())


def test_no_run(tmp_path: Path) -> None:
    with pytest.raises(RefusedError, match=r"no run at .*nowhere: `hubbub train`"):
        Run.open(tmp_path / "nowhere")


def test_what_a_run_holds(tmp_path: Path) -> None:
    run = Run(tmp_path)
    some().write(tmp_path / "predictions.csv")
    rows = [dict(zip(COLUMNS, row, strict=True)) for row in (("Hütte, 1.wav", *"pqrs"), ("b.wav", *"pqrs"))]
    write_csv(tmp_path / "clips.csv", COLUMNS, (row.values() for row in rows))
    write_json(tmp_path / "metrics.json", METRICS)
    assert run.predictions.clips == some().clips
    assert run.clips == rows and run.metrics == METRICS
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
    run.begin("name: größe\n", record(dataset=DatasetRecord("Hütte")))
    some().write(tmp_path / "predictions.csv")
    write_csv(tmp_path / "clips.csv", COLUMNS, [["Hütte", *"pqrs"]])
    code = (
        "import sys, locale; from pathlib import Path; from hubbub.runs.run import Run; run = Run(Path(sys.argv[1]))\n"
        "assert locale.getpreferredencoding(False).lower() not in ('utf-8', 'utf8'), 'this checks nothing'\n"
        "assert run.record.dataset.name == 'H\\xfctte' and run.recipe == {'name': 'gr\\xf6\\xdfe'}\n"
        "assert run.clips[0]['clip'] == 'H\\xfctte' and run.predictions.classes[0] == 'H\\xfctte, gro\\xdf'"
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
