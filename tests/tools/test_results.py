from pathlib import Path

import pytest

import results
import tinyruns
from hubbub.storage import write_text

README = "# Title\n<!-- results:start -->\n<!-- results:end -->\n"
RESULTS = README + "<!-- part:start -->\n<!-- part:end -->\n"
PAGES = ("README.md", "docs/results.md", "src/hubbub/recipes/results.json")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree without results, to work in, and runs beside it: over all folds, of each fold, on made sounds."""
    write_text(tmp_path / "tree" / "README.md", README)
    write_text(tmp_path / "tree" / "docs" / "results.md", RESULTS)
    tinyruns.write(tmp_path / "runs" / "cv")
    for fold in range(1, 6):
        tinyruns.write(tmp_path / "runs" / f"tiny-fold{fold}", f"official-fold{fold}", seed=1)
    tinyruns.write(tmp_path / "runs" / "made", dataset="synthetic")
    write_text(tmp_path / "markless" / "README.md", "# Title\n")
    write_text(tmp_path / "markless" / "docs" / "results.md", RESULTS)
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def test_publishing_a_run_then_checking_then_tampering(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert results.main(["--add", "../runs/cv", "--row", "mine", "--machine", "a laptop"]) == 0
    assert capsys.readouterr().out.splitlines() == [f"{page}: brought up to date" for page in PAGES]
    assert "| `mine` | 1,234 |" in Path("README.md").read_text()
    assert "a laptop" in Path("docs/results.md").read_text()
    assert results.main(["--check"]) == 0 and capsys.readouterr().out == "all tables are up to date\n"
    page = Path("README.md").read_text().replace("1,234", "4,321")
    Path("README.md").write_text(page)
    assert results.main(["--check"]) == 1
    assert capsys.readouterr().out == "README.md: out of date, run python tools/results.py\n"
    assert Path("README.md").read_text() == page
    assert results.main([]) == 0 and capsys.readouterr().out == "README.md: brought up to date\n"
    assert "1,234" in Path("README.md").read_text()


def test_folds_of_several_sittings_become_one_row(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    names = [f"tiny-fold{fold}" for fold in range(1, 6)]
    for name in names:
        assert results.main(["--add", f"../runs/{name}"]) == 0
    assert "`tiny" not in Path("README.md").read_text()
    capsys.readouterr()
    assert results.main(["--join", *names]) == 0
    assert capsys.readouterr().out.splitlines()[:2] == ["tiny: 5 rows joined", "README.md: brought up to date"]
    assert "| `tiny` | 1,234 |" in Path("README.md").read_text()
    assert "fold1" not in Path("docs/results.md").read_text()
    assert sorted(path.name for path in Path("docs/results").iterdir()) == ["tiny.csv", "tiny.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (["--add", "../runs/none"], 3, "no run at ../runs/none"),
        (["--add", "../runs/made"], 3, "made is a run on synthetic: rows are of runs on esc50"),
        (["--add", "../runs/cv", "--row", "a/b"], 2, "a row's name is of letters"),
        (["--add", "../runs/cv", "--root", "../markless"], 2, "README.md has no place for its table"),
        (["--join", "tiny-fold1"], 2, "there is no row 'tiny-fold1' in docs/results"),
        (["--root", "docs"], 2, "no README.md under"),
        ([], 2, "no docs/results under"),
    ],
)
def test_what_goes_wrong_writes_nothing(
    tree: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], code: int, message: str
) -> None:
    before = sorted(tree.parent.rglob("*"))
    assert results.main(arguments) == code
    out, err = capsys.readouterr()
    assert out == "" and message in err and err.count("\n") == 1
    assert sorted(tree.parent.rglob("*")) == before


@pytest.mark.parametrize("arguments", [["--check", "--add", "run"], ["--row", "name"]])
def test_options_that_do_not_go_together(arguments: list[str]) -> None:
    with pytest.raises(SystemExit) as ended:
        results.main(arguments)
    assert ended.value.code == 2
