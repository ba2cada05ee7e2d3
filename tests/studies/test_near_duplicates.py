import io
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
import scipy.signal
import soundfile

import tinyleaks
from hubbub import audio
from hubbub.data.synth.synthetic import LABELS, make
from hubbub.logmel import Floats
from hubbub.studies import near_duplicates
from hubbub.studies.near_duplicates import RATE, Spectra, candidates, compare, correlate, find, in_common, level, whiten


def sound(label: str = "rain", seed: int = 0, seconds: float = 3.0) -> Floats:
    return make(label, seed, RATE, seconds).astype(np.float32)


def encoded(samples: Floats, **how: object) -> Floats:
    file = io.BytesIO()
    soundfile.write(file, samples, RATE, **how)
    file.seek(0)
    return np.asarray(soundfile.read(file, dtype="float32")[0])


def later(samples: Floats, seconds: float) -> Floats:
    return np.concatenate([np.zeros(round(seconds * RATE), np.float32), samples])


class TestCorrelate:
    def test_agrees_with_a_correlation_in_the_time_domain(self) -> None:
        """Of white noise, whose phases are all there is: the direct correlation has its peak at the same lag."""
        rng = np.random.default_rng(0)
        noise = rng.normal(size=4000).astype(np.float32)
        one, other = np.pad(noise, (300, 0)), np.pad(noise, (0, 300))
        direct = scipy.signal.correlate(one, other)
        lags = scipy.signal.correlation_lags(len(one), len(other))
        peak, lag = correlate(whiten(one, 16_384), whiten(other, 16_384))
        assert lag * RATE == lags[direct.argmax()] == 300
        assert peak > 0.9

    def test_the_same_sound_has_peak_one(self) -> None:
        spectrum = whiten(level(sound()), 65_536)
        assert correlate(spectrum, spectrum) == (pytest.approx(1, abs=1e-3), 0)

    def test_two_sounds_that_have_nothing_in_common(self) -> None:
        """The highest of n values of deviation 1 / sqrt(n) is about sqrt(2 log n) of them."""
        rng = np.random.default_rng(0)
        one, other = (whiten(rng.normal(size=32_768).astype(np.float32), 65_536) for _ in range(2))
        assert correlate(one, other)[0] < 2 * np.sqrt(2 * np.log(65_536) / 65_536)


class TestLevel:
    def test_every_moment_is_as_loud(self) -> None:
        noise = np.random.default_rng(0).normal(size=4 * RATE)
        levelled = level((noise * np.geomspace(1e-4, 0.1, 4 * RATE)[::-1]).astype(np.float32))
        loud = [np.sqrt(np.mean(part**2)) for part in np.split(levelled, 8)[1:4]]
        assert loud == pytest.approx([1] * 3, rel=0.1)
        assert np.sqrt(np.mean(levelled[-4000:-400] ** 2)) < 0.7  # what is 60 dB fainter stays faint

    def test_the_edges_of_the_sound_are_faded(self) -> None:
        levelled = level(np.pad(np.ones(RATE, np.float32), (100, 300)))
        assert not levelled[:100].any()
        assert not levelled[-300:].any()
        assert np.abs(np.diff(levelled)).max() < 0.01


class TestCompare:
    @pytest.mark.parametrize(
        ("change", "lag"),
        [
            (lambda x: x * 0.05, 0),
            (lambda x: np.clip(4 * x, -1, 1), 0),
            (lambda x: -x, 0),
            (lambda x: later(x, 0.7), -0.7),
            (lambda x: x[RATE:], 1.0),
            (lambda x: np.concatenate([x, np.zeros(2 * RATE, np.float32)]), 0),
            (lambda x: scipy.signal.lfilter([1, 0.9], [1], x).astype(np.float32), 0),
            (lambda x: encoded(x / 4, format="OGG", subtype="VORBIS", compression_level=0.8), 0),
            (lambda x: x + np.random.default_rng(1).normal(0, 0.03 * x.std(), len(x)).astype(np.float32), 0),
            (lambda x: np.concatenate([x[: 2 * RATE], sound("wind", 7)]), 0),
        ],
        ids=["fainter", "clipped", "inverted", "later", "cut", "padded", "filtered", "encoded", "noisy", "continued"],
    )
    def test_copies(self, change: object, lag: float) -> None:
        original = sound("rain")
        match = compare(original, change(original))  # type: ignore[operator]
        assert match is not None
        assert match.lag == pytest.approx(lag, abs=0.002)
        assert 0.06 <= match.peak <= 1
        assert match.shared >= 0.5

    def test_seconds_in_common(self) -> None:
        """One second of another sound is continued by two other ones."""
        shared = sound("rain", 0, 1.5)
        one, other = (np.concatenate([sound("wind", seed, 1), shared, sound("rain", seed, 1)]) for seed in (5, 6))
        match = compare(one, other)
        assert match is not None
        assert match.shared == pytest.approx(1.5, abs=0.25)

    @pytest.mark.parametrize(("seconds", "is_copy"), [(0.35, False), (0.9, True)])
    def test_a_peak_alone_is_no_copy(self, seconds: float, is_copy: bool) -> None:
        rng = np.random.default_rng(0)
        one, other = rng.normal(size=(2, 3 * RATE)).astype(np.float32)
        one[RATE : RATE + round(seconds * RATE)] = other[RATE : RATE + round(seconds * RATE)]
        assert correlate(whiten(level(one), 65_536), whiten(level(other), 65_536))[0] > near_duplicates.LEAST_PEAK
        assert (compare(one, other) is not None) == is_copy

    def test_other_takes_of_a_class_are_no_copies(self) -> None:
        assert not [label for label in LABELS if compare(sound(label, 1), sound(label, 2))]

    def test_clicks_and_tones_are_no_copies(self) -> None:
        """Every click has the phases of every other one, every tone those of its like."""
        rng = np.random.default_rng(0)
        ticks = [np.zeros(5 * RATE, np.float32) for _ in range(2)]
        for one in ticks:
            for start in rng.integers(0, len(one) - 400, 6):
                one[start : start + 400] += np.exp(-np.arange(400) / 20) * rng.normal(size=400)
            one += 1e-3 * rng.normal(size=len(one)).astype(np.float32)
        assert compare(*ticks) is None
        tones = [np.sin(0.3 * np.arange(4 * RATE) + phase) + 1e-3 * rng.normal(size=4 * RATE) for phase in (0, 1)]
        assert compare(*(0.3 * tone.astype(np.float32) for tone in tones)) is None

    @pytest.mark.parametrize("samples", [np.zeros(RATE), np.zeros(3), np.eye(1, RATE)[0], np.full(RATE, 1e-6)])
    def test_silence_and_what_is_over_at_once_are_copies_of_nothing(self, samples: np.ndarray) -> None:
        assert compare(samples.astype(np.float32), samples.astype(np.float32)) is None

    def test_what_is_moved_too_far_shares_nothing(self) -> None:
        one = level(sound())
        assert in_common(one, one, 0) == pytest.approx(3, abs=0.1)
        assert in_common(one, one, 2.0) == 0
        assert in_common(one, one, 9.0) == 0


