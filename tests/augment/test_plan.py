"""What a recipe does to a sound, put together from its parts by hand."""

from dataclasses import replace

import numpy as np
import pytest

from hubbub.augment import rules
from hubbub.augment.plan import Augment, describe, spectrogram_chain, view, waveform_chain
from hubbub.augment.spectrogram import Equalise, Mask, RandomCrop, RepeatOverSilence, Roll
from hubbub.augment.steps import Step
from hubbub.augment.waveform import Gain
from hubbub.logmel import LogMelSpec, logmel

SPEC = LogMelSpec(sample_rate=8000, n_fft=256, win_length=200, hop_length=80, n_mels=16, fmax=3900.0)
SOUND = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
EVERYTHING = Augment(
    repeat_over_silence=0.5, roll=True, gain_db=8, tilt_db=4, mask_bands=4, mask_frames=9, crop_frames=50
)


def test_a_plan_that_asks_for_nothing_changes_nothing() -> None:
    shown = view(SOUND, SPEC, Augment(), np.random.default_rng(0))
    np.testing.assert_array_equal(shown, logmel(SOUND, SPEC))
    assert not Augment().of_waveform


def test_parts_come_in_the_order_in_which_a_sound_meets_them() -> None:
    kinds = [type(transform) for transform in spectrogram_chain(EVERYTHING, SPEC)]
    assert kinds == [RepeatOverSilence, Roll, Equalise, Mask, RandomCrop]
    assert view(SOUND, SPEC, EVERYTHING, np.random.default_rng(0)).shape == (16, 50)


@pytest.mark.parametrize(
    ("field", "kind"),
    [("roll", Roll), ("gain_db", Equalise), ("tilt_db", Equalise), ("mask_bands", Mask), ("mask_frames", Mask)],
)
def test_zero_switches_a_part_off(field: str, kind: type) -> None:
    (transform,) = spectrogram_chain(replace(Augment(), **{field: getattr(EVERYTHING, field)}), SPEC)
    assert isinstance(transform, kind)


def test_the_waveform_is_changed_before_its_log_mel() -> None:
    plan = Augment(waveform=(Step("gain", 0.5, 0.5),), roll=True)
    rng, expected = np.random.default_rng(3), np.random.default_rng(3)
    halved = Gain(0.5, 0.5)
    changed = halved.apply(SOUND, halved.draw(expected))
    rolled = Roll()
    by_hand = rolled.apply(logmel(changed, SPEC), rolled.draw(expected))
    np.testing.assert_array_equal(view(SOUND, SPEC, plan, rng), by_hand)
    assert plan.of_waveform


def test_rules_follow_the_steps_and_scale_with_strength() -> None:
    plan = Augment(waveform=(Step("gain", 0.5, 0.5),), rules="acoustic")
    chain = waveform_chain(plan, 8000, "urban", strength=0.5)
    assert chain[0] == Gain(0.5, 0.5) and chain[1:] == rules.acoustic("urban", 8000, 0.5) != rules.acoustic(
        "urban", 8000
    )
    assert waveform_chain(Augment(rules="balanced"), 8000) == rules.balanced(8000)


def test_acoustic_rules_need_a_category() -> None:
    with pytest.raises(ValueError, match="no acoustic rules for the category ''"):
        waveform_chain(Augment(rules="acoustic"), 8000)


@pytest.mark.parametrize(
    ("fields", "match"),
    [
        ({"least_strength": 1.2, "most_strength": 1.0}, "least_strength must not be above"),
        ({"class_aware": True}, "set rules to acoustic or balanced"),
    ],
)
def test_what_makes_no_sense_together(fields: dict[str, object], match: str) -> None:
    with pytest.raises(ValueError, match=match):
        Augment(**fields)  # type: ignore[arg-type]


def test_what_a_view_changes_in_words() -> None:
    """By the very draws of `view`, from a generator in the same state."""
    steps = tuple(Step(kind, value, value) for kind, value in (("gain", 0.5), ("noise", 20), ("reverb", 0.4)))
    plan = Augment(waveform=(*steps, Step("pitch", 1, 1, 0.5)), roll=True, gain_db=6, mask_bands=4, crop_frames=9)
    first, second = (np.random.default_rng(1) for _ in range(2))
    words = describe(SPEC, plan, first)
    view(SOUND, SPEC, plan, second)
    assert first.random() == second.random()
    assert words is not None
    assert words[:3] == ["gain 0.50", "noise at 20 dB", "room of 0.4 s"]
    assert [word.split()[0] for word in words[-4:]][:2] == ["rolled", "low/middle/high"]
    assert describe(SPEC, Augment(), first) is None
    assert describe(SPEC, Augment(waveform=(Step("pitch", 1, 1, 1e-9),)), first) == []
    chosen = describe(SPEC, Augment(rules="balanced"), np.random.default_rng(0))
    assert chosen is not None and 2 <= len(chosen[0].split(", ")) <= 4


def test_a_share_of_what_is_seen_keeps_its_waveform() -> None:
    plan = Augment(waveform=(Step("gain", 0.5, 0.5), Step("gain", 0.25, 0.25)), waveform_probability=0.6)
    unchanged, changed = logmel(SOUND, SPEC), logmel(SOUND / 8, SPEC)
    views = [view(SOUND, SPEC, plan, np.random.default_rng(seed)) for seed in range(200)]
    kept = [np.allclose(each, unchanged, atol=1e-5) for each in views]
    assert 0.3 < np.mean(kept) < 0.5
    assert all(np.allclose(each, changed, atol=1e-4) for each, same in zip(views, kept, strict=True) if not same)
