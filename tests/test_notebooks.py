"""Each notebook is run from its first cell to its last, in a kernel of its own that says every warning."""

import ast
import asyncio
import os
from pathlib import Path
from typing import Any

import jupytext
import nbformat
import pytest
from nbclient import NotebookClient
from nbclient.exceptions import CellExecutionError

from hubbub.data.synth import synthetic
from hubbub.storage import write_csv

FOLDER = Path(__file__).parents[1] / "notebooks"
NOTEBOOKS = sorted(FOLDER.glob("*.py"))
LABELS = ("chirping_birds", "crackling_fire", "rain", "siren")
STRICT = "import warnings; warnings.simplefilter('always')"
LONGEST = 5  #: lines of a function of a notebook: what is longer belongs into the package
FILES = {
    "01_explore": ("explore.html",),
    "02_features_and_augmentation": ("cnn.png", "steps.png", "epochs.png", "plans.png"),
    "03_train_and_evaluate": ("curves.png", "confusion.png", "report.html", "model.onnx", "unseen/predictions.csv"),
}
SAID = {
    "01_explore": "no leak found",
    "02_features_and_augmentation": "its rules:",
    "03_train_and_evaluate": "has heard",
}
every_notebook = pytest.mark.parametrize("path", NOTEBOOKS, ids=lambda path: path.stem)


@pytest.fixture(scope="module")
def sounds(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Some of the synthetic set, as a folder with a table."""
    folder = tmp_path_factory.mktemp("synthetic")
    made = synthetic.dataset(folder, LABELS, per_fold=1)
    rows = [[clip.path.relative_to(folder), clip.label, clip.group, clip.fold] for clip in made.clips]
    write_csv(folder / "metadata.csv", ("file_name", "label", "recording", "fold"), rows)
    return folder


def run(path: Path, folder: Path, dataset: str | Path | None = None) -> str:
    """Run a notebook in `folder`; what it showed, as text. AssertionError for an error, or anything on stderr."""
    notebook = jupytext.read(path)
    notebook.cells.insert(0, nbformat.v4.new_code_cell(STRICT))
    environment = os.environ | {"IPYTHONDIR": str(folder / "ipython"), "OMP_NUM_THREADS": "1"}  # others run beside it
    environment.pop("HUBBUB_NOTEBOOK_DATASET", None)
    if dataset is not None:
        environment["HUBBUB_NOTEBOOK_DATASET"] = str(dataset)
    place: dict[str, Any] = {"metadata": {"path": str(folder)}}
    client = NotebookClient(notebook, timeout=600, kernel_name="python3", resources=place)
    try:
        asyncio.run(client.async_execute(env=environment))
    except CellExecutionError as error:
        raise AssertionError(f"{path.name}: {error}") from error
    outputs = [output for cell in notebook.cells if cell.cell_type == "code" for output in cell.outputs]
    assert [output.text for output in outputs if output.get("name") == "stderr"] == []
    return "\n".join(output.get("text") or output.data["text/plain"] for output in outputs)


def test_there_are_three() -> None:
    assert [path.stem for path in NOTEBOOKS] == list(FILES)


@every_notebook
def test_on_synthetic_sounds(path: Path, sounds: Path, tmp_path: Path) -> None:
    said = run(path, tmp_path, sounds)
    assert SAID[path.stem] in said
    assert "Audio object" in said
    for name in FILES[path.stem]:
        assert (tmp_path / "out" / name).stat().st_size > 0, name


@every_notebook
def test_on_real_sounds(path: Path, esc50_root: Path, tmp_path: Path) -> None:
    said = run(path, tmp_path)
    assert "synthetic" not in said
    for name in FILES[path.stem]:
        assert (tmp_path / "out" / name).stat().st_size > 0, name


@every_notebook
def test_what_is_kept_is_text_without_outputs(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    notebook = jupytext.reads(text, "py:percent")
    assert not any(cell.get("outputs") for cell in notebook.cells)
    head, body = "# ---\n", 2  # the head may name the jupytext that wrote it
    assert jupytext.writes(notebook, "py:percent").split(head)[body] == text.split(head)[body]
    assert notebook.metadata["kernelspec"]["name"] == "python3"


@every_notebook
def test_nothing_is_a_second_implementation(path: Path) -> None:
    """No classes, and functions of a few lines at most."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        assert not isinstance(node, ast.ClassDef), node.name
        if isinstance(node, ast.FunctionDef):
            assert (node.end_lineno or 0) - node.lineno < LONGEST, node.name


@pytest.mark.parametrize("code", ["1 / 0", "warnings.warn('odd')", "import sys; print('odd', file=sys.stderr)"])
def test_an_error_or_a_warning_is_found(tmp_path: Path, code: str) -> None:
    path = tmp_path / "wrong.py"
    path.write_text(f"# %%\n{code}\n")
    with pytest.raises(AssertionError, match="division by zero" if "0" in code else "odd"):
        run(path, tmp_path)
