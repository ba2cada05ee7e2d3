from typing import Any

import numpy as np
import pytest

from hubbub.augment.rules import ACOUSTIC, acoustic, balanced
from hubbub.augment.steps import Step
from hubbub.augment.transform import Choose, Sometimes, apply_all
from hubbub.augment.waveform import Gain, PitchShift, Shift, TimeStretch
from hubbub.data.esc50 import CATEGORIES
from hubbub.data.synth.synthetic import make
from hubbub.logmel import LogMelSpec, logmel

RATE = 32_000
SPEC = LogMelSpec()
#: What was published, each (kind, low, high, probability); shares and kHz as there.
PUBLISHED = {
    "animals": {("pitch", -1, 1, 0.7), ("outdoor", 0.6), ("gain", 0.6, 1.4, 0.5), ("stretch", 0.9, 1.1, 0.3)},
    "natural": {("stretch", 0.75, 1.3, 0.7), ("gain", 0.5, 1.5, 0.7), ("reverb", 0.5), ("shift", 0.1, 0.2, 0.4)},
    "human": {
        ("pitch", -4, 4, 0.7),
        ("reverb", 0.6),
        ("gain", 0.6, 1.4, 0.6),
        ("stretch", 0.85, 1.2, 0.5),
        ("indoor", 0.4),
    },
    "interior": {
        ("reverb", 0.7),
        ("gain", 0.4, 1.3, 0.7),
        ("indoor", 0.6),
        ("shift", 0.1, 0.25, 0.5),
        ("pitch", -1, 1, 0.3),
    },
    "urban": {
        ("gain", 0.3, 1.5, 0.8),
        ("urban", 0.7),
        ("low_pass", 2000, 6000, 0.6),
        ("shift", 0.15, 0.3, 0.5),
        ("pitch", -1, 1, 0.3),
    },
}


def as_published(step: Step) -> tuple[Any, ...]:
    if step.kind == "background":
        return step.ambience, step.probability
    return (
        (step.kind, step.probability) if step.kind == "reverb" else (step.kind, step.low, step.high, step.probability)
    )


def seen(samples: np.ndarray) -> np.ndarray:
    return logmel(samples, SPEC) * SPEC.std * 10 / np.log(10)


@pytest.fixture(scope="module")
def clip() -> np.ndarray:
    return np.asarray(make("footsteps", 3, RATE, 2.0))


def test_rules_are_those_published_for_the_categories_of_esc50() -> None:
    assert tuple(ACOUSTIC) == CATEGORIES
    assert {category: {as_published(step) for step in steps} for category, steps in ACOUSTIC.items()} == PUBLISHED


@pytest.mark.parametrize("category", CATEGORIES)
def test_every_published_rule_changes_what_the_network_sees(clip: np.ndarray, category: str) -> None:
    """By more than 1 dB in the mean over bands, frames and 12 draws of a rule that is applied each time."""
    for rule in acoustic(category, RATE):
        assert isinstance(rule, Sometimes)
        inner, rng = rule.transform, np.random.default_rng(0)
        changes = [np.abs(seen(inner.apply(clip, inner.draw(rng))) - seen(clip)).mean() for _ in range(12)]
        assert np.mean(changes) > 1, (inner, changes)


@pytest.mark.parametrize("category", CATEGORIES)
def test_acoustic_rules_are_repeatable_and_keep_the_length(clip: np.ndarray, category: str) -> None:
    first, second = (apply_all(acoustic(category, RATE), clip, np.random.default_rng(2)) for _ in range(2))
    np.testing.assert_array_equal(first, second)
    assert first.shape == clip.shape and first.dtype == np.float32
    rng = np.random.default_rng(0)
    drawn = [[rule.draw(rng) is not None for rule in acoustic(category, RATE)] for _ in range(1000)]
    assert np.mean(drawn, axis=0) == pytest.approx([step.probability for step in ACOUSTIC[category]], abs=0.05)


def test_an_unknown_category_is_refused() -> None:
    with pytest.raises(ValueError, match=r"category 'sea'; known are animals, natural, human, interior, urban"):
        acoustic("sea", RATE)


def test_strength_zero_is_no_augmentation_and_more_is_possible(clip: np.ndarray) -> None:
    for category in CATEGORIES:
        off = apply_all(acoustic(category, RATE, 0.0), clip, np.random.default_rng(0))
        np.testing.assert_allclose(off, clip, atol=1e-4)
        assert np.isfinite(apply_all(acoustic(category, RATE, 2.0), clip, np.random.default_rng(0))).all()
    np.testing.assert_allclose(apply_all(balanced(RATE, 0.0), clip, np.random.default_rng(0)), clip, atol=1e-4)


def test_balanced_chooses_as_published(clip: np.ndarray) -> None:
    (either,) = balanced(RATE)
    assert either.first == Choose(  # type: ignore[attr-defined]
        (Shift(0.1, 0.3), TimeStretch(0.85, 1.15, RATE), PitchShift(-2, 2, RATE), Gain(0.5, 1.5)), 2, 3
    )
    assert either.second == Choose(  # type: ignore[attr-defined]
        (Shift(0.1, 0.3), TimeStretch(0.75, 1.35, RATE), PitchShift(-4, 4, RATE), Gain(0.5, 1.5)), 3, 4
    )
    rng = np.random.default_rng(0)
    drawn = [either.draw(rng) for _ in range(3000)]
    assert np.mean([mild for mild, _ in drawn]) == pytest.approx(0.7, abs=0.03)
    for kind, numbers in ((True, (2, 3)), (False, (3, 4))):
        counts = [len(chosen) for mild, chosen in drawn if mild is kind]
        assert set(counts) == set(numbers) and np.mean(counts) == pytest.approx(sum(numbers) / 2, abs=0.06)
    changes = [
        np.abs(seen(apply_all(balanced(RATE), clip, np.random.default_rng(seed))) - seen(clip)).mean()
        for seed in range(6)
    ]
    assert min(changes) > 1
