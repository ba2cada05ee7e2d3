import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from hubbub.audio import write_wav
from hubbub.augment import plan
from hubbub.data import sources
from hubbub.data.synth import synthetic
from hubbub.report import figures, spectrograms

RECIPE = """
name: tiny
about: for tests
kind: gradient
seconds: 0.5
frontend: {sample_rate: 8000, n_fft: 256, win_length: 200, hop_length: 80, n_mels: 15, fmax: 3900, range_db: 60,
  height: 24, width: 32}
augment: {mask_bands: 8, mask_frames: 8}
stages:
  - {first_trainable_block: 0, epochs: 1, lr: 0.001}
"""
CLIPS = 3


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder to work in, with recipes and a sound; the dataset `synthetic` has three clips."""
    for name, changes in {
        "tiny": ("", ""),
        "unbounded": ("range_db: 60,\n  height: 24, width: 32", "range_db: 0"),
        "acoustic": ("mask_bands: 8", "rules: acoustic, mask_bands: 8"),
        "byclip": ("range_db: 60", "decibels: true, normalise: clip"),
    }.items():
        (tmp_path / f"{name}.yaml").write_text(RECIPE.replace(*changes).replace("name: tiny", f"name: {name}"))
    rng = np.random.default_rng(0)
    for name in ("noise.wav", "5-1-A-41.wav"):
        write_wav(tmp_path / name, rng.uniform(-0.5, 0.5, 3000), 8000)
    clips = []
    for number in range(CLIPS):
        path = tmp_path / "clips" / f"{number}.wav"
        write_wav(path, rng.uniform(-0.5, 0.5, 4000), 8000)
        clips.append(dataclasses.replace(CLIP, id=path.name, path=path))
    small = dataclasses.replace(DATASET, clips=tuple(clips))
    real = sources.open_dataset
    monkeypatch.setattr(sources, "open_dataset", lambda name: small if name == "synthetic" else real(name))
    monkeypatch.chdir(tmp_path)
    return tmp_path


CLIP = sources.esc50.Clip("x", Path("x"), "rain", "1")
DATASET = sources.Dataset("synthetic", "made", synthetic.LABELS, (), "MIT", "none", "made by code")


# --- pictures ---------------------------------------------------------------------------------------------------------


def test_pictures_are_written_once(hubbub: Callable, place: Path) -> None:
    arguments = ("features", "pictures", "synthetic", "--recipe", "tiny.yaml", "--jobs", "1")
    code, out, err = hubbub(*arguments)
    assert (code, err) == (0, "")
    folder = Path("pictures", "tiny-synthetic")
    assert out == f"{folder}: 3 pictures, 3 of them new\n"
    assert sorted(path.name for path in folder.iterdir()) == ["0.wav.png", "1.wav.png", "2.wav.png"]
    with Image.open(folder / "0.wav.png") as image:
        assert image.size == (32, 24) and image.mode == "L"
    assert hubbub(*arguments)[1] == f"{folder}: 3 pictures, 0 of them new\n"
    assert hubbub(*arguments, "--out", "there")[1] == "there: 3 pictures, 3 of them new\n"


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("nonsense", "--recipe", "tiny.yaml"), 2, "unknown dataset 'nonsense'"),
        (("synthetic", "--recipe", "nonsense"), 2, "unknown recipe 'nonsense'"),
        (("synthetic", "--recipe", "unbounded.yaml"), 2, "without range_db"),
        (("synthetic", "--recipe", "byclip.yaml"), 2, "without range_db"),
        (("synthetic", "--recipe", "tiny.yaml", "--jobs", "0"), 2, "--jobs"),
        (("synthetic", "--recipe", "tiny.yaml", "--out", "noise.wav/in"), 3, "noise.wav"),
    ],
)
def test_pictures_that_cannot_be_written(
    hubbub: Callable, place: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    given = arguments if "--jobs" in arguments else (*arguments, "--jobs", "1")
    found, _, err = hubbub("features", "pictures", *given)
    assert found == code and message in err


# --- show -------------------------------------------------------------------------------------------------------------


def test_show(hubbub: Callable, place: Path) -> None:
    code, out, err = hubbub("features", "show", "noise.wav", "--recipe", "tiny.yaml")
    assert (code, err) == (0, "")
    assert out == "noise-tiny.png: noise.wav as tiny sees it, and three augmented views\n"
    assert (place / "noise-tiny.png").read_bytes().startswith(b"\x89PNG")
    hubbub("features", "show", "noise.wav", "--recipe", "byclip.yaml", "-o", "other.svg")
    assert b"<svg" in (place / "other.svg").read_bytes()


def test_show_draws_what_training_draws(hubbub: Callable, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    kept: list[dict[str, np.ndarray]] = []
    titles: list[str] = []

    def keep(path: Path, shown: list[tuple[str, np.ndarray]], sound: np.ndarray, spec: object, title: str) -> None:
        kept.append(dict(shown))
        titles.append(title)

    monkeypatch.setattr(spectrograms, "draw_views", keep)
    for options in ((), (), ("--seed", "1"), ("--epoch", "1")):
        assert hubbub("features", "show", "noise.wav", "--recipe", "tiny.yaml", *options)[0] == 0
    first, again, seeded, later = kept
    assert [name.partition(":")[0] for name in first] == ["as it is", "epoch 0", "epoch 1", "epoch 2"]
    assert titles[0] == "noise.wav as tiny sees it: 8 kHz, 15 mels, 32 x 24 input"
    assert first.keys() == again.keys() != seeded.keys()
    for name, array in first.items():
        np.testing.assert_array_equal(again[name], array)
        assert array.shape == (24, 32)
    np.testing.assert_array_equal(seeded["as it is"], first["as it is"])
    (second,) = (name for name in first if name.startswith("epoch 2"))
    np.testing.assert_array_equal(later[second], first[second])
    assert list(later)[-1].startswith("epoch 3")


def test_a_view_says_what_was_drawn(hubbub: Callable, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The words are of the very draws: as many rows as they say hold the mean of the picture."""
    shown: list[tuple[str, np.ndarray]] = []
    monkeypatch.setattr(spectrograms, "draw_views", lambda path, views, *_: shown.extend(views[1:]))
    assert hubbub("features", "show", "noise.wav", "--recipe", "tiny.yaml")[0] == 0
    for name, array in shown:
        bands = int(name.split()[2])
        flat = np.ptp(array, axis=1) == 0
        assert f"{bands} bands and" in name
        assert flat.sum() == bands


