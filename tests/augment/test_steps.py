from typing import Any, get_args

import numpy as np
import pytest
from pydantic import TypeAdapter, ValidationError

from hubbub.augment.conditions import Clipping, ColouredNoise, Excerpt, Microphone, Speed
from hubbub.augment.steps import KINDS, Kind, Step, chain
from hubbub.augment.transform import Sometimes, apply_all
from hubbub.augment.waveform import (
    Background,
    Gain,
    Hiss,
    LowPass,
    Noise,
    PitchShift,
    Reverb,
    Shift,
    TimeStretch,
)
from hubbub.data.synth.synthetic import make

RATE = 32_000
STEPS = [
    Step("stretch", 0.8, 1.25),
    Step("pitch", -3, 3),
    Step("noise", 10, 20),
    Step("hiss", 0.005, 0.005),
    Step("gain", 0.5, 1.5),
    Step("shift", 0.1, 0.3),
    Step("reverb", 0.3, 0.8),
    Step("low_pass", 2000, 6000),
    Step("background", 10, 25, ambience="urban"),
    Step("coloured_noise", 0, 20),
    Step("microphone", 2000, 6000),
    Step("clipping", 10, 20),
    Step("excerpt", 0.3, 0.9),
    Step("speed", 0.8, 1.25),
]
every = pytest.mark.parametrize("step", STEPS, ids=lambda step: step.kind)


def test_every_kind_has_a_transform_and_is_tested_here() -> None:
    assert tuple(KINDS) == get_args(Kind)
    assert {step.kind for step in STEPS} == set(KINDS)


def test_steps_become_transforms() -> None:
    assert chain(STEPS, 8000) == [
        TimeStretch(0.8, 1.25, 8000),
        PitchShift(-3, 3, 8000),
        Noise(10, 20),
        Hiss(0.005, 0.005),
        Gain(0.5, 1.5),
        Shift(0.1, 0.3),
        Reverb(0.3, 0.8, 8000),
        LowPass(2000, 6000, 8000),
        Background(10, 25, 8000, "urban"),
        ColouredNoise(0, 20, 8000),
        Microphone(2000, 6000, 8000),
        Clipping(10, 20),
        Excerpt(0.3, 0.9, 8000),
        Speed(0.8, 1.25),
    ]
    assert chain([], 8000) == []


