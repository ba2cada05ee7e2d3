import csv
import os
from pathlib import Path

import numpy as np
import pytest
import scipy.signal

from hubbub import audio
from hubbub.data.synth import synthetic
from hubbub.data.synth.synthetic import LABELS, SAMPLES, make
from hubbub.errors import UsageError
from hubbub.logmel import LogMelSpec, logmel

RATE = 44_100

#: From the ESC-50 paper (Piczak, 2015), table 1.
ESC50 = (
    "airplane breathing brushing_teeth can_opening car_horn cat chainsaw chirping_birds church_bells clapping "
    "clock_alarm clock_tick coughing cow crackling_fire crickets crow crying_baby dog door_wood_creaks "
    "door_wood_knock drinking_sipping engine fireworks footsteps frog glass_breaking hand_saw helicopter hen insects "
    "keyboard_typing laughing mouse_click pig pouring_water rain rooster sea_waves sheep siren sneezing snoring "
    "thunderstorm toilet_flush train vacuum_cleaner washing_machine water_drops wind"
)

#: AudioSet names that fit a class, for those in `SAMPLES`.
AUDIOSET_NAMES: dict[str, tuple[str, ...]] = {
    "car_horn": ("Vehicle horn, car horn, honking", "Car alarm", "Air horn, truck horn", "Toot"),
    "chainsaw": ("Chainsaw",),
    "chirping_birds": ("Bird", "Bird vocalization, bird call, bird song", "Chirp, tweet"),
    "clock_alarm": ("Alarm clock", "Alarm"),
    "clock_tick": ("Tick-tock", "Tick", "Clock"),
    "crickets": ("Cricket", "Insect"),
    "door_wood_knock": ("Knock", "Door"),
    "glass_breaking": ("Breaking", "Glass", "Shatter"),
    "sea_waves": ("Ocean", "Waves, surf"),
    "siren": ("Siren", "Police car (siren)", "Civil defense siren", "Ambulance (siren)"),
    "thunderstorm": ("Thunder", "Thunderstorm"),
    "water_drops": ("Plop", "Drip"),
}


def strongest(samples: np.ndarray) -> float:
    """Frequency in Hz with the most power, by Welch's method."""
    frequencies, power = scipy.signal.welch(samples, RATE, nperseg=8192)
    return float(frequencies[power.argmax()])


def onsets(samples: np.ndarray, low: float, high: float, apart: float) -> np.ndarray:
    """Times in seconds of the loud beginnings in a band, at least `apart` seconds from each other."""
    inside = scipy.signal.sosfilt(scipy.signal.butter(2, [low, high], "band", fs=RATE, output="sos"), samples)
    loudness = np.convolve(np.abs(inside), np.ones(220) / 220, "same")[::44]
    peaks, _ = scipy.signal.find_peaks(loudness, height=0.25 * loudness.max(), distance=max(round(apart * 1000), 1))
    return peaks * 44 / RATE


# --- every sound ------------------------------------------------------------------------------------------------------


def test_labels_are_esc50_classes() -> None:
    assert len(LABELS) >= 12
    assert list(LABELS) == sorted(set(LABELS))
    assert set(LABELS) <= set(ESC50.split())


def test_samples_are_of_known_labels() -> None:
    assert len(SAMPLES) >= 10
    assert len({label for label, _ in SAMPLES}) == len(SAMPLES)
    assert {label for label, _ in SAMPLES} == set(AUDIOSET_NAMES) <= set(LABELS)


@pytest.mark.parametrize("label", LABELS)
def test_sound_is_sound(label: str) -> None:
    one, again, other = (make(label, seed, seconds=1.5) for seed in (3, 3, 4))
    assert one.dtype == np.float32 and one.shape == (66_150,)
    assert np.isfinite(one).all()
    assert 0.35 < np.abs(one).max() <= 1
    assert abs(one.mean()) < 0.05
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)


@pytest.mark.parametrize("label", LABELS)
def test_shortest_sound_is_not_silent(label: str) -> None:
    for seed in range(3):
        assert np.sqrt(np.mean(make(label, seed, seconds=synthetic.SHORTEST) ** 2)) > 0.001