def test_a_recipe_that_augments_nothing_has_one_view(hubbub: Callable, place: Path) -> None:
    text = (place / "tiny.yaml").read_text()
    (place / "plain.yaml").write_text(text.replace("augment: {mask_bands: 8, mask_frames: 8}", ""))
    code, out, _ = hubbub("features", "show", "noise.wav", "--recipe", "plain.yaml")
    assert code == 0
    assert out == "noise-tiny.png: noise.wav as tiny sees it, and the recipe augments nothing\n"


def test_a_sound_without_a_recipe(hubbub: Callable, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    real = figures.save
    monkeypatch.setattr(figures, "save", lambda figure, path: (drawn.append(figure), real(figure, path)))
    assert hubbub("features", "show", "noise.wav") == (
        0,
        "noise-spectrogram.png: waveform and spectrogram of noise.wav, 0.38 s\n",
        "",
    )
    assert hubbub("features", "show", "noise.wav", "--mfcc", "13", "-o", "m.svg")[0] == 0
    wave, picture, _ = drawn[0].axes
    assert len(wave.lines[0].get_xdata()) == 3000
    assert wave.get_xlim() == (0, 3000 / 8000)
    assert picture.get_ylabel() == "frequency [Hz]"
    assert picture.images[0].get_extent()[2:] == [0, 4000]
    assert drawn[1].axes[2].images[0].get_array().shape[0] == 13


def test_a_tone_lies_at_its_time_and_frequency(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    drawn: list[Any] = []
    monkeypatch.setattr(figures, "save", lambda figure, _: drawn.append(figure))
    tone = np.sin(2 * np.pi * 3000 * np.arange(16_000) / 16_000) * (np.arange(16_000) >= 8000)
    spectrograms.draw_sound(Path("x.png"), tone.astype(np.float32), 16_000, "a tone")
    image = drawn[0].axes[1].images[0]
    rows, columns = image.get_array().shape
    loudest = image.get_array()[:, columns * 3 // 4].argmax()
    assert loudest / (rows - 1) * 8000 == pytest.approx(3000, abs=10)
    onset = np.flatnonzero(image.get_array()[loudest] > image.get_array().max() - 7)[0]
    assert onset / columns == pytest.approx(0.5, abs=0.03)


def test_rules_by_category_need_a_class(hubbub: Callable, place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []

    def view(sound: np.ndarray, spec: object, plan: object, rng: object, category: str) -> np.ndarray:
        heard.append(category)
        return np.zeros((24, 32), np.float32)

    monkeypatch.setattr(plan, "view", view)
    assert hubbub("features", "show", "5-1-A-41.wav", "--recipe", "acoustic.yaml")[0] == 0
    assert hubbub("features", "show", "noise.wav", "--recipe", "acoustic.yaml", "--label", "rain")[0] == 0
    assert heard == ["urban"] * 3 + ["natural"] * 3
    code, _, err = hubbub("features", "show", "noise.wav", "--recipe", "acoustic.yaml")
    assert code == 2 and "'noise.wav' does not tell its class: give --label" in err


@pytest.mark.parametrize(
    ("arguments", "code", "message"),
    [
        (("none.wav", "--recipe", "tiny.yaml"), 3, "none.wav"),
        (("noise.wav", "--recipe", "none.yaml"), 2, "no recipe at none.yaml"),
        (("none.wav",), 3, "none.wav"),
        (("tiny.yaml",), 1, "does not decode"),
        (("noise.wav", "--mfcc", "13", "--recipe", "tiny.yaml"), 2, "leave out --recipe"),
        (("noise.wav", "-o", "x.wav"), 2, "must end in .png"),
        (("noise.wav", "--recipe", "tiny.yaml", "-o", "x.wav"), 2, "must end in .png"),
        (("noise.wav", "--recipe", "acoustic.yaml", "--label", "fog"), 2, "no class 'fog'"),
        (("tiny.yaml", "--recipe", "tiny.yaml"), 1, "does not decode"),
    ],
)
def test_what_cannot_be_shown(
    hubbub: Callable, place: Path, arguments: tuple[str, ...], code: int, message: str
) -> None:
    found, _, err = hubbub("features", "show", *arguments)
    assert found == code and message in err
    assert not list(place.glob("*.png"))
