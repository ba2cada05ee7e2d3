import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import augmented_copies, sources
from hubbub.data.dataset import Clip, Dataset
from hubbub.runs.run import Run
from hubbub.storage import write_text
from hubbub.studies import leak_study
from hubbub.train import fit

Hubbub = Callable[..., tuple[int, str, str]]
PAGE = "# Leak\n\nbefore\n<!-- leak:start -->\nOUTDATED\n<!-- leak:end -->\nafter\n"
RECIPE = """\
name: tiny
about: for tests
kind: gradient
frontend: {sample_rate: 8000, n_fft: 512, win_length: 400, hop_length: 160, n_mels: 16, fmax: 3900}
seconds: 0.5
network: {kind: cnn, width: 0.1}
batch_size: 8
stages: [{first_trainable_block: 0, epochs: 9, lr: 0.003, batch_norm: trained}]
budgets: {leak-study: {stages.0.epochs: 3}}
"""
TINY = ("--recipe", "recipes/tiny.yaml", "--unseen", "3")


@pytest.fixture(autouse=True)
def small_world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Tones in three folds that pass for ESC-50, a tiny recipe, a page, and an empty folder to work in."""
    rng = np.random.default_rng(0)
    clips = []
    for fold in (1, 2, 3):
        for number in range(6):
            label = ("dog", "rain")[number % 2]
            path = tmp_path / "sounds" / f"{fold}-{number}.wav"
            pitch = 0.2 if label == "dog" else 1.0
            audio.write_wav(path, 0.4 * np.sin(np.arange(4000) * pitch) + rng.normal(0, 0.1, 4000), 8000)
            clips.append(Clip(path.name, path, label, path.stem, fold))
    made = Dataset("esc50", "Tones", ("dog", "rain"), tuple(clips), "CC0", "nobody", "made by code")

    def open_dataset(name: str) -> Dataset:
        return made if name == "esc50" else augmented_copies.load(Path(name), made)

    monkeypatch.setattr(sources, "open_dataset", open_dataset)
    monkeypatch.setattr("os.cpu_count", lambda: 1)
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    write_text(Path("recipes/tiny.yaml"), RECIPE)
    write_text(Path("leak.md"), PAGE)


@pytest.fixture
def untrained(monkeypatch: pytest.MonkeyPatch) -> None:
    """A world where training is a mistake."""

    def run(*_: object) -> None:
        raise AssertionError("something was trained")

    monkeypatch.setattr(fit, "run", run)


def test_the_study_makes_copies_trains_and_writes_its_table(hubbub: Hubbub) -> None:
    code, out, err = hubbub("leak-study", *TINY, "--page", "leak.md")
    assert code == 0, err
    cache = Path("cache/expanded/esc50")
    assert len(list((cache / "audio").iterdir())) == round(18 * 8143 / 2000) - 18
    lines = out.splitlines()
    assert lines[-2:] == ["run folders: runs/leak-study-tiny", "leak.md: brought up to date, from leak.csv"]
    assert Path("leak.csv").is_file()
    runs = [Run.open(Path(f"runs/leak-study-tiny/unseen3-{way.name}")) for way in leak_study.WAYS]
    table = Path("leak.md").read_text().splitlines()
    assert table[:4] == PAGE.splitlines()[:4] and table[-2:] == ["<!-- leak:end -->", "after"] and len(table) == 12
    for way, run, shown, written in zip(leak_study.WAYS, runs, lines[1:5], table[6:10], strict=True):
        share = f"{100 * run.predictions.right.mean():.2f} %"
        assert written.startswith(f"| {way.title} | {share} |")
        assert shown.startswith(f"{way.title} ") and f" {share} (" in shown and shown.endswith(" points")
        assert str(run.record.dataset) == "esc50+55"

    assert hubbub("leak-study", *TINY, "--copies", cache)[1].splitlines() == lines[:-1]
    write_text(Path("leak.md"), PAGE)
    before = {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")}
    assert hubbub("leak-study", *TINY, "--page", "leak.md")[1].splitlines() == lines
    assert {path: path.stat().st_mtime_ns for path in Path("runs").rglob("*")} == before
    assert Path("leak.md").read_text().splitlines() == table


def test_another_seed_has_its_own_folder(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []
    monkeypatch.setattr(
        leak_study, "run", lambda experiment, unseen, target: asked.append((experiment.job.seed, target)) or []
    )
    assert hubbub("leak-study", *TINY, "--seed", "7")[0] == hubbub("leak-study", *TINY)[0] == 0
    assert asked == [(7, Run(Path("runs/leak-study-tiny-seed7"))), (0, Run(Path("runs/leak-study-tiny")))]


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--page", "none.md"], 2, "none.md has no place for its table: put <!-- leak:start --> and <!-- leak:end -->"),
        (["--page", "recipes/tiny.yaml"], 2, "tiny.yaml has no place for its table"),
        (["--recipe", "resnet81"], 2, "unknown recipe 'resnet81'"),
        (["--recipe", "probe"], 2, "recipe probe has no budget 'leak-study'"),
        (["--set", "colour=red"], 2, "unknown key colour"),
    ],
)
def test_what_is_wrong_is_told_before_copies_are_made(
    hubbub: Hubbub, arguments: list[str], code: int, said: str
) -> None:
    ended, out, err = hubbub("leak-study", *TINY, *arguments)
    assert (ended, out, err.count("\n")) == (code, "", 1) and err.startswith("hubbub: ") and said in err
    assert not Path("cache").exists() and not Path("runs").exists()


@pytest.mark.usefixtures("untrained")
@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["--copies", "esc50"], 3, "esc50 has no copies to pool"),
        (["--unseen", "8"], 2, "has no fold 8; its folds are: 1, 2, 3"),
    ],
)
def test_what_is_wrong_is_told_before_training(hubbub: Hubbub, arguments: list[str], code: int, said: str) -> None:
    ended, out, err = hubbub("leak-study", *TINY, *arguments)
    assert (ended, out) == (code, "") and err.splitlines()[-1].startswith("hubbub: ") and said in err
    assert not Path("runs").exists()


def test_without_the_learning_stack(hubbub: Hubbub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "hubbub.studies.experiment")
    monkeypatch.delattr("hubbub.studies.experiment")
    monkeypatch.setitem(sys.modules, "torch", None)
    monkeypatch.delitem(sys.modules, "hubbub.train.export")
    monkeypatch.delattr("hubbub.train.export")
    code, out, err = hubbub("leak-study")
    assert (code, out) == (3, "") and 'pip install ".[train]"' in err