def test_probability_decides_whether_and_never_is_left_out() -> None:
    assert chain([Step("gain", 1, 2, 0.4), Step("gain", 1, 2, 0.0)], RATE) == [Sometimes(Gain(1, 2), 0.4)]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (("stretch", 1.2, 0.8), r"stretch: low must not be above high, got 1\.2 and 0\.8"),
        (("stretch", 0.0, 1.0), r"stretch: must be in 0\.25\.\.4 \(times as fast\), got 0 to 1"),
        (("pitch", -60, 0), r"pitch: must be in -24\.\.24 \(semitones\)"),
        (("noise", float("nan"), 3), "noise: low must not be above high, got nan and 3"),
        (("hiss", -0.1, 0.1), r"hiss: must be in 0\.\.1"),
        (("gain", -0.5, 1.0), r"gain: must be in 0\.\.100 \(factor of amplitude\), got -0\.5 to 1"),
        (("shift", 0.5, 1.2), r"shift: must be in 0\.\.1 \(share of the length\)"),
        (("reverb", -0.1, 1), r"reverb: must be in 0\.\.10 \(seconds of RT60\)"),
        (("low_pass", 0, 2000), r"low_pass: must be in 20\.\.1e\+06 \(Hz\)"),
        (("background", 10, 200), r"background: must be in -40\.\.100"),
        (("gain", 1, 2, 1.5), r"gain: probability must be in 0\.\.1, got 1\.5"),
        (("echo", 1, 2), r"no step 'echo'; known are stretch, pitch, "),
        (("background", 1, 2, 1.0, "moon"), r"ambience must be one of outdoor, indoor, urban, got 'moon'"),
    ],
)
def test_impossible_steps_are_refused(arguments: tuple[Any, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        Step(*arguments)


def test_a_recipe_can_hold_them() -> None:
    adapter = TypeAdapter(Step)
    assert adapter.validate_python({"kind": "gain", "low": 0.5, "high": 2}) == Step("gain", 0.5, 2)
    for wrong in ({"low": 3, "high": 2}, {"low": 1, "high": 2, "colour": 1}, {"low": 1, "high": 2, "probability": 2}):
        with pytest.raises(ValidationError):
            adapter.validate_python({"kind": "gain"} | wrong)


# --- strength ---------------------------------------------------------------------------------------------------------


def test_strength_one_is_the_step_as_it_stands() -> None:
    assert all(step.scaled(1.0) is step for step in STEPS)


@pytest.mark.parametrize(
    ("step", "strength", "low", "high"),
    [
        (Step("stretch", 0.81, 1.21), 0.5, 0.9, 1.1),
        (Step("stretch", 0.5, 2), 1.5, 0.5**1.5, 2**1.5),
        (Step("pitch", -4, 2), 0.5, -2, 1),
        (Step("noise", 10, 20), 0.1, 30, 40),
        (Step("background", 10, 20), 2.0, 10 - 6.0206, 20 - 6.0206),
        (Step("hiss", 0.002, 0.004), 1.5, 0.003, 0.006),
        (Step("gain", 0.25, 4), 0.5, 0.5, 2),
        (Step("gain", 0.0, 1), 0.5, 0.0, 1),
        (Step("shift", 0.1, 0.2), 1.5, 0.15, 0.3),
        (Step("shift", 0.2, 0.4), 2.0, 0.4, 0.5),
        (Step("shift", 0.0, 0.8), 2.0, 0.0, 0.8),
        (Step("reverb", 0.4, 1), 0.5, 0.2, 0.5),
        (Step("low_pass", 2000, 6000), 0.5, 4000, 12_000),
    ],
)
def test_strength_moves_the_range(step: Step, strength: float, low: float, high: float) -> None:
    scaled = step.scaled(strength)
    assert (scaled.low, scaled.high) == pytest.approx((low, high), abs=1e-4)
    assert (scaled.kind, scaled.probability, scaled.ambience) == (step.kind, step.probability, step.ambience)


@every
def test_any_strength_gives_a_possible_step(step: Step) -> None:
    samples = np.asarray(make("clock_tick", 5, RATE, 1.0))
    for strength in (0.0, 1e-9, 2.0, 1000.0):
        scaled = step.scaled(strength)
        assert scaled.low <= scaled.high
        if strength <= 2:
            assert np.isfinite(apply_all(chain([scaled], RATE), samples, np.random.default_rng(0))).all()


@pytest.mark.parametrize("step", [step for step in STEPS if step.kind != "microphone"], ids=lambda step: step.kind)
def test_strength_zero_changes_nothing(step: Step) -> None:
    """A microphone only opens upwards: it stays uneven, and deaf to what is very low."""
    samples = np.asarray(make("siren", 31, RATE, 1.0))
    changed = apply_all(chain([step.scaled(0.0)], RATE), samples, np.random.default_rng(0))
    np.testing.assert_allclose(changed, samples, atol=1e-4)


@every
def test_more_strength_changes_more(step: Step) -> None:
    """In the mean distance of 10 draws, each from the same random numbers."""
    samples = np.asarray(make("sea_waves", 38, RATE, 1.0))
    distances = []
    for strength in (0.1, 0.5, 1.0):
        steps = chain([step.scaled(strength)], RATE)
        drawn = [apply_all(steps, samples, np.random.default_rng(seed)) for seed in range(10)]
        power = [np.abs(np.fft.rfft(each.reshape(-1, 800))) for each in [samples, *drawn]]
        distances.append(np.mean([np.abs(each - power[0]).mean() for each in power[1:]]))
    assert distances[0] < distances[1] < distances[2]


@pytest.mark.parametrize("strength", [-0.1, float("nan")])
def test_impossible_strengths_are_refused(strength: float) -> None:
    with pytest.raises(ValueError, match="a strength must be 0 or above"):
        STEPS[0].scaled(strength)
