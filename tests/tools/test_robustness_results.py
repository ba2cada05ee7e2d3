from pathlib import Path

import pytest

import robustness_results
import tinyconditions
from hubbub.augment.corruptions import CONDITIONS
from hubbub.storage import write_text

WHOLE = (("clean", 0), *CONDITIONS)


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree without results, to work in, and what was measured beside it."""
    write_text(
        tmp_path / "tree" / "docs" / "robustness.md", "# Title\n<!-- robustness:start -->\n<!-- robustness:end -->\n"
    )
    tinyconditions.predictions(conditions=WHOLE).write(tmp_path / "weak.npz")
    tinyconditions.predictions(conditions=WHOLE, skill=1.4).write(tmp_path / "strong.npz")
    tinyconditions.predictions().write(tmp_path / "part.npz")
    tinyconditions.predictions(conditions=WHOLE, sampled=100).write(tmp_path / "sample.npz")
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def test_publishing_then_checking_then_tampering(tree: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert robustness_results.main(["--add", "../weak.npz", "--row", "old", "--seen", "gain"]) == 0
    assert robustness_results.main(["--add", "../strong.npz", "--row", "new"]) == 0
    page = tree / "docs" / "robustness.md"
    lines = page.read_text().splitlines()
    assert [line.split("`")[1] for line in lines if line.startswith("| `")] == ["new", "old"]  # best first
    assert any(line.startswith("| gain | ") and r"\*" in line for line in lines)
    capsys.readouterr()
    assert robustness_results.main(["--check"]) == 0 and "is up to date" in capsys.readouterr().out
    write_text(page, page.read_text().replace("`old`", "`best`"))
    assert robustness_results.main(["--check"]) == 1 and "out of date" in capsys.readouterr().out
    assert "`best`" in page.read_text()
    assert robustness_results.main([]) == 0 and "`best`" not in page.read_text()


@pytest.mark.parametrize(
    ("arguments", "expected", "words"),
    [
        (["--add", "../part.npz"], 2, "in some conditions only"),
        (["--add", "../sample.npz"], 2, "on a sample"),
        (["--add", "../weak.npz", "--seen", "fog"], 2, "no corruption is called 'fog'"),
        (["--add", "../none.npz"], 1, "measure again"),
        (["--root", ".."], 2, "has no place for its table"),
    ],
)
def test_what_is_refused(
    tree: Path, capsys: pytest.CaptureFixture[str], arguments: list[str], expected: int, words: str
) -> None:
    assert robustness_results.main(arguments) == expected and words in capsys.readouterr().err
    assert not (tree / "docs" / "results").exists()


def test_the_published_table_is_up_to_date(capsys: pytest.CaptureFixture[str]) -> None:
    root = Path(__file__).parents[2]
    assert robustness_results.main(["--check", "--root", str(root)]) == 0, capsys.readouterr().out