class TestCandidates:
    def test_agree_with_a_search_one_by_one(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(near_duplicates, "_BLOCK", 100)  # many blocks
        rng = np.random.default_rng(0)
        points, groups = rng.normal(size=(40, 8)).astype(np.float32), [str(i // 3) for i in range(40)]
        points[7] = np.nan
        usable = [i for i in range(40) if i != 7]
        centred = points - points[usable].mean(0)
        cosine = {
            (i, j): centred[i] @ centred[j] / np.linalg.norm(centred[i]) / np.linalg.norm(centred[j])
            for i in usable
            for j in usable
        }
        expected = set()
        for i in usable:
            others = [j for j in usable if groups[j] != groups[i]]
            own = [j for j in usable if groups[j] == groups[i] and j != i]
            for j in sorted(others, key=lambda j: -cosine[i, j])[:4] + own:
                expected.add((min(i, j), max(i, j)))
        assert candidates(points, groups, neighbours=4).tolist() == sorted(map(list, expected))

    @pytest.mark.parametrize("rows", [0, 1])
    def test_too_few(self, rows: int) -> None:
        assert candidates(np.zeros((rows, 3), np.float32), ["a"] * rows).shape == (0, 2)
        assert candidates(np.full((3, 2), np.nan, np.float32), ["a"] * 3).shape == (0, 2)

    def test_clips_that_all_sound_alike(self) -> None:
        assert candidates(np.ones((3, 4), np.float32), ["a", "b", "c"]).tolist() == [[0, 1], [0, 2], [1, 2]]


class TestFind:
    def test_in_files_of_any_length_and_rate(self, tmp_path: Path) -> None:
        samples = make("rain", 0, 44_100, 4.0)
        audio.write_wav(tmp_path / "a.wav", samples, 44_100)
        audio.write_wav(tmp_path / "b.wav", 0.3 * audio.resample(samples[44_100:], 44_100, 16_000), 16_000)
        audio.write_wav(tmp_path / "c.wav", make("siren", 0, 22_050, 2.0), 22_050)
        (tmp_path / "d.wav").write_text("no sound")
        paths = [tmp_path / f"{name}.wav" for name in "dcba"]
        seen: list[int] = []

        def track(numbers: Sequence[int]) -> Iterator[int]:
            for number in numbers:
                seen.append(number)
                yield number

        (match,) = find(paths, np.eye(4, dtype=np.float32), ["1", "2", "3", "4"], ["x", "y", "x", "x"], track)
        assert (match.first, match.second) == (2, 3)
        assert match.lag == pytest.approx(-1.0, abs=0.002)
        assert seen == [*range(6)]

    def test_one_label_after_the_other(self) -> None:
        pairs = np.array([(0, 1), (0, 2), (0, 3), (1, 2), (1, 3), (2, 3)])
        ordered = near_duplicates._in_order(pairs, ["x", "y", "x", "x"]).tolist()
        assert ordered == [[0, 2], [0, 3], [0, 1], [2, 3], [1, 2], [1, 3]]
        assert near_duplicates._in_order(pairs, None) is pairs

    def test_memory_is_bounded(self, tmp_path: Path) -> None:
        paths = [tmp_path / f"{seed}.wav" for seed in range(6)]
        for seed, path in enumerate(paths):
            audio.write_wav(path, tinyleaks.sound("rain", seed, 1.0), tinyleaks.RATE)
        audio.write_wav(tmp_path / "copy.wav", tinyleaks.sound("rain", 0, 1.0) / 2, tinyleaks.RATE)
        spectra = Spectra([*paths, tmp_path / "copy.wav"], budget=200_000)
        pairs = [(a, b) for a in range(7) for b in range(a + 1, 7)]
        matches = [spectra.match(*pair) for pair in pairs]
        assert [pair for pair, match in zip(pairs, matches, strict=True) if match] == [(0, 6)]
        assert sum(spectrum.nbytes for spectrum in spectra._spectra.values()) <= 200_000
