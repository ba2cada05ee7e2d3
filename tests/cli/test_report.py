from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.runs.run import Run
from hubbub.storage import write_text


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, and runs beside it: over all folds, of one fold."""
    tinyruns.write(tmp_path / "runs" / "cv")
    tinyruns.write(tmp_path / "runs" / "fold", "official-fold3", seed=1)
    write_text(tmp_path / "tree" / "README.md", "a file, no folder")
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def test_a_report_says_the_figures_of_a_run(hubbub: Callable, tree: Path) -> None:
    code, out, err = hubbub("report", "../runs/cv")
    accuracy = 100 * tinyruns.predictions().right.mean()
    assert (code, err) == (0, "")
    assert out.startswith("cv: esc50, official folds 1 2 3 4 5, seed 0\n")
    assert f"accuracy {accuracy:.2f} % (95 % interval" in out and "1,234 parameters, 1.5 min" in out


def test_a_report_of_two_runs_compares_them_on_what_both_tested(hubbub: Callable, tree: Path) -> None:
    code, out, _ = hubbub("report", "../runs/cv", "../runs/fold")
    first, second = tinyruns.only(tinyruns.predictions(), 3), tinyruns.only(tinyruns.predictions(1), 3)
    change = 100 * (np.mean(second.right) - np.mean(first.right))
    assert code == 0 and f"fold against cv, 6 clips: {change:+.2f} points" in out and change != 0


def test_a_report_needs_finished_runs(hubbub: Callable, tree: Path) -> None:
    code, _, err = hubbub("report", "../runs/none")
    assert code == 3 and "no run at ../runs/none" in err
    tinyruns.changed(Run(Path("../runs/cv")), finished=False)
    code, _, err = hubbub("report", "../runs/fold", "../runs/cv")
    assert code == 3 and "the run at ../runs/cv is not finished" in err
    assert hubbub("report")[0] == 2


# --- pages ------------------------------------------------------------------------------------------------------------


@pytest.fixture
def no_sounds(tree: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """No ESC-50 on this machine."""
    monkeypatch.setenv("HUBBUB_ESC50", str(tree / "nowhere"))


@pytest.mark.usefixtures("no_sounds")
@pytest.mark.parametrize(("runs", "title"), [(["cv"], "cv"), (["cv", "fold"], "fold against cv")])
def test_a_report_as_a_page(hubbub: Callable, tree: Path, runs: list[str], title: str) -> None:
    code, out, err = hubbub("report", *(f"../runs/{run}" for run in runs), "--html", "new/page.html")
    assert code == 0 and out == f"new/page.html: {Path('new/page.html').stat().st_size / 1e6:.1f} MB, 0 sounds\n"
    assert err.startswith("the page has no sounds: no ESC-50 at ") and err.count("\n") == 1
    assert f"<h1>{title}</h1>" in Path("new/page.html").read_text()


def test_a_page_says_its_sounds(
    hubbub: Callable, tree: Path, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    run = tinyruns.planted(tree / "run", ("dog", "rain"), {("dog", "rain"): 1})
    clips = {"dog-00.wav": "1-100000-A-0.wav", "rain-00.wav": "1-100100-A-10.wav"}
    for name in ("predictions.csv", "clips.csv"):
        text = (run.folder / name).read_text()
        for before, after in clips.items():
            text = text.replace(before, after)
        write_text(run.folder / name, text)
    code, out, err = hubbub("report", "run", "--html", "page.html", "--dataset", "esc50")
    assert (code, err) == (0, "") and out.endswith(" MB, 2 sounds\n")


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["../runs/none", "--html", "page.html"], 3, "no run at ../runs/none"),
        (["../runs/cv", "--dataset", "esc50"], 2, "are for the page that --html FILE writes"),
        (["../runs/cv", "--explain", "a.wav"], 2, "are for the page that --html FILE writes"),
        (["../runs/cv", "../runs/fold", "--html", "page.html", "--model", "built-in"], 2, "for the page of one run"),
        (["../runs/cv", "--html", "page.html", "--model", "none.onnx"], 3, "none.onnx: check the path"),
        (["../runs/cv", "--html", "page.html", "--explain", "a.wav"], 2, "only a model file can be asked why"),
        (["../runs/cv", "--html", "page.html", "--model", "built-in", "--explain", "a"], 2, "is not on this machine"),
        (["../runs/cv", "--html", "page.html", "--dataset", "nonsense"], 2, "unknown dataset 'nonsense'"),
        (["../runs/cv", "--html", "README.md/page.html"], 3, "check it"),
    ],
)
@pytest.mark.usefixtures("no_sounds")
def test_no_page_where_it_goes_wrong(hubbub: Callable, tree: Path, arguments: list[str], code: int, said: str) -> None:
    ended, out, err = hubbub("report", *arguments)
    assert (ended, out) == (code, "") and said in err and not Path("page.html").exists()
