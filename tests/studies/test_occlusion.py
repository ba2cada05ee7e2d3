from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import audio, modelfile
from hubbub.errors import UsageError
from hubbub.listen.classifier import Classifier
from hubbub.logmel import Floats, logmel
from hubbub.studies.occlusion import SECONDS, Occlusion, occlude
from tinymodel import LABELS, SPEC

RATE = SPEC.sample_rate
TONES = {"low": 200.0, "middle": 800.0, "high": 2500.0}  # Hz, in the middle of each third of the mel axis
ROWS = {"low": range(5), "middle": range(5, 10), "high": range(10, 15)}
T = 0.5  # the temperature of the tiny model


@pytest.fixture(scope="module")
def classifier(tiny_model: Path) -> Classifier:
    return Classifier(tiny_model)


def sound(*events: tuple[str, float, float], seconds: float = 5.0) -> Floats:
    """Noise under the front end's floor, with tones: (which, from, to) in seconds."""
    time = np.arange(round(seconds * RATE)) / RATE
    made = 1e-5 * np.random.default_rng(0).standard_normal(len(time))
    for name, begin, end in events:
        made += np.where((time >= begin) & (time < end), np.sin(2 * np.pi * TONES[name] * time) / 2, 0)
    return made.astype(np.float32)


def peak(result: Occlusion) -> tuple[int, float]:
    """Row, and seconds from the beginning of the window, where most falls."""
    row, column = np.unravel_index(result.fall.argmax(), result.fall.shape)
    return int(row), float(column * result.seconds / result.fall.shape[1])


def odds(logits: np.ndarray, number: int) -> float:
    shares = np.exp(logits - logits.max())
    return float(np.log(shares[number] / (shares.sum() - shares[number])))


