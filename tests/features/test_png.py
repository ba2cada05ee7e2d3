import sys
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from PIL import Image

from hubbub.data.dataset import Clip
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.features import cache, png
from hubbub.logmel import LogMelSpec

SPEC = LogMelSpec(
    sample_rate=8000,
    n_fft=256,
    win_length=200,
    hop_length=80,
    n_mels=15,
    fmax=3900.0,
    range_db=60,
    mean=-30,
    std=15,
    height=24,
    width=32,
)
SECONDS = 0.5


def clip(path: Path, samples: np.ndarray) -> Clip:
    soundfile.write(path, samples, 8000, subtype="PCM_16")
    return Clip(path.name, path, "dog", "1")


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Noises, too long, too short and as long as asked, and a low tone that fades in."""
    rng = np.random.default_rng(0)
    sounds = [rng.uniform(-0.5, 0.5, round(8000 * seconds)) for seconds in (0.8, 0.2, 0.5)]
    time = np.arange(4000) / 8000
    sounds.append(np.sin(2 * np.pi * 200 * time) * time)
    return [clip(tmp_path / f"{index}.wav", sound) for index, sound in enumerate(sounds)]


def pixels(path: Path) -> np.ndarray:
    with Image.open(path) as image:
        assert image.mode == "L"
        return np.asarray(image)


def test_pictures_give_back_what_the_network_sees(tmp_path: Path, clips: list[Clip]) -> None:
    assert png.write(clips, SPEC, SECONDS, tmp_path / "png") == 4
    features = png.read(tmp_path / "png", clips, SPEC, SECONDS)
    expected = cache.load(clips, SPEC, SECONDS, tmp_path / "cache")
    assert features.digests == expected.digests and features.logmels.dtype == np.float32
    half_a_step = 60 / 255 / 2 / SPEC.std
    np.testing.assert_allclose(features.logmels, expected.logmels, rtol=0, atol=half_a_step * 1.0001)


def test_a_picture_is_the_sound_and_nothing_else(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path)
    grey = pixels(tmp_path / "3.wav.png")
    assert grey.shape == (24, 32)
    place = np.unravel_index(grey.argmax(), grey.shape)
    assert place[0] >= 20 and place[1] >= 28  # a low tone, loudest at its end: bottom right
    assert pixels(tmp_path / "1.wav.png")[:, 16:].max() == 0  # silence behind a short clip is black
    whole = replace(SPEC, height=0, width=0)
    png.write(clips[:1], whole, SECONDS, tmp_path)
    assert pixels(tmp_path / "0.wav.png").max() == 255  # the loudest point is white


def test_what_is_there_is_kept(tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    assert png.write(clips[:2], SPEC, SECONDS, tmp_path / "png") == 2
    before = (tmp_path / "png" / "0.wav.png").stat().st_mtime_ns
    assert png.write(clips, SPEC, SECONDS, tmp_path / "png") == 2
    monkeypatch.delattr(png, "logmel")
    assert png.write(clips, SPEC, SECONDS, tmp_path / "png") == 0
    assert (tmp_path / "png" / "0.wav.png").stat().st_mtime_ns == before
    assert png.write(clips, replace(SPEC, mean=-20.0, std=5.0, channels=3), SECONDS, tmp_path / "png") == 0


def test_what_does_not_fit_any_more_is_written_again(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path / "png")
    clip(clips[0].path, np.full(4000, 0.25))
    assert png.write(clips, SPEC, SECONDS, tmp_path / "png") == 1
    for other in (replace(SPEC, range_db=80.0), replace(SPEC, width=33), replace(SPEC, floor=1e-6)):
        assert png.write(clips, other, SECONDS, tmp_path / "png") == 4
    assert png.write(clips, other, 0.51, tmp_path / "png") == 4
    assert len(list((tmp_path / "png").iterdir())) == 4


def test_another_normalisation_reads_the_same_pictures(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path)
    plain = png.read(tmp_path, clips, replace(SPEC, mean=0.0, std=1.0), SECONDS).logmels
    scaled = png.read(tmp_path, clips, SPEC, SECONDS).logmels
    np.testing.assert_allclose(scaled * 15 - 30, plain, atol=1e-4)
    assert plain.min() == -60 and plain.max() > -10


def test_any_damage_is_found_and_mended(tmp_path: Path, clips: list[Clip]) -> None:
    rng = np.random.default_rng(0)
    png.write(clips[:1], SPEC, SECONDS, tmp_path)
    target = tmp_path / "0.wav.png"
    whole, expected = target.read_bytes(), pixels(target)
    for _ in range(20):
        raw = bytearray(whole)
        for place in rng.integers(len(raw), size=3):
            raw[place] ^= 1 << int(rng.integers(8))
        target.write_bytes(raw[: rng.integers(len(raw))] if rng.random() < 0.3 else raw)
        png.write(clips[:1], SPEC, SECONDS, tmp_path)
        np.testing.assert_array_equal(pixels(target), expected)


def test_processes_side_by_side(tmp_path: Path, clips: list[Clip]) -> None:
    seen: list[Clip] = []

    def track(items: Iterable[Clip]) -> Iterable[Clip]:
        for item in items:
            seen.append(item)
            yield item

    assert png.write(clips, SPEC, SECONDS, tmp_path / "two", jobs=2, track=track) == 4
    assert seen == clips
    png.write(clips, SPEC, SECONDS, tmp_path / "one")
    for name in (f"{clip.id}.png" for clip in clips):
        assert (tmp_path / "one" / name).read_bytes() == (tmp_path / "two" / name).read_bytes()


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_clip_that_cannot_be_heard(tmp_path: Path, clips: list[Clip], jobs: int) -> None:
    clips[1].path.write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"1\.wav"):
        png.write(clips, SPEC, SECONDS, tmp_path / "png", jobs)


def test_a_missing_picture(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path)
    (tmp_path / "2.wav.png").unlink()
    with pytest.raises(DataError, match=r"no picture at .*2\.wav\.png: .*hubbub features pictures"):
        png.read(tmp_path, clips, SPEC, SECONDS)


def test_pictures_that_do_not_fit(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path)
    with pytest.raises(DataError, match=r"has 32 x 24 pixels, not 32 x 25: write it again"):
        png.read(tmp_path, clips, replace(SPEC, height=25), SECONDS)
    with pytest.raises(DataError, match="another front end"):
        png.read(tmp_path, clips, replace(SPEC, n_fft=512), SECONDS)
    Image.new("L", (32, 24)).save(tmp_path / "0.wav.png")
    with pytest.raises(DataError, match="not a picture that hubbub wrote"):
        png.read(tmp_path, clips, SPEC, SECONDS)
    (tmp_path / "0.wav.png").write_bytes(b"none")
    with pytest.raises(DataError, match="is damaged"):
        png.read(tmp_path, clips, SPEC, SECONDS)


def test_a_sound_that_changed_is_not_shown_by_its_old_picture(tmp_path: Path, clips: list[Clip]) -> None:
    png.write(clips, SPEC, SECONDS, tmp_path / "png")
    clips[0].path.write_bytes(clips[1].path.read_bytes())
    with pytest.raises(DataError, match=r"was drawn of another sound than .* is now: write it again"):
        png.read(tmp_path / "png", clips, SPEC, SECONDS)
    clips[0].path.unlink()
    assert len(png.read(tmp_path / "png", clips, SPEC, SECONDS).logmels) == len(clips)


@pytest.mark.parametrize(
    ("spec", "why"),
    [(replace(SPEC, range_db=0.0), "without range_db"), (replace(SPEC, normalise="clip"), "clip's own")],
)
def test_front_ends_that_make_no_pictures(tmp_path: Path, clips: list[Clip], spec: LogMelSpec, why: str) -> None:
    with pytest.raises(UsageError, match=why):
        png.write(clips, spec, SECONDS, tmp_path / "png")
    with pytest.raises(UsageError, match=why):
        png.read(tmp_path / "png", clips, spec, SECONDS)
    assert not (tmp_path / "png").exists()


def test_without_pillow_the_extra_is_named(tmp_path: Path, clips: list[Clip], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "PIL", None)
    with pytest.raises(RefusedError, match="the extra 'plot'"):
        png.write(clips, SPEC, SECONDS, tmp_path / "png")


def test_no_clips(tmp_path: Path) -> None:
    assert png.write([], SPEC, SECONDS, tmp_path) == 0
    assert png.read(tmp_path, [], SPEC, SECONDS).logmels.shape == (0, 24, 32)
