import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from hubbub.data.dataset import Clip
from hubbub.errors import RefusedError
from hubbub.studies import shortcuts
from hubbub.studies.measure import Measurements

LABELS = ("cat", "dog", "owl")


@pytest.fixture(autouse=True)
def small_forests(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "_TREES", 12)


def clips(each: int = 20, folds: int | None = None, takes: int = 1) -> list[Clip]:
    """`each` clips of each class, `takes` of each recording."""
    made = []
    for label in LABELS:
        for n in range(each):
            fold = None if folds is None else 1 + n // takes % folds
            made.append(Clip(f"{label}{n}", Path(f"{label}{n}"), label, f"{label}-{n // takes}", fold))
    return made


def measurements(given: list[Clip], tell: bool) -> list[Measurements]:
    """A bandwidth that tells the class, or not."""
    rng = np.random.default_rng(0)
    usual = {label: 4000.0 * (1 + number) if tell else 8000.0 for number, label in enumerate(LABELS)}
    return [Measurements(bandwidth=usual[clip.label] + rng.normal(0, 500), silence=0.1) for clip in given]


@pytest.mark.parametrize("folds", [None, 4])
def test_a_band_limit_gives_the_class_away(folds: int | None) -> None:
    given = clips(folds=folds)
    found = shortcuts.find(given, measurements(given, tell=True))
    by_features = {one.features: one.accuracy for one in found.guesses}
    assert by_features["bandwidth alone"].value > 0.95
    assert by_features["bandwidth and silence"].value > 0.95
    assert by_features["silence alone"].value < 0.6  # the same in all classes
    assert found.given_away
    assert (found.clips, found.chance) == (60, pytest.approx(1 / 3))
    assert {one.label: round(one.bandwidth, -3) for one in found.classes} == {"cat": 4000, "dog": 8000, "owl": 12_000}
    assert [one.silence for one in found.classes] == pytest.approx([0.1] * 3)
    mean = np.average([one.recall for one in found.classes], weights=[one.clips for one in found.classes])
    assert mean == pytest.approx(found.guesses[0].accuracy.value)
    assert found.to_dict()["guesses"][0]["interval"] == list(found.guesses[0].accuracy[1:])


def test_what_tells_nothing_is_at_chance() -> None:
    given = clips(each=60)
    found = shortcuts.find(given, measurements(given, tell=False))
    assert abs(found.guesses[0].accuracy.value - 1 / 3) < 0.12


def test_other_clips_of_a_recording_do_not_help() -> None:
    """Each recording has a bandwidth of its own, and says nothing about its class."""
    given = clips(each=60, takes=6)
    rng = np.random.default_rng(0)
    its = {group: rng.uniform(2000, 20_000) for group in sorted({clip.group for clip in given})}
    found = shortcuts.find(given, [Measurements(bandwidth=its[clip.group]) for clip in given])
    assert found.guesses[0].accuracy.value < 0.6


def test_a_recording_in_two_folds_is_not_trained_on() -> None:
    labels = np.array(["a", "b"] * 20)
    columns = np.arange(40.0)[:, None] // 2
    folds = np.tile([1, 1, 2, 2], 10)
    groups = np.array([f"g{n // 4}" for n in range(40)])  # all in both folds
    assert set(shortcuts.predict(columns, labels, folds, groups)) == {""}
    assert set(shortcuts.predict(columns, labels, folds, np.arange(40))) == {"a", "b"}


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ([], "no readable clip"),
        (clips()[:20], "one class"),
        (clips(each=4), "too small to say: 12 recordings of 3 classes; it takes 5 a class"),
        (clips(each=20, takes=10), "too small to say: 6 recordings of 3 classes"),
    ],
)
def test_too_small(given: list[Clip], said: str) -> None:
    found = shortcuts.find(given, measurements(given, tell=True))
    assert said in found.problem
    assert found.to_dict() == {"problem": found.problem}
    assert not found.given_away


def test_unreadable_clips_are_left_out() -> None:
    given = clips()
    told = measurements(given, tell=True)
    told[0] = replace(told[0], problem="broken")
    assert shortcuts.find(given, told).clips == 59


def test_of_many_classes_the_largest_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "MOST_CLASSES", 2)
    given = [
        *clips(),
        *(Clip(f"more{n}", Path("x"), "owl", f"more{n}") for n in range(3)),
        Clip("m", Path("x"), "cat", "m"),
    ]
    assert {one.label for one in shortcuts.find(given, measurements(given, tell=True)).classes} == {"owl", "cat"}


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(RefusedError, match="needs the extra 'report'"):
        shortcuts.find(clips(), measurements(clips(), tell=True))
