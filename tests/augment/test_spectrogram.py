from typing import Any

import numpy as np
import pytest

from hubbub.augment.spectrogram import Equalise, Mask, RandomCrop, RepeatOverSilence, Roll, mixup
from hubbub.logmel import LogMelSpec, logmel

SPEC = LogMelSpec()
FLOOR = float((np.log(1e-5) + 4.5) / 5)
ALL = [Roll(), Equalise(SPEC), RepeatOverSilence(SPEC, 1.0), Mask()]


def sound(seconds: float = 1.0, silence: float = 0.5, seed: int = 0) -> np.ndarray:
    """Noise, then digital silence, as samples."""
    rng = np.random.default_rng(seed)
    return np.pad(rng.normal(0, 0.1, round(32_000 * seconds)), (0, round(32_000 * silence))).astype(np.float32)


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return logmel(sound(), SPEC)


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_the_contract_of_every_transform(clip: np.ndarray, transform: Any) -> None:
    before = clip.copy()
    parameters = transform.draw(np.random.default_rng(1))
    assert parameters == transform.draw(np.random.default_rng(1))
    first, second = transform.apply(clip, parameters), transform.apply(clip, parameters)
    assert first.shape == clip.shape and first.dtype == np.float32 and np.isfinite(first).all()
    np.testing.assert_array_equal(first, second)
    np.testing.assert_array_equal(clip, before)
    assert np.mean(np.abs(first - clip) > 1e-3) > 0.1  # the network sees something else


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_draws_differ(transform: Any) -> None:
    rng = np.random.default_rng(0)
    draws = {str(transform.draw(rng)) for _ in range(50)}
    assert len(draws) > 40 or (isinstance(transform, RepeatOverSilence) and draws == {"True"})


@pytest.mark.parametrize("transform", ALL, ids=lambda t: type(t).__name__)
def test_silence_stays_silent(transform: Any) -> None:
    silence = logmel(np.zeros(32_000), SPEC)
    changed = transform.apply(silence, transform.draw(np.random.default_rng(0)))
    np.testing.assert_allclose(changed, FLOOR, atol=1e-4)


# --- roll -------------------------------------------------------------------------------------------------------------


def test_roll_rotates() -> None:
    array = np.arange(10, dtype=np.float32)[None].repeat(2, axis=0)
    assert Roll().apply(array, 0.3)[1].tolist() == [7, 8, 9, 0, 1, 2, 3, 4, 5, 6]
    np.testing.assert_array_equal(Roll().apply(array, 0.0), array)


def test_roll_reaches_every_place() -> None:
    rng = np.random.default_rng(0)
    array = np.arange(8, dtype=np.float32)[None]
    assert {Roll().apply(array, Roll().draw(rng))[0, 0] for _ in range(200)} == set(range(8))


# --- equalise ---------------------------------------------------------------------------------------------------------


def test_equal_gains_are_what_a_louder_waveform_gives() -> None:
    expected = logmel(sound() * 10 ** (-8 / 20), SPEC)
    equalised = Equalise(SPEC).apply(logmel(sound(), SPEC), (-8.0, -8.0, -8.0))
    np.testing.assert_allclose(equalised, expected, atol=2e-3)


def test_a_tilt_is_drawn_through_its_three_points() -> None:
    """Loud enough for the floor not to matter: each band then moves by its gain in nepers of power, over std."""
    array = np.full((129, 4), 2.0, np.float32)
    moved = (Equalise(SPEC).apply(array, (-4.0, 2.0, 6.0)) - array) * 5 * 10 / np.log(10)
    assert moved[[0, 32, 64, 96, 128], 0] == pytest.approx([-4, -1, 2, 4, 6], abs=1e-2)


def test_draws_of_equalise_keep_to_their_limits() -> None:
    rng = np.random.default_rng(0)
    draws = np.array([Equalise(SPEC, gain_db=8, tilt_db=4).draw(rng) for _ in range(3000)])
    assert 11 < np.abs(draws).max() <= 12
    assert 7 < np.ptp(draws, axis=1).max() <= 8  # the tilt alone
    assert abs(draws.mean()) < 0.5
    flat = np.array([Equalise(SPEC, gain_db=8, tilt_db=0).draw(rng) for _ in range(100)])
    assert np.ptp(flat, axis=1).max() == 0 and np.abs(flat).max() <= 8


# --- repetition over silence ------------------------------------------------------------------------------------------


def test_silence_at_the_end_is_filled_with_what_was_heard(clip: np.ndarray) -> None:
    filled = RepeatOverSilence(SPEC).apply(clip, True)
    assert clip.shape[1] == 150 and (clip[:, 110:] < FLOOR + 1e-3).all()
    audible = int(np.flatnonzero((clip > FLOOR + 1e-3).any(axis=0))[-1]) + 1
    assert 100 <= audible <= 103  # one second, and the frames that reach into it
    np.testing.assert_array_equal(filled[:, :audible], clip[:, :audible])
    np.testing.assert_array_equal(filled[:, audible:], clip[:, : 150 - audible])


def test_a_short_sound_is_repeated_as_often_as_it_takes() -> None:
    clip = logmel(sound(0.1, 1.9), SPEC)
    filled = RepeatOverSilence(SPEC).apply(clip, True)
    audible = int(np.flatnonzero((clip > FLOOR + 1e-3).any(axis=0))[-1]) + 1
    for frame in range(200):
        np.testing.assert_array_equal(filled[:, frame], clip[:, frame % audible])