def test_labels_draw_apart() -> None:
    assert not np.array_equal(make("rain", 0, seconds=1), make("wind", 0, seconds=1))


@pytest.mark.parametrize("rate", [8_000, 16_000, 22_050, 32_000, 48_000])
def test_rate_changes_the_rate_alone(rate: int) -> None:
    made, full = make("clock_alarm", 1, rate=rate, seconds=1.3), make("clock_alarm", 1, seconds=1.3)
    assert len(made) == round(1.3 * rate)
    expected = scipy.signal.resample_poly(full.astype(np.float64), rate, RATE)[: len(made)]
    frequencies = np.fft.rfftfreq(len(made), 1 / rate)
    low = frequencies < 0.4 * rate  # below where the two anti-aliasing filters differ
    assert np.abs(np.fft.rfft(made)[low]) == pytest.approx(
        np.abs(np.fft.rfft(expected)[low]), abs=0.01 * np.abs(np.fft.rfft(expected)).max()
    )


def test_refusals() -> None:
    with pytest.raises(UsageError, match=r"no sound is made for 'moo'; known are: car_horn, "):
        make("moo", 0)
    with pytest.raises(UsageError, match="seed -1 is negative"):
        make("rain", -1)
    with pytest.raises(UsageError, match="give 1 to 60 seconds"):
        make("rain", 0, seconds=0.2)
    with pytest.raises(UsageError, match="give 1 to 60 seconds"):
        make("rain", 0, seconds=float("nan"))
    with pytest.raises(UsageError, match="sampling rate of 100 Hz"):
        make("rain", 0, rate=100)


# --- that it is what it says, measured another way --------------------------------------------------------------------


@pytest.mark.parametrize("seed", [0, 1, 2, 31])
def test_siren_sweeps_over_an_octave(seed: int) -> None:
    frequencies, _, power = scipy.signal.spectrogram(make("siren", seed), RATE, nperseg=2048, noverlap=1536)
    fundamental = (frequencies > 450) & (frequencies < 1750)
    pitch = frequencies[fundamental][power[fundamental].argmax(0)]
    assert 500 < np.percentile(pitch, 2) < 800
    assert 1150 < np.percentile(pitch, 98) < 1650


@pytest.mark.parametrize("seed", [0, 1, 2, 26])
def test_knocks_come_in_groups(seed: int) -> None:
    gaps = np.diff(onsets(make("door_wood_knock", seed), 200, 2000, apart=0.12))
    inside = gaps[gaps < 0.4]
    assert len(inside) >= 4
    assert 0.15 < np.median(inside) < 0.28
    assert inside.std() < 0.03
    assert (gaps > 0.4).any()


@pytest.mark.parametrize("seed", [0, 1, 5])
def test_clock_ticks_evenly(seed: int) -> None:
    times = onsets(make("clock_tick", seed), 800, 8000, apart=0.2)
    turns = times[2:] - times[:-2]  # from tick to tick, for a tock has its peak a little earlier or later
    assert min(abs(np.median(turns) / 2 - period) for period in (0.4, 0.5, 1.0)) < 0.002
    assert turns.std() < 0.005


@pytest.mark.parametrize(
    ("label", "low", "high"),
    [
        ("clock_alarm", 1900, 3400),
        ("crickets", 3990, 5210),
        ("chirping_birds", 2400, 5600),
        ("sea_waves", 0, 1000),
        ("engine", 20, 500),
        ("thunderstorm", 0, 400),
    ],
)
def test_strongest_frequency(label: str, low: float, high: float) -> None:
    for seed in range(3):
        assert low < strongest(make(label, seed)) < high


@pytest.mark.parametrize("seed", [0, 37])
def test_horns_are_a_minor_third_apart(seed: int) -> None:
    spectrum = np.abs(np.fft.rfft(make("car_horn", seed) * np.hanning(5 * RATE)))
    hertz = np.fft.rfftfreq(5 * RATE, 1 / RATE)
    lower, upper = (hertz > 360) & (hertz < 440), (hertz > 440) & (hertz < 525)
    ratio = hertz[upper][spectrum[upper].argmax()] / hertz[lower][spectrum[lower].argmax()]
    assert ratio == pytest.approx(1.2, abs=0.01)


