import dataclasses
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import reference
import tinymodel
from hubbub import audio, storage
from hubbub.data.dataset import Clip
from hubbub.errors import AudioError
from hubbub.features import cache

SPEC = tinymodel.SPEC
SECONDS = 0.5


def clip(path: Path, samples: np.ndarray, rate: int = 8000, subtype: str = "PCM_16") -> Clip:
    soundfile.write(path, samples, rate, subtype=subtype)
    return Clip(path.name, path, "dog", "1")


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Samples that a 16-bit file holds exactly."""
    drawn = np.random.default_rng(seed).uniform(-0.5, 0.5, round(8000 * seconds))
    return (np.rint(drawn * 32768) / 32768).astype(np.float32)


def by_the_book(samples: np.ndarray) -> np.ndarray:
    padded = np.pad(samples, (0, max(0, 4000 - len(samples))))[:4000]
    return reference.logmel(padded, 8000, 256, 200, 80, 15, 0, 3900)


@pytest.fixture
def clips(tmp_path: Path) -> list[Clip]:
    """Three clips: too long, too short, and as long as asked."""
    return [clip(tmp_path / f"{i}.wav", noise(seconds, i)) for i, seconds in enumerate((0.8, 0.2, 0.5))]


@pytest.fixture
def calls(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Grows by one with each log-mel that is computed."""
    counted: list[int] = []
    real = cache.logmel

    def counting(*args):
        counted.append(1)
        return real(*args)

    monkeypatch.setattr(cache, "logmel", counting)
    return counted


def test_clips_are_cut_or_padded_and_turned_into_log_mel(tmp_path: Path, clips: list[Clip]) -> None:
    found = cache.load(clips, SPEC, SECONDS, tmp_path / "cache")
    assert found.logmels.shape == (3, 15, 50) and found.logmels.dtype == np.float32
    for index, seconds in enumerate((0.8, 0.2, 0.5)):
        np.testing.assert_allclose(found.logmels[index], by_the_book(noise(seconds, index)), atol=1e-3)


def test_clips_of_another_rate_are_resampled(tmp_path: Path) -> None:
    samples = np.sin(2 * np.pi * 1000 * np.arange(24_000) / 48_000) / 2
    found = cache.load([clip(tmp_path / "x.wav", samples, 48_000)], SPEC, SECONDS, tmp_path / "cache")
    expected = by_the_book(np.sin(2 * np.pi * 1000 * np.arange(4000) / 8000) / 2)
    loud = expected > 0
    np.testing.assert_allclose(found.logmels[0][:, 5:-5][loud[:, 5:-5]], expected[:, 5:-5][loud[:, 5:-5]], atol=5e-3)


def test_nothing_is_computed_twice(tmp_path: Path, clips: list[Clip], calls: list[int]) -> None:
    first = cache.load(clips, SPEC, SECONDS, tmp_path / "cache")
    assert len(calls) == 3 and len(list((tmp_path / "cache").iterdir())) == 3
    second = cache.load(clips[::-1], SPEC, SECONDS, tmp_path / "cache")
    assert len(calls) == 3
    np.testing.assert_array_equal(second.logmels, first.logmels[::-1])
    assert second.digests == first.digests[::-1]


def test_equal_clips_share_an_entry(tmp_path: Path, calls: list[int]) -> None:
    pair = [clip(tmp_path / name, noise(0.5)) for name in ("a.wav", "b.wav", "c.flac")]
    found = cache.load(pair, SPEC, SECONDS, tmp_path / "cache")
    assert len(calls) == 1 and len(set(found.digests)) == 1
    np.testing.assert_array_equal(found.logmels[0], found.logmels[2])


def test_a_clip_that_changes_is_computed_again(tmp_path: Path, calls: list[int]) -> None:
    one = clip(tmp_path / "x.wav", noise(0.5, 0))
    before = cache.load([one], SPEC, SECONDS, tmp_path / "cache")
    clip(tmp_path / "x.wav", noise(0.5, 1))
    after = cache.load([one], SPEC, SECONDS, tmp_path / "cache")
    assert len(calls) == 2 and before.digests != after.digests
    np.testing.assert_allclose(after.logmels[0], by_the_book(noise(0.5, 1)), atol=1e-3)


