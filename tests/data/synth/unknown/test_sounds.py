import numpy as np
import pytest
import scipy.signal

from hubbub.data.synth.unknown import noise, silence, sounds, speech, tones
from hubbub.data.synth.unknown.sounds import KINDS, RATE, Family, unknown_sound
from hubbub.errors import RefusedError, UsageError

FAMILIES: tuple[Family, ...] = ("fitting", "test")
needs_espeak = pytest.mark.skipif(not speech.available(), reason="the extra 'speech' is not installed")
CASES = [
    pytest.param(kind, family, index, marks=needs_espeak if kind == "speech" else ())
    for kind in KINDS
    for family in FAMILIES
    for index in range(len(getattr(KINDS[kind], family)))
]


def dbfs(samples: np.ndarray) -> float:
    return float(20 * np.log10(samples.std() + 1e-12))


def slope(samples: np.ndarray, low: float = 200, high: float = 10_000) -> float:
    """Decibels per octave, by a straight line through Welch's spectrum."""
    frequencies, power = scipy.signal.welch(samples, RATE, nperseg=4096)
    inside = (frequencies > low) & (frequencies < high)
    return float(np.polyfit(np.log2(frequencies[inside]), 10 * np.log10(power[inside]), 1)[0])


@pytest.mark.parametrize(("kind", "family", "index"), CASES)
def test_a_sound_is_sound_and_always_the_same(kind: str, family: Family, index: int) -> None:
    samples, again = (unknown_sound(kind, family, index, seconds=1.0) for _ in range(2))
    assert samples.dtype == np.float32 and samples.shape == (RATE,)
    assert np.isfinite(samples).all() and np.abs(samples).max() <= 1
    np.testing.assert_array_equal(samples, again)
    levels = KINDS[kind].levels
    if levels is not None:
        assert levels[0] - 15 < dbfs(samples) < levels[1] + 1  # a peak at full scale, or resampling, may take some
        assert np.abs(samples).max() > 0


def test_families_share_no_maker_and_no_seed() -> None:
    for kind in KINDS.values():
        assert not set(kind.fitting) & set(kind.test)
    first, second = (unknown_sound("tones", family, 0, seconds=1.0) for family in FAMILIES)
    assert not np.array_equal(first, second)


def test_families_share_no_voice_and_no_language() -> None:
    assert not set(speech._FITTING_VOICES.split()) & set(speech._TEST_VOICES.split())
    assert not set(speech._FITTING_LANGUAGES.split()) & set(speech._TEST_LANGUAGES.split())


@pytest.mark.parametrize(("kind", "family"), [("noise", "test"), ("tones", "fitting"), ("silence", "test")])
def test_each_index_is_another_sound(kind: str, family: Family) -> None:
    count = 4 * len(getattr(KINDS[kind], family))
    made = {unknown_sound(kind, family, index, seconds=0.5).tobytes() for index in range(count)}
    assert len(made) > 0.7 * count  # constants repeat


def test_every_second_round_of_makers_is_rounded_to_16_bit() -> None:
    plain, rounded = (unknown_sound("noise", "test", index, seconds=0.5) for index in (0, len(noise.TEST)))
    assert not np.array_equal(np.round(plain * 2**15), plain * 2**15)
    np.testing.assert_array_equal(np.round(rounded * 2**15), rounded * 2**15)


def test_another_rate_is_the_same_sound_resampled() -> None:
    samples = unknown_sound("tones", "test", 0, 32_000, 1.0)
    assert samples.shape == (32_000,)
    original = scipy.signal.resample_poly(unknown_sound("tones", "test", 0, seconds=1.0), 320, 441)
    np.testing.assert_allclose(samples[2000:-2000], original[2000:-2000], atol=0.03 * np.abs(original).max())


@pytest.mark.parametrize(
    ("maker", "wanted", "apart"),
    [(noise.white, 0, 0.3), (noise.voss_pink, -3, 0.7), (noise.random_walk, -6, 3.5)],
    ids=lambda value: getattr(value, "__name__", None),
)
def test_colours_have_their_slopes(maker: sounds.Maker, wanted: float, apart: float) -> None:
    take = sounds.Take(np.random.default_rng(0), 5.0)
    assert abs(slope(maker(take)) - wanted) < apart


def test_silence_is_a_step_or_two_at_most() -> None:
    for index in range(12):
        for family in FAMILIES:
            samples = unknown_sound("silence", family, index, seconds=1.0)
            assert dbfs(samples) < -75
    take = sounds.Take(np.random.default_rng(1), 1.0)
    values = silence.triangular_dither(take) / silence.STEP
    np.testing.assert_array_equal(values, np.round(values))


def test_a_plain_tone_is_one_line() -> None:
    samples = tones.plain(sounds.Take(np.random.default_rng(2), 5.0))
    spectrum = np.abs(np.fft.rfft(samples * np.hanning(len(samples)))) ** 2
    top = int(spectrum.argmax())
    assert spectrum[top - 3 : top + 4].sum() > 0.999 * spectrum.sum()


@needs_espeak
def test_speech_has_syllables() -> None:
    """Its loudness turns two to ten times a second, as that of speech in any language does."""
    samples = unknown_sound("speech", "test", 0)
    loudness = np.convolve(np.abs(samples), np.ones(882) / 882, "same")[::441]
    spectrum = np.abs(np.fft.rfft(loudness - loudness.mean())) ** 2
    hertz = np.fft.rfftfreq(len(loudness), 0.01)
    assert spectrum[(hertz > 0.3) & (hertz < 12)].sum() > 0.7 * spectrum.sum()


@pytest.mark.parametrize(
    ("kind", "family", "index"), [("rain", "test", 0), ("noise", "validation", 0), ("noise", "test", -1)]
)
def test_a_sound_that_is_not_made(kind: str, family: Family, index: int) -> None:
    with pytest.raises(UsageError, match="kinds are noise, hum, silence, tones, speech, music, machines"):
        unknown_sound(kind, family, index)


def test_speech_without_espeak_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "available", lambda: False)
    with pytest.raises(RefusedError, match="extra 'speech'"):
        unknown_sound("speech", "fitting", 0)


@needs_espeak
def test_a_voice_that_espeak_lacks(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(speech, "_FITTING_LANGUAGES", "klingon-of-the-north")
    with pytest.raises(RefusedError, match="cannot speak as klingon-of-the-north"):
        unknown_sound("speech", "fitting", 0)
