from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub.evaluate.calibration import softmax
from hubbub.runs import Predictions
from hubbub.storage import write_json, write_text

PAGE = "# Title\n<!-- results:start -->\n<!-- results:end -->\n"
LABELS = ("dog", "rain", "siren")


@pytest.fixture
def tree(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A source tree without results, to work in; `runs/cv` is a cross-validation and `runs/made` one on made sounds."""
    write_text(tmp_path / "tree" / "README.md", PAGE)
    write_text(tmp_path / "tree" / "docs" / "results.md", PAGE)
    cross_validation(tmp_path / "runs" / "cv", "{fold}-{row}-A-0.wav")
    cross_validation(tmp_path / "runs" / "made", "siren-{row:03d}.wav")
    monkeypatch.chdir(tmp_path / "tree")
    return tmp_path / "tree"


def cross_validation(folder: Path, name: str) -> None:
    rng = np.random.default_rng(0)
    targets = np.arange(30) % 3
    probabilities = softmax(rng.normal(size=(30, 3)) + 2 * np.eye(3)[targets])
    clips = tuple(name.format(fold=row % 5 + 1, row=row) for row in range(30))
    Predictions(LABELS, clips, np.arange(30) % 5 + 1, targets, probabilities).write(folder / "predictions.csv")
    part = {"clips": 24, "accuracy": 0.9, "loss": 0.1}
    metrics = {"train": part, "validation": part, "folds": {"fold1": 1.0}, "parameters": 1234}
    write_json(folder / "metrics.json", metrics)
    facts = {"dataset": "esc50", "split": "official folds", "seed": 0, "seconds": 90.0, "finished": True}
    (folder / "recipe.yaml").write_text("kind: probe\nc_grid: [0.1, 1.0]\n")
    write_json(folder / "about.json", facts | {"environment": {"machine": "Linux", "commit": "abc", "versions": {}}})


def test_publishing_a_run_then_checking_then_tampering(hubbub: Callable, tree: Path) -> None:
    code, out, _ = hubbub("results", "--add", "../runs/cv", "--row", "mine", "--machine", "a laptop")
    assert code == 0 and out == "README.md: brought up to date\ndocs/results.md: brought up to date\n"
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


def test_a_row_bears_the_name_of_its_run(hubbub: Callable, tree: Path) -> None:
    assert hubbub("results", "--add", "../runs/cv")[0] == 0
    assert sorted(path.name for path in Path("docs/results").iterdir()) == ["cv.csv", "cv.json"]


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--add", "../runs/none"], 3, "no run at ../runs/none"),
        (["--add", "../runs/made"], 1, "'siren-000.wav' is not the name of an ESC-50 clip"),
        (["--add", "../runs/cv", "--row", "a/b"], 2, "a row's name is of letters"),
        (["--add", "../runs/cv", "--check"], 2, "--check changes nothing"),
        (["--add", "../runs/cv", "--root", "docs"], 2, "no README.md under"),
        (["--root", "docs"], 2, "no README.md under"),
        ([], 2, "no docs/results under"),
    ],
)
def test_what_goes_wrong_writes_nothing(
    hubbub: Callable, tree: Path, arguments: list[str], code: int, said: str
) -> None:
    before = sorted(tree.rglob("*"))
    ended, out, err = hubbub("results", *arguments)
    assert (ended, out) == (code, "") and err.startswith("hubbub: ") and said in err and err.count("\n") == 1
    assert sorted(tree.rglob("*")) == before


def test_a_report_needs_a_run(hubbub: Callable, tree: Path) -> None:
    code, _, err = hubbub("report", "../runs/none")
    assert code == 3 and "no run at ../runs/none" in err
    assert hubbub("report")[0] == 2
