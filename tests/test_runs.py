import csv
import dataclasses
import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError, RefusedError
from hubbub.runs import run
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run


def some(clips: int = 6, classes: int = 3, seed: int = 0, fold: int = 1) -> Predictions:
    rng = np.random.default_rng(seed)
    names = tuple(f"{fold}-{name:03d}.wav" for name in rng.permutation(clips))
    labels = ("Hütte, groß", 'a "b"', "c", "d")[:classes]
    folds, targets = np.full(clips, fold), rng.integers(classes, size=clips)
    return Predictions(labels, names, folds, targets, rng.dirichlet(np.ones(classes), clips))


# --- predictions ------------------------------------------------------------------------------------------------------


def test_predictions_survive_their_file(tmp_path: Path) -> None:
    written = some()
    written.write(tmp_path / "new" / "p.csv")
    found = Predictions.read(tmp_path / "new" / "p.csv")
    assert (found.classes, found.clips) == (written.classes, written.clips)
    np.testing.assert_array_equal(found.folds, written.folds)
    np.testing.assert_array_equal(found.targets, written.targets)
    np.testing.assert_allclose(found.probabilities, written.probabilities, rtol=5e-6)
    np.testing.assert_array_equal(found.predicted, written.predicted)


def test_the_file_is_a_plain_table(tmp_path: Path) -> None:
    probabilities = np.array([[0.25, 0.75], [1 - 1e-9, 1e-9]])
    Predictions(("dog", "cat"), ("a.wav", "b.wav"), np.array([1, 0]), np.array([0, 0]), probabilities).write(
        tmp_path / "p.csv"
    )
    assert (tmp_path / "p.csv").read_bytes() == (
        b"clip,fold,label,prediction,dog,cat\na.wav,1,dog,cat,0.25,0.75\nb.wav,0,dog,dog,1,1e-09\n"
    )


def test_predicted_and_right() -> None:
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.7, 0.3]])
    given = Predictions(("a", "b"), ("x", "y", "z"), np.zeros(3, int), np.array([0, 0, 1]), probabilities)
    assert given.predicted.tolist() == [0, 1, 0]
    assert given.right.tolist() == [True, False, False]


def test_no_predictions_survive_too(tmp_path: Path) -> None:
    some(0).write(tmp_path / "p.csv")
    found = Predictions.read(tmp_path / "p.csv")
    assert found.probabilities.shape == (0, 3) and found.right.shape == (0,) and found.clips == ()


def test_sorting_moves_whole_rows() -> None:
    given = some(20)
    rows = {clip: index for index, clip in enumerate(given.clips)}
    ordered = given.sorted()
    assert ordered.clips == tuple(sorted(given.clips)) != given.clips
    for index, clip in enumerate(ordered.clips):
        assert ordered.targets[index] == given.targets[rows[clip]]
        np.testing.assert_array_equal(ordered.probabilities[index], given.probabilities[rows[clip]])


def test_joining_folds() -> None:
    parts = [some(4, seed=2, fold=2), some(5, seed=1, fold=1)]
    whole = run.join(parts)
    assert whole.clips == tuple(sorted(parts[0].clips + parts[1].clips))
    assert whole.folds.tolist() == [1] * 5 + [2] * 4
    assert whole.right.sum() == parts[0].right.sum() + parts[1].right.sum()
    place = whole.clips.index(parts[0].clips[3])
    np.testing.assert_array_equal(whole.probabilities[place], parts[0].probabilities[3])


def test_folds_of_other_classes_are_not_joined() -> None:
    swapped = dataclasses.replace(some(fold=2), classes=("c", 'a "b"', "Hütte, groß"))
    with pytest.raises(DataError, match="different classes cannot be joined"):
        run.join([some(), swapped])


