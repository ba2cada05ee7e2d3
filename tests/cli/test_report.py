from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.runs import Run
from hubbub.storage import write_json, write_text

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
    about = Run(Path("../runs/cv")).about
    write_json(Path("../runs/cv/about.json"), about | {"finished": False})
    code, _, err = hubbub("report", "../runs/fold", "../runs/cv")
    assert code == 3 and "the run at ../runs/cv is not finished" in err
    assert hubbub("report")[0] == 2