@pytest.mark.parametrize("label", LABELS)
def test_the_map_peaks_where_the_sound_is(classifier: Classifier, label: str) -> None:
    result = occlude(classifier, sound((label, 3.0, 3.5)), RATE)
    assert result.label == label
    assert result.fall.shape == result.picture.shape == SPEC.shape(5 * RATE)[1:]
    row, seconds = peak(result)
    assert row in ROWS[label] and 3.0 <= seconds < 3.5
    assert result.fall.max() > 0.2
    assert np.abs(result.fall[:, : result.fall.shape[1] // 4]).max() < 0.02
    assert result.worst.seconds[0] < 3.25 < result.worst.seconds[1]
    assert result.worst.hertz[0] < TONES[label] < result.worst.hertz[1]
    assert result.worst.score < result.score


def test_of_two_events_the_one_that_is_asked_about_speaks_for_it_and_the_other_against_it(
    classifier: Classifier,
) -> None:
    both = sound(("low", 0.8, 1.4), ("high", 3.4, 4.0))
    for label, other, at in (("low", "high", 0.8), ("high", "low", 3.4)):
        result = occlude(classifier, both, RATE, label)
        row, seconds = peak(result)
        assert result.label == label and row in ROWS[label] and at <= seconds < at + 0.6
        lowest = np.unravel_index(result.fall.argmin(), result.fall.shape)
        assert lowest[0] in ROWS[other] and result.fall.min() < -0.2


def test_the_fall_of_a_patch_is_what_the_tiny_models_formula_gives(classifier: Classifier) -> None:
    """Logits are sums of a third's mean over time, so that a patch's effect is a sum over it: no network is asked."""
    samples = sound(("middle", 1.0, 2.0), ("high", 2.5, 3.0))
    samples += 0.003 * np.random.default_rng(1).standard_normal(len(samples)).astype(np.float32)
    picture = logmel(samples, SPEC).astype(np.float64)
    frames = picture.shape[1]
    quiet = np.minimum(picture, np.sort(picture, axis=1)[:, [frames // 20]])  # about the 5th percentile
    excess = picture - quiet
    before = np.array([picture[list(ROWS[name])].sum() / frames for name in LABELS]) / T
    # one patch over everything: each row at its own quiet level
    after = np.array([quiet[list(ROWS[name])].sum() / frames for name in LABELS]) / T
    result = occlude(classifier, samples, RATE, "middle", seconds=5.0, share=1.0)
    assert result.fall == pytest.approx(odds(before, 1) - odds(after, 1), abs=0.02)
    # two patches, one over each half of the time and all of the mel axis, and a third between them
    result = occlude(classifier, samples, RATE, "middle", seconds=2.5, share=1.0)
    starts, size = (0, frames // 4, frames // 2), frames // 2
    falls = []
    for start in starts:
        lost = [excess[list(ROWS[name]), start : start + size].sum() / frames / T for name in LABELS]
        falls.append(odds(before, 1) - odds(before - lost, 1))
    quarter = frames // 8  # in the middle of each quarter
    columns = [quarter, 3 * quarter, 5 * quarter, 7 * quarter]
    wanted = [falls[0], (falls[0] + falls[1]) / 2, (falls[1] + falls[2]) / 2, falls[2]]
    assert result.fall[7, columns] == pytest.approx(wanted, abs=0.02)
    assert (result.fall == result.fall[:1]).all()


def test_score_and_label_are_those_that_classify_gives(classifier: Classifier) -> None:
    samples = sound(("high", 1.0, 1.2))
    answer = classifier.classify(samples, RATE)
    result = occlude(classifier, samples, RATE)
    assert (result.label, result.start, result.seconds) == (answer.predictions[0].label, 0.0, 5.0)
    assert result.score == pytest.approx(answer.predictions[0].score, abs=1e-6)


def test_of_a_long_sound_the_window_where_the_class_is_likeliest_is_shown(classifier: Classifier) -> None:
    long = sound(("low", 0.0, 4.0), ("high", 10.2, 10.8), seconds=11.0)
    result = occlude(classifier, long, RATE, "high")
    assert result.start == 6.0  # the last window, which ends with the sound
    row, seconds = peak(result)
    assert row in ROWS["high"] and 10.2 <= result.start + seconds < 10.8
    assert result.worst.seconds[0] < 10.5 < result.worst.seconds[1]
    assert occlude(classifier, long, RATE, "low").start == 0.0


def test_a_short_sound_at_another_rate_is_padded(classifier: Classifier) -> None:
    short = audio.resample(sound(("middle", 0.2, 0.5), seconds=1.0), RATE, 16_000)
    result = occlude(classifier, short, 16_000)
    row, seconds = peak(result)
    assert result.picture.shape == SPEC.shape(5 * RATE)[1:]
    assert row in ROWS["middle"] and seconds < 0.5
    assert result.worst.seconds == (0.0, pytest.approx(SECONDS, abs=0.05))
    assert (result.fall[:, result.fall.shape[1] // 2 :] == 0).all()


@pytest.mark.parametrize("samples", [np.zeros(5 * RATE, np.float32), np.zeros(80, np.float32)])
def test_nothing_speaks_for_silence(classifier: Classifier, samples: Floats) -> None:
    assert (occlude(classifier, samples, RATE, "low").fall == 0).all()


def test_a_class_or_a_patch_that_makes_no_sense(classifier: Classifier) -> None:
    silence = np.zeros(RATE, np.float32)
    with pytest.raises(UsageError, match="does not know 'dog': it knows low, middle, high"):
        occlude(classifier, silence, RATE, "dog")
    for seconds, share in ((0.0, 0.5), (1.0, 0.0), (1.0, 1.5)):
        with pytest.raises(UsageError, match="makes no sense"):
            occlude(classifier, silence, RATE, seconds=seconds, share=share)


def test_a_patch_larger_than_the_picture_covers_it_once(classifier: Classifier) -> None:
    result = occlude(classifier, sound(("low", 1.0, 2.0)), RATE, seconds=60.0, share=1.0)
    assert np.ptp(result.fall) == 0 and result.worst.seconds == (0.0, 5.0)
    assert result.worst.hertz == (pytest.approx(0.0, abs=1e-6), pytest.approx(3900.0))


def test_the_built_in_model_hears_a_real_dog_where_it_barks(esc50_clip: Callable[[str], Path]) -> None:
    samples, rate = audio.read(esc50_clip("1-100032-A-0"))  # one bark, from 2.2 to 2.6 s, in digital silence
    result = occlude(Classifier(), samples, rate)
    assert result.label == "dog" and result.score > 0.9
    assert 2.0 < peak(result)[1] < 2.7
    silent = np.r_[0:130, 345:500]  # columns of a hundredth of a second that no patch with a part of the bark reaches
    assert (result.fall[:, silent] == 0).all()
    assert result.worst.seconds[0] < 2.4 < result.worst.seconds[1]
    assert result.worst.score < result.score / 2


def test_a_network_for_pictures_in_colour_that_the_front_end_resizes(tmp_path: Path) -> None:
    path = tmp_path / "colour.onnx"
    spec = replace(SPEC, channels=3, width=120, range_db=60.0)
    modelfile.write(path, tinymodel.graph(channels=3), tinymodel.meta(frontend=spec, temperature=20.0))
    result = occlude(Classifier(path), sound(("middle", 3.0, 4.0)), RATE)
    row, seconds = peak(result)
    assert result.picture.shape == (15, 120) and result.label == "middle"
    assert row in ROWS["middle"] and 3.0 <= seconds < 4.0
