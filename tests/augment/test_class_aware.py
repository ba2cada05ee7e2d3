import numpy as np
import pytest

from hubbub.augment.class_aware import ClassAware


def test_it_starts_with_the_rules_as_stated() -> None:
    assert ClassAware().start(3).tolist() == [1, 1, 1]
    assert ClassAware(0.2, 0.8).start(2).tolist() == [0.8, 0.8]
    assert ClassAware().start(0).shape == (0,)


def test_constant_recall_leads_to_its_strength() -> None:
    """The recursion s <- m s + (1 - m) a has the closed form a + m^n (s0 - a)."""
    rule = ClassAware(0.3, 1.5, 0.5)
    recall = np.array([0.0, 0.25, 0.5, 1.0])
    aim = np.array([1.5, 1.2, 0.9, 0.3])
    strengths = rule.start(4)
    for number in range(1, 12):
        strengths = rule.update(strengths, recall)
        np.testing.assert_allclose(strengths, aim + 0.5**number * (1 - aim))


def test_strengths_stay_within_their_bounds() -> None:
    rng, rule = np.random.default_rng(0), ClassAware(0.5, 1.2, 0.3)
    strengths = np.array([0.0, 5.0, 1.0])
    for _ in range(50):
        strengths = rule.update(strengths, rng.random(3))
        assert (strengths >= 0.5).all() and (strengths <= 1.2).all()


def test_a_class_without_validation_clips_stays_as_it_was() -> None:
    before = np.array([0.7, 0.7])
    after = ClassAware().update(before, [np.nan, 0.0])
    assert after[0] == 0.7 and after[1] > 0.7
    assert before.tolist() == [0.7, 0.7]


def test_momentum_smooths() -> None:
    jumps = [0.0, 1.0] * 10
    swing = []
    for momentum in (0.0, 0.5, 0.9):
        rule, strengths, seen = ClassAware(momentum=momentum), np.ones(1), []
        for recall in jumps:
            strengths = rule.update(strengths, [recall])
            seen.append(float(strengths[0]))
        swing.append(np.ptp(seen[-4:]))
    assert swing[0] > swing[1] > swing[2]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ((-0.1, 1.0), "strengths must be 0 <= least <= most, got -0.1 and 1"),
        ((float("nan"), 1.0), "strengths must be"),
        ((0.3, 1.5, 1.0), "momentum must be at least 0 and under 1, got 1"),
    ],
)
def test_impossible_settings_are_refused(arguments: tuple[float, ...], message: str) -> None:
    with pytest.raises(ValueError, match=message):
        ClassAware(*arguments)


def test_impossible_recalls_are_refused() -> None:
    with pytest.raises(ValueError, match="must be of one shape"):
        ClassAware().update(np.ones(2), np.ones(3))
    for recall in (-0.1, 1.1):
        with pytest.raises(ValueError, match=r"a recall must be in 0\.\.1"):
            ClassAware().update([1.0], [recall])
