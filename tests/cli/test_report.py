from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.runs.run import Run
from hubbub.storage import write_text

README = "# Title\n<!-- results:start -->\n<!-- results:end -->\n"
RESULTS = README + "<!-- part:start -->\n<!-- part:end -->\n"
PAGES = ("README.md", "docs/results.md", "src/hubbub/recipes/results.json")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree without results, to work in, and runs beside it: over all folds, of one fold, on made sounds."""
    write_text(tmp_path / "tree" / "README.md", README)
    write_text(tmp_path / "tree" / "docs" / "results.md", RESULTS)
    tinyruns.write(tmp_path / "runs" / "cv")
    tinyruns.write(tmp_path / "runs" / "fold", "official-fold3", seed=1)
    tinyruns.write(tmp_path / "runs" / "made", dataset="synthetic")
    write_text(tmp_path / "markless" / "README.md", "# Title\n")
    write_text(tmp_path / "markless" / "docs" / "results.md", RESULTS)
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def test_publishing_a_run_then_checking_then_tampering(hubbub: Callable, tree: Path) -> None:
    code, out, _ = hubbub("results", "--add", "../runs/cv", "--row", "mine", "--machine", "a laptop")
    assert code == 0 and out.splitlines() == [f"{page}: brought up to date" for page in PAGES]
    assert "| `mine` | 1,234 |" in Path("README.md").read_text()
    assert "a laptop" in Path("docs/results.md").read_text()
    assert hubbub("results", "--check") == (0, "all tables are up to date\n", "")
    page = Path("README.md").read_text().replace("1,234", "4,321")
    Path("README.md").write_text(page)
    code, out, _ = hubbub("results", "--check")
    assert code == 1 and out == "README.md: out of date, run `hubbub results`\n"
    assert Path("README.md").read_text() == page
    assert hubbub("results")[:2] == (0, "README.md: brought up to date\n")
    assert "1,234" in Path("README.md").read_text()


def test_publishing_a_run_of_one_fold(hubbub: Callable, tree: Path) -> None:
    hubbub("results", "--add", "../runs/cv")
    code, out, _ = hubbub("results", "--add", "../runs/fold")
    assert code == 0 and out.splitlines() == [f"{page}: brought up to date" for page in PAGES[1:]]
    assert "official-fold3" in Path("docs/results.md").read_text().partition("part:start")[2]


def test_a_row_bears_the_name_of_its_run(hubbub: Callable, tree: Path) -> None:
    assert hubbub("results", "--add", "../runs/cv")[0] == 0
    assert sorted(path.name for path in Path("docs/results").iterdir()) == ["cv.csv", "cv.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--add", "../runs/none"], 3, "no run at ../runs/none"),
        (["--add", "../runs/made"], 3, "made is a run on synthetic: rows are of runs on esc50"),
        (["--add", "../runs/cv", "--row", "a/b"], 2, "a row's name is of letters"),
        (["--add", "../runs/cv", "--check"], 2, "--check changes nothing"),
        (["--add", "../runs/cv", "--root", "docs"], 2, "no README.md under"),
        (["--add", "../runs/cv", "--root", "../markless"], 2, "README.md has no place for its table"),
        (["--root", "docs"], 2, "no README.md under"),
        ([], 2, "no docs/results under"),
    ],
)
def test_what_goes_wrong_writes_nothing(
    hubbub: Callable, tree: Path, arguments: list[str], code: int, said: str
) -> None:
    before = sorted(tree.parent.rglob("*"))
    ended, out, err = hubbub("results", *arguments)
    assert (ended, out) == (code, "") and err.startswith("hubbub: ") and said in err and err.count("\n") == 1
    assert sorted(tree.parent.rglob("*")) == before


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
        (["../runs/cv", "--html", "page.html", "--model", "none.onnx"], 3, "no model file at none.onnx"),
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
