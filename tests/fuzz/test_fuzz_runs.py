"""Run folders with wrong types, values and bytes in each of their files: whoever reads one says so in one line."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import tinymodel
import tinyruns
from fuzzing import Rng, changed, command, damaged, refused, seeds
from hubbub import audio, modelfile
from hubbub.data.folder import load
from hubbub.errors import HubbubError
from hubbub.report import plots
from hubbub.runs.run import Run
from hubbub.storage import read_json, read_table, write_csv, write_json
from hubbub.studies import evaluation, label_issues, shortcuts, split_table
from hubbub.train import recipe_file

pytestmark = pytest.mark.slow
LABELS = tinymodel.LABELS
COLUMNS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy", "lr")
EPOCHS = [(1, 1, 2, 1.5, 0.4, 1e-3), (1, 2, 1, 1, 1, 1)]
CELLS = ("", "nan", "inf", "-1", "1e308", "9" * 30, "9" * 5000, "x", "\x1b[1m", "🐶", "$x^", "0.5", "1", "dog", "../..")
RATE = 8000


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Sounds, a model, and `runs`: a training, a cross-validation of it, and an evaluation."""
    root = tmp_path_factory.mktemp("world")
    rng = np.random.default_rng(0)
    training = tinyruns.planted(root / "runs" / "training", LABELS, {("low", "high"): 2, ("high", "low"): 1}, each=4)
    sounds = root / "sounds"
    rows = [[row["clip"], row["clip"].split("-")[0]] for row in training.clips]
    for name, _ in rows:
        audio.write_wav(sounds / name, 0.1 * rng.standard_normal(RATE // 4), RATE)
    write_csv(sounds / "metadata.csv", ["file_name", "label"], rows)
    modelfile.write(root / "tiny.onnx", tinymodel.graph(), tinymodel.meta())
    write_csv(training.folder / "epochs.csv", COLUMNS, EPOCHS)
    write_csv(training.folder / "strengths.csv", ["epoch", *LABELS], [[1, 1, 1, 1], [2, 0.5, 1, 1]])
    recipe = recipe_file.to_yaml(recipe_file.load("cnn", budget="quick"))
    (training.folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    (training.folder / "model.pt").write_bytes(b"no network")
    whole = tinyruns.planted(root / "runs" / "cv", LABELS, {("low", "high"): 1}, each=4, split="official folds 1 2")
    (whole.folder / "clips.csv").unlink()
    for name in ("fold1", "fold2"):
        part = tinyruns.planted(whole.folder / name, LABELS, {}, each=4, split=f"official-{name}")
        write_csv(part.folder / "epochs.csv", COLUMNS, EPOCHS)
    metrics = read_json(whole.folder / "metrics.json") | {"folds": {"fold1": 1.0, "fold2": 0.5}, "parameters": 7}
    write_json(whole.folder / "metrics.json", metrics)
    evaluation.evaluate(root / "tiny.onnx", load(sounds), Run(root / "runs" / "evaluation"), reference=str(sounds))
    return root


@pytest.fixture(autouse=True)
def small(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setattr(shortcuts, "_TREES", 3)
    monkeypatch.chdir(tmp_path)


def spoilt(rng: Rng, path: Path) -> bytes:
    """What the file may hold instead: its bytes damaged, or some of its values others."""
    content = path.read_bytes()
    if path.suffix == ".pt" or rng.random() < 0.25:
        return damaged(rng, content)
    if path.suffix == ".json":
        return json.dumps(changed(rng, json.loads(content))).encode()
    if path.suffix == ".yaml":
        try:
            return yaml.safe_dump(changed(rng, yaml.safe_load(content)), allow_unicode=True).encode()
        except (UnicodeEncodeError, RecursionError):  # what the writer itself will not write
            return damaged(rng, content)
    table = read_table(path)
    rows = [table.header, *table.rows]
    for _ in range(int(rng.integers(1, 3))):
        row = rows[0 if rng.random() < 0.3 else int(rng.integers(len(rows)))]
        if row:
            row[int(rng.integers(len(row)))] = str(rng.choice([*CELLS, *rows[-1]]))
    if rng.random() < 0.1:
        rows = [row[:-1] for row in rows]
    elif rng.random() < 0.1:
        rows = rows[:1] if rng.random() < 0.5 else [*rows, *rows[1:]]
    return "\n".join(",".join(row) for row in rows).encode(errors="surrogatepass")


def walk(world: Path, count: int, *names: str) -> Iterator[tuple[Path, Path]]:
    """The folder of a run of those names in which a file is spoilt, and that file; it is mended afterwards."""
    files = sorted(path for name in names for path in (world / "runs" / name).rglob("*") if path.suffix in SUFFIXES)
    for _, rng in seeds(count):
        path = files[int(rng.integers(len(files)))]
        before = path.read_bytes()
        path.write_bytes(spoilt(rng, path))
        try:
            yield world / "runs" / path.relative_to(world / "runs").parts[0], path
        finally:
            path.write_bytes(before)


SUFFIXES = (".json", ".csv", ".yaml", ".pt")


def attempt(work: Callable[[], object]) -> None:
    """Something of the library, which may refuse."""
    try:
        work()
    except HubbubError as error:
        refused(error)


def test_report(world: Path) -> None:
    codes = {command("report", run)[0] for run, _ in walk(world, 80, "training", "cv", "evaluation")}
    assert 0 in codes and codes - {0}


def test_report_of_two(world: Path) -> None:
    other = world / "runs" / "evaluation"
    for run, _ in walk(world, 30, "training", "cv"):
        command("report", other, run)


def test_pages(world: Path) -> None:
    for run, _ in walk(world, 5, "training", "cv", "evaluation"):
        command("report", run, "--html", "page.html", "--dataset", world / "sounds")
    for run, _ in walk(world, 1, "cv"):
        command("report", run, world / "runs" / "training", "--html", "page.html")


def test_pages_find_their_dataset_by_the_record(world: Path) -> None:
    path = world / "runs" / "evaluation" / "about.json"
    for _, rng in seeds(15):
        before = path.read_bytes()
        about = json.loads(before)
        about["dataset"] = changed(rng, about["dataset"])
        path.write_text(json.dumps(about))
        command("report", path.parent, "--html", "page.html")
        path.write_bytes(before)


def test_pictures(world: Path) -> None:
    for run, path in walk(world, 8, "training"):
        if path.suffix == ".csv":
            attempt(lambda folder=run: plots.draw_all(Run.open(folder)))


def test_export(world: Path) -> None:
    for run, _ in walk(world, 20, "training", "cv"):
        assert command("export", run, "-o", "x.onnx")[0]


def test_audit(world: Path) -> None:
    command("audit", world / "sounds", "--run", world / "runs" / "training", "--split", "grouped")
    clips = load(world / "sounds")
    by_id = {clip.id: clip for clip in clips.clips}
    for run, _ in walk(world, 40, "training", "cv", "evaluation"):
        attempt(lambda folder=run: split_table.assign(clips, None, Run.open(folder)))
        attempt(lambda folder=run: label_issues.find(Run.open(folder), by_id))


def test_an_evaluation_goes_on(world: Path) -> None:
    for _ in walk(world, 25, "evaluation"):
        before = {path: path.read_bytes() for path in (world / "runs" / "evaluation").iterdir() if path.is_file()}
        command("evaluate", world / "tiny.onnx", world / "sounds", "--runs", world / "runs", "--name", "evaluation")
        for path, content in before.items():
            path.write_bytes(content)


def test_a_training_goes_on(world: Path) -> None:
    """Whether a run may be taken up again is asked before anything is trained."""
    records = {name: Run(world / "runs" / name).record for name in ("training", "cv")}
    recipe = (world / "runs" / "training" / "recipe.yaml").read_text(encoding="utf-8")
    for run, _ in walk(world, 100, "training", "cv"):
        attempt(lambda folder=run: Run(folder).begin(recipe, records[folder.name]))