def test_glass_rings_out() -> None:
    made = make("glass_breaking", 0)
    first, last = (np.sqrt(np.mean(part**2)) for part in (made[: 2 * RATE], made[-RATE:]))
    assert last < 0.1 * first


# --- the dataset ------------------------------------------------------------------------------------------------------


def test_dataset_keeps_the_contract(tmp_path: Path) -> None:
    made = synthetic.dataset(tmp_path, labels=("siren", "rain"), per_fold=2, folds=3)
    assert (made.name, made.licence, made.source) == ("synthetic", "CC0", "made by code")
    assert made.labels == ("siren", "rain")
    assert made.folds == (1, 2, 3)
    ids = [clip.id for clip in made.clips]
    assert ids == sorted(set(ids)) and len(ids) == 12
    assert len({clip.group for clip in made.clips}) == 12
    assert made.spanning == {}
    assert made.unreadable() == []
    for label in made.labels:
        assert sorted(clip.fold or 0 for clip in made.clips if clip.label == label) == [1, 1, 2, 2, 3, 3]


def test_dataset_files_hold_the_sounds(tmp_path: Path) -> None:
    made = synthetic.dataset(tmp_path, labels=["clock_tick"], per_fold=1, folds=2)
    samples, rate = audio.read(made.clips[1].path)
    assert rate == RATE
    assert samples == pytest.approx(make("clock_tick", 1), abs=1 / 32768)
    assert made.clips[1].path.parent.name == f"v{synthetic.VERSION}"


def test_dataset_is_not_written_twice(tmp_path: Path) -> None:
    first = synthetic.dataset(tmp_path, labels=["siren"], per_fold=1, folds=1)
    first.clips[0].path.write_bytes(b"kept")
    again = synthetic.dataset(tmp_path, labels=["siren"], per_fold=1, folds=2)
    assert again.clips[0].path.read_bytes() == b"kept"
    assert [clip.id for clip in again.clips] == ["siren-000.wav", "siren-001.wav"]


def test_dataset_lies_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path))
    made = synthetic.dataset(labels=["siren"], per_fold=1, folds=1)
    assert made.clips[0].path == tmp_path / "synthetic" / f"v{synthetic.VERSION}" / "siren-000.wav"


def test_dataset_refusals(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="no sound is made for 'moo'"):
        synthetic.dataset(tmp_path, labels=["siren", "moo"])
    for wrong in ({"labels": []}, {"per_fold": 0}, {"folds": 0}):
        with pytest.raises(UsageError, match="at least one label, one fold, and one clip per fold"):
            synthetic.dataset(tmp_path, **wrong)
    assert list(tmp_path.iterdir()) == []


# --- what a network that never heard them says ------------------------------------------------------------------------


@pytest.mark.skipif(
    not os.environ.get("HUBBUB_WEIGHTS"), reason="HUBBUB_WEIGHTS is not set: no folder with the AudioSet network"
)
def test_audioset_network_knows_the_samples() -> None:
    torch = pytest.importorskip("torch")
    from hubbub.train import pretrained, weights
    from hubbub.train.config import Network

    trunk = pretrained.load(Network(weights="mn04_as"), inputs=1, seed=0)
    head = weights.load_audioset_head(weights.locate("mn04_as"))
    with (Path(os.environ["HUBBUB_WEIGHTS"]) / "audioset_labels.csv").open(newline="") as table:
        names = [row["display_name"] for row in csv.DictReader(table)]
    sounds = np.stack([make(label, seed, rate=32_000) for label, seed in SAMPLES])
    with torch.inference_mode():
        scores = head(trunk(torch.from_numpy(logmel(sounds, LogMelSpec()))[:, None]))
    for (label, seed), order in zip(SAMPLES, scores.argsort(1, descending=True)[:, :5].tolist(), strict=True):
        heard = [names[index] for index in order]
        assert set(heard) & set(AUDIOSET_NAMES[label]), f"{label} {seed} is heard as {heard}"