def test_every_front_end_and_length_has_a_place_of_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, clips: list[Clip], calls: list[int]
) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "root"))
    hotter = dataclasses.replace(SPEC, std=4.0)
    for spec, seconds in ((SPEC, 0.5), (hotter, 0.5), (SPEC, 0.51), (SPEC, 0.5)):
        found = cache.load(clips[:1], spec, seconds)
        assert found.logmels.shape == (1, 15, round(seconds * 100))
    assert len(calls) == 3  # the last was there
    assert len(list((tmp_path / "root" / "logmel").iterdir())) == 3


def damage(path: Path, rng: np.random.Generator) -> None:
    raw = bytearray(path.read_bytes())
    for place in rng.integers(128, size=rng.integers(1, 6)):  # the header of a .npy file
        raw[place] ^= 1 << int(rng.integers(8))
    path.write_bytes(raw[: rng.integers(len(raw))] if rng.random() < 0.3 else raw)


@pytest.mark.parametrize("content", [b"", b"no array", b"PK\x03\x04 a zip that is none", b"\x80\x04."])
def test_a_damaged_entry_is_made_again(tmp_path: Path, clips: list[Clip], content: bytes) -> None:
    expected = cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache").logmels
    (entry,) = (tmp_path / "cache").iterdir()
    sound = entry.read_bytes()
    entry.write_bytes(content)
    np.testing.assert_array_equal(cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache").logmels, expected)
    assert entry.read_bytes() == sound


def test_no_damage_to_an_entrys_header_gives_an_error(tmp_path: Path, clips: list[Clip]) -> None:
    rng = np.random.default_rng(0)
    cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache")
    (entry,) = (tmp_path / "cache").iterdir()
    for _ in range(100):
        damage(entry, rng)
        found = cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache")
        assert found.logmels.shape == (1, 15, 50)
        entry.unlink()
        cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache")


@pytest.mark.parametrize("other", [np.zeros((15, 51), np.float32), np.zeros((15, 50), complex), np.zeros(750)])
def test_an_entry_of_another_kind_is_made_again(tmp_path: Path, clips: list[Clip], other: np.ndarray) -> None:
    expected = cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache").logmels
    (entry,) = (tmp_path / "cache").iterdir()
    np.save(entry, other)
    np.testing.assert_array_equal(cache.load(clips[:1], SPEC, SECONDS, tmp_path / "cache").logmels, expected)


def test_a_clip_that_cannot_be_heard(tmp_path: Path, clips: list[Clip]) -> None:
    clips[1].path.write_bytes(b"no sound")
    with pytest.raises(AudioError, match=r"1\.wav"):
        cache.load(clips, SPEC, SECONDS, tmp_path / "cache")


def test_progress_is_shown_of_every_clip(tmp_path: Path, clips: list[Clip]) -> None:
    seen: list[Clip] = []

    def track(items: Iterable[Clip]) -> Iterable[Clip]:
        for item in items:
            seen.append(item)
            yield item

    cache.load(clips, SPEC, SECONDS, tmp_path / "cache", track)
    assert seen == clips


def test_no_clips(tmp_path: Path) -> None:
    assert cache.load([], SPEC, SECONDS, tmp_path / "cache").logmels.shape == (0, 15, 50)


def test_pictures_of_another_size(tmp_path: Path, clips: list[Clip]) -> None:
    spec = dataclasses.replace(SPEC, height=8, width=20, channels=3)
    found = cache.load(clips, spec, SECONDS, tmp_path / "cache")
    assert found.logmels.shape == (3, 8, 20)  # channels are copies, which are not kept
    np.testing.assert_array_equal(cache.load(clips, spec, SECONDS, tmp_path / "cache").logmels, found.logmels)


# --- waveforms --------------------------------------------------------------------------------------------------------


def sounds(clips: list[Clip], folder: Path, seconds: float = SECONDS, rate: int = 8000) -> np.ndarray:
    return cache.sounds(clips, [one.path.name for one in clips], rate, seconds, folder)


def test_waveforms_are_cut_or_padded_to_16_bit(tmp_path: Path, clips: list[Clip]) -> None:
    found = sounds(clips, tmp_path / "cache")
    assert found.shape == (3, 4000) and found.dtype == np.int16
    for row, seconds in enumerate((0.8, 0.2, 0.5)):
        samples = noise(seconds, row)[:4000]
        np.testing.assert_allclose(found[row, : len(samples)], samples.astype(np.float64) * 32768, atol=0)
        assert not found[row, len(samples) :].any()


def test_a_waveform_too_loud_is_limited(tmp_path: Path) -> None:
    loud = clip(tmp_path / "x.wav", np.array([0.5, 3.0, -3.0, 1.0], np.float32), subtype="FLOAT")
    assert sounds([loud], tmp_path / "cache")[0, :4].tolist() == [16384, 32767, -32768, 32767]


def test_waveforms_are_read_once_and_kept_by_digest_rate_and_length(tmp_path: Path, clips: list[Clip]) -> None:
    first = sounds(clips, tmp_path / "cache").copy()
    for one in clips:
        one.path.write_bytes(b"no sound any more")
    np.testing.assert_array_equal(sounds(clips, tmp_path / "cache"), first)
    for other in ({"seconds": 0.6}, {"rate": 4000}):
        with pytest.raises(AudioError, match=r"0\.wav"):
            sounds(clips, tmp_path / "cache", **other)
    with pytest.raises(AudioError, match=r"1\.wav"):
        sounds(clips[1:], tmp_path / "cache")
    assert len(list((tmp_path / "cache").iterdir())) == 1


@pytest.mark.parametrize("content", [b"", b"no array", None])
def test_damaged_waveforms_are_made_again(tmp_path: Path, clips: list[Clip], content: bytes | None) -> None:
    first = sounds(clips, tmp_path / "cache").copy()
    (entry,) = (tmp_path / "cache").iterdir()
    entry.write_bytes(entry.read_bytes()[:-1000] if content is None else content)
    np.testing.assert_array_equal(sounds(clips, tmp_path / "cache"), first)


# --- digests ----------------------------------------------------------------------------------------------------------


def test_a_digest_is_of_16_bit_samples_and_their_rate() -> None:
    values = np.array([0, 32767, -32768, 16384, 2], "<i2")
    digest = cache.sample_digest((values / 32768).astype(np.float32), 8000)
    assert digest == storage.digest("8000", values.tobytes())
    assert digest != cache.sample_digest((values / 32768).astype(np.float32), 16_000)


def test_no_two_16_bit_values_share_a_digest() -> None:
    digests = {cache.sample_digest(np.array([value / 32768], np.float32), 8000) for value in range(-32768, 32769)}
    assert len(digests) == 65_537  # +1.0 is one of its own


def test_loud_clips_have_digests_of_their_own(tmp_path: Path) -> None:
    loud = [np.array([0.5, level, -level], np.float32) for level in (1.0, 1.5, 3.0, 1e9)]
    assert len({cache.sample_digest(samples, 8000) for samples in loud}) == 4
    found = cache.load([clip(tmp_path / "x.wav", loud[2], subtype="FLOAT")], SPEC, SECONDS, tmp_path / "cache")
    assert found.digests == (cache.sample_digest(loud[2], 8000),)


def test_a_copy_in_another_lossless_format_has_the_same_digest(tmp_path: Path) -> None:
    names = {"a.wav": "PCM_16", "b.flac": "PCM_16", "c.wav": "FLOAT", "d.wav": "PCM_24"}
    digests = {
        cache.sample_digest(*audio.read(clip(tmp_path / n, noise(0.2), subtype=s).path)) for n, s in names.items()
    }
    assert len(digests) == 1


# --- longer than a window, and longer than a minute -------------------------------------------------------------------


def test_windows_cover_a_clip_and_the_last_one_ends_with_it() -> None:
    blocks = [np.arange(5, dtype=np.float32), np.arange(5, 11, dtype=np.float32)]
    parts = [window.tolist() for window in cache.windows(blocks, 4, 4)]
    assert parts == [[0, 1, 2, 3], [4, 5, 6, 7], [7, 8, 9, 10]]
    assert [window.tolist() for window in cache.windows(blocks, 4, None)] == [[0, 1, 2, 3]]
    assert [window.tolist() for window in cache.windows([np.ones(3, np.float32)], 4, 4)] == [[1, 1, 1, 0]]


def test_a_rest_of_less_than_a_tenth_is_no_window_of_its_own() -> None:
    assert len(list(cache.windows([np.ones(109, np.float32)], 100, 100))) == 1
    assert len(list(cache.windows([np.ones(110, np.float32)], 100, 100))) == 2


def test_every_window_of_a_clip_is_heard(tmp_path: Path) -> None:
    samples = noise(1.3)
    pair = [clip(tmp_path / "short.wav", noise(0.3)), clip(tmp_path / "long.wav", samples)]
    for _ in range(2):  # computed, then from the cache
        found = cache.load(pair, SPEC, SECONDS, tmp_path / "cache", hop=SECONDS)
        assert found.owners.tolist() == [0, 1, 1, 1] and found.durations == pytest.approx((0.3, 1.3))
        assert found.digests[1:] == (cache.sample_digest(samples, 8000),) * 3
        for row, start in ((1, 0), (2, 4000), (3, 6400)):
            np.testing.assert_allclose(found.logmels[row], by_the_book(samples[start : start + 4000]), atol=1e-3)
    waveforms = cache.sounds(pair, found.digests, 8000, SECONDS, tmp_path / "sounds", hop=SECONDS)
    np.testing.assert_array_equal(waveforms[3], samples[6400:].astype(np.float64) * 32768)


@pytest.mark.parametrize("loud", [1.0, 3.0])
def test_a_long_sound_is_heard_as_a_short_one_would_be(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, loud: float
) -> None:
    samples = loud * noise(5.2)
    long = clip(tmp_path / "long.wav", samples, subtype="FLOAT")
    whole = cache.load([long], SPEC, SECONDS, tmp_path / "whole", hop=SECONDS)
    monkeypatch.setattr(cache, "_AT_ONCE", 1)
    sound = cache.decode(long.path)
    assert sound.samples is None and sound.frames == len(samples)
    assert sound.digest == cache.sample_digest(samples.astype(np.float32), 8000)
    found = cache.load([long], SPEC, SECONDS, tmp_path / "parts", hop=SECONDS)
    assert found.digests == whole.digests and len(found.logmels) == 11
    np.testing.assert_array_equal(found.logmels, whole.logmels)
    first = cache.load([long], SPEC, SECONDS, tmp_path / "first").logmels
    np.testing.assert_array_equal(first, whole.logmels[:1])


# --- a cache that cannot be written, and clips that cannot be read ----------------------------------------------------


def test_without_a_cache_all_is_computed_each_time(tmp_path: Path, clips: list[Clip], calls: list[int]) -> None:
    (tmp_path / "file").write_text("no folder")
    expected = cache.load(clips, SPEC, SECONDS, tmp_path / "cache")
    for _ in range(2):
        found = cache.load(clips, SPEC, SECONDS, tmp_path / "file")
        np.testing.assert_array_equal(found.logmels, expected.logmels)
    assert len(calls) == 9
    np.testing.assert_array_equal(sounds(clips, tmp_path / "file"), sounds(clips, tmp_path / "cache"))


def test_a_clip_that_cannot_be_read_has_no_window(tmp_path: Path, clips: list[Clip]) -> None:
    clips[1].path.write_bytes(b"no sound")
    broken: list[str] = []
    found = cache.load(
        clips, SPEC, SECONDS, tmp_path / "cache", broken=lambda clip, error: broken.append(f"{clip.id}: {error}")
    )
    assert found.owners.tolist() == [0, 2] and len(found.digests) == len(found.logmels) == 2
    assert len(broken) == 1 and broken[0].startswith("1.wav: ")