def test_silence_elsewhere_is_part_of_the_sound() -> None:
    samples = np.concatenate([np.zeros(16_000), sound(0.2, 0.3), sound(0.2, 0.0)])
    clip = logmel(samples, SPEC)
    np.testing.assert_array_equal(RepeatOverSilence(SPEC).apply(clip, True), clip)
    padded = logmel(np.pad(samples, (0, 32_000)), SPEC)
    audible = 1 + int(np.flatnonzero((padded > FLOOR + 1e-3).any(axis=0))[-1])
    np.testing.assert_array_equal(RepeatOverSilence(SPEC).apply(padded, True)[:, :audible], padded[:, :audible])


def test_quiet_is_not_silent() -> None:
    clip = logmel(sound(0.5, 0) * np.linspace(1, 0.01, 16_000), SPEC)
    np.testing.assert_array_equal(RepeatOverSilence(SPEC).apply(clip, True), clip)


def test_it_leaves_a_clip_when_the_draw_says_so(clip: np.ndarray) -> None:
    np.testing.assert_array_equal(RepeatOverSilence(SPEC).apply(clip, False), clip)


@pytest.mark.parametrize("probability", [0.0, 0.25, 1.0])
def test_it_fills_as_often_as_asked(probability: float) -> None:
    rng = np.random.default_rng(0)
    transform = RepeatOverSilence(SPEC, probability)
    assert np.mean([transform.draw(rng) for _ in range(2000)]) == pytest.approx(probability, abs=0.03)


# --- mask -------------------------------------------------------------------------------------------------------------


def test_masks_cover_neighbouring_bands_and_frames_with_the_mean() -> None:
    array = np.random.default_rng(0).normal(0, 1, (20, 30)).astype(np.float32)
    masked = Mask().apply(array, (4, 0.5, 6, 1.0))
    expected = array.copy()
    expected[8:12] = array.mean()
    expected[:, 24:] = array.mean()
    np.testing.assert_array_equal(masked, expected)
    np.testing.assert_array_equal(Mask().apply(array, (0, 0.7, 0, 0.7)), array)


def test_masks_keep_to_their_width_and_reach_every_place() -> None:
    rng = np.random.default_rng(0)
    array = np.arange(20 * 30, dtype=np.float32).reshape(20, 30)
    touched = np.zeros_like(array, dtype=bool)
    for _ in range(500):
        mask = Mask(bands=5, frames=7)
        changed = mask.apply(array, mask.draw(rng)) != array
        bands, frames = changed.all(axis=1), changed.all(axis=0)
        assert bands.sum() <= 5 and frames.sum() <= 7
        touched |= changed
    assert touched.all()


def test_a_mask_wider_than_the_clip_covers_it() -> None:
    array = np.random.default_rng(0).normal(0, 1, (8, 10)).astype(np.float32)
    np.testing.assert_array_equal(Mask().apply(array, (16, 0.9, 0, 0.5)), np.full((8, 10), array.mean()))
    np.testing.assert_array_equal(Mask().apply(array, (0, 0.9, 50, 0.5)), np.full((8, 10), array.mean()))


# --- crop -------------------------------------------------------------------------------------------------------------


def test_a_crop_is_a_part_of_the_clip(clip: np.ndarray) -> None:
    rng, crop, starts = np.random.default_rng(0), RandomCrop(146), set()
    windows = np.lib.stride_tricks.sliding_window_view(clip, 146, axis=1)
    for _ in range(100):
        part = crop.apply(clip, crop.draw(rng))
        assert part.shape == (128, 146) and part.dtype == np.float32
        starts |= {start for start in range(windows.shape[1]) if np.array_equal(windows[:, start], part)}
    assert starts == set(range(5))


def test_a_clip_shorter_than_the_crop_is_repeated() -> None:
    array = np.arange(3, dtype=np.float32)[None]
    assert RandomCrop(8).apply(array, 0.9).tolist() == [[0, 1, 2, 0, 1, 2, 0, 1]]
    np.testing.assert_array_equal(RandomCrop(3).apply(array, 0.4), array)
    assert RandomCrop(2).apply(np.ones((1, 4, 3), np.float32), 0.5).shape == (1, 4, 2)


def test_a_crop_needs_a_frame() -> None:
    with pytest.raises(ValueError, match="at least one frame, got 0"):
        RandomCrop(0)


# --- mixup ------------------------------------------------------------------------------------------------------------


def test_mixup_is_a_weighted_mean() -> None:
    rng = np.random.default_rng(0)
    first, second = rng.normal(0, 1, (2, 4, 5)).astype(np.float32)
    mixed = mixup(first, second, 0.3)
    assert mixed.dtype == np.float32
    np.testing.assert_allclose(mixed, np.average([first, second], axis=0, weights=[0.3, 0.7]), rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(mixup(first, second, 1.0), first)
    np.testing.assert_array_equal(mixup(first, second, 0.0), second)


@pytest.mark.parametrize(("frames", "share"), [(4, 0.5), (5, np.nan)])
def test_mixup_refuses_what_cannot_be_mixed(frames: int, share: float) -> None:
    with pytest.raises(ValueError, match=r"want equal, and 0\.\.1"):
        mixup(np.zeros((4, 5), np.float32), np.zeros((4, frames), np.float32), share)