HEADER = "clip,fold,label,prediction,dog,cat\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "clip,part,fold,label,dog,cat\na,1,dog,dog,0.5,0.5\n",  # another table with such columns
        HEADER + "a,1,dog\n",
        HEADER + "a,1,dog,dog,0.5\n",
        HEADER + "a,1,dog,dog,0.5,0.5\nb,1,dog,dog,0.5\n",
        HEADER + "a,one,dog,dog,0.5,0.5\n",
        HEADER + "a,1,cow,dog,0.5,0.5\n",
        HEADER + "a,1,dog,dog,0.5,half\n",
        HEADER + 'a,1,dog,"' + "x" * 200_000 + '",0.5,0.5\n',  # beyond what the csv module takes for a field
        HEADER + "a,1,d\udcffg,dog,0.5,0.5\n",
    ],
)
def test_a_damaged_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(DataError, match=r"p\.csv is not a table of predictions .*: run the evaluation again"):
        Predictions.read(tmp_path / "p.csv")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"p\.csv is not a table of predictions .*No such file"):
        Predictions.read(tmp_path / "p.csv")


# --- the folder -------------------------------------------------------------------------------------------------------


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
    run.write_csv(tmp_path / "clips.csv", ["clip", "part"], [["Hütte, 1.wav", "train"], ["b.wav", "test"]])
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
    with pytest.raises(DataError, match=r"clips\.csv is missing or damaged \(.*No such file.*\): run it again"):
        Run(tmp_path).clips  # noqa: B018


@pytest.mark.parametrize("content", [b"", b"a,b\n1\n", b"a,b\n1,2,3\n", b"a,b\n1,\xff\n"])
def test_a_damaged_csv(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.csv").write_bytes(content)
    with pytest.raises(DataError, match=r"x\.csv is missing or damaged"):
        run.read_csv(tmp_path / "x.csv")


def test_csv_is_what_the_csv_module_reads(tmp_path: Path) -> None:
    run.write_csv(tmp_path / "x.csv", ["a", "b"], [[1, 'say "x", y'], ["two\nlines", ""]])
    with (tmp_path / "x.csv").open(newline="", encoding="utf-8") as handle:
        assert list(csv.reader(handle)) == [["a", "b"], ["1", 'say "x", y'], ["two\nlines", ""]]
    assert run.read_csv(tmp_path / "x.csv")[1] == {"a": "two\nlines", "b": ""}


def test_files_do_not_depend_on_the_locale(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("name: größe\n", dataset="Hütte")
    some().write(tmp_path / "predictions.csv")
    run.write_csv(tmp_path / "clips.csv", ["clip"], [["Hütte"]])
    code = (
        "import sys, locale; from pathlib import Path; from hubbub.runs import Run; run = Run(Path(sys.argv[1]))\n"
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
    found = json.loads(json.dumps(run.environment()))
    assert found["python"] == sys.version.split()[0]
    assert found["versions"]["numpy"] == np.__version__ and "no-such-package" not in found["versions"]


@pytest.mark.parametrize("tracked", [True, False])
def test_the_commit_is_that_of_a_tree_that_knows_the_module(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, tracked: bool
) -> None:
    module = tmp_path / "src" / "runs.py"
    module.parent.mkdir()
    module.write_text("")
    (tmp_path / "other").write_text("")

    def git(*words: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@b", "-c", "commit.gpgsign=false"]
        return subprocess.run(["git", "-C", tmp_path, *who, *words], check=True, capture_output=True, text=True).stdout

    monkeypatch.setattr(run, "__file__", str(module))
    try:
        git("init")
    except OSError:
        pytest.skip("no git here")
    git("add", "other", *(["src"] if tracked else []))
    git("commit", "-m", "one")
    head = git("rev-parse", "HEAD").strip()[:12]
    assert run.environment()["commit"] == (head if tracked else None)
    (tmp_path / "other").write_text("changed elsewhere")
    assert run.environment()["commit"] == (head if tracked else None)
    module.write_text("changed")
    assert run.environment()["commit"] == (head + "+" if tracked else None)


def test_no_commit_without_git(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    assert run.environment()["commit"] is None
