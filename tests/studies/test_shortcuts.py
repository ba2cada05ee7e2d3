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


def measurements(dataset_clips: list[Clip], tell: bool) -> list[Measurements]:
    """A bandwidth that tells the class, or not."""
    rng = np.random.default_rng(0)
    usual = {label: 4000.0 * (1 + number) if tell else 8000.0 for number, label in enumerate(LABELS)}
    return [Measurements(bandwidth=usual[clip.label] + rng.normal(0, 500), silence=0.1) for clip in dataset_clips]


@pytest.mark.parametrize("folds", [None, 4])
def test_a_band_limit_gives_the_class_away(folds: int | None) -> None:
    dataset_clips = clips(folds=folds)
    result = shortcuts.find(dataset_clips, measurements(dataset_clips, tell=True))
    by_features = {one.features: one.accuracy for one in result.guesses}
    assert by_features["bandwidth alone"].value > 0.95
    assert by_features["bandwidth and silence"].value > 0.95
    assert by_features["silence alone"].value < 0.6  # the same in all classes
    assert result.given_away
    assert (result.clips, result.chance) == (60, pytest.approx(1 / 3))
    assert {one.label: round(one.bandwidth, -3) for one in result.classes} == {"cat": 4000, "dog": 8000, "owl": 12_000}
    assert [one.silence for one in result.classes] == pytest.approx([0.1] * 3)
    mean = np.average([one.recall for one in result.classes], weights=[one.clips for one in result.classes])
    assert mean == pytest.approx(result.guesses[0].accuracy.value)
    assert result.to_dict()["guesses"][0]["interval"] == list(result.guesses[0].accuracy[1:])


def test_what_tells_nothing_is_at_chance() -> None:
    dataset_clips = clips(each=60)
    result = shortcuts.find(dataset_clips, measurements(dataset_clips, tell=False))
    assert abs(result.guesses[0].accuracy.value - 1 / 3) < 0.12


def test_other_clips_of_a_recording_do_not_help() -> None:
    """Each recording has a bandwidth of its own, and says nothing about its class."""
    dataset_clips = clips(each=60, takes=6)
    rng = np.random.default_rng(0)
    its = {group: rng.uniform(2000, 20_000) for group in sorted({clip.group for clip in dataset_clips})}
    result = shortcuts.find(dataset_clips, [Measurements(bandwidth=its[clip.group]) for clip in dataset_clips])
    assert result.guesses[0].accuracy.value < 0.6


def test_a_recording_in_two_folds_is_not_trained_on() -> None:
    labels = np.array(["a", "b"] * 20)
    columns = np.arange(40.0)[:, None] // 2
    folds = np.tile([1, 1, 2, 2], 10)
    groups = np.array([f"g{n // 4}" for n in range(40)])  # all in both folds
    assert set(shortcuts.predict(columns, labels, folds, groups)) == {""}
    assert set(shortcuts.predict(columns, labels, folds, np.arange(40))) == {"a", "b"}


@pytest.mark.parametrize(
    ("dataset_clips", "said"),
    [
        ([], "no readable clip"),
        (clips()[:20], "one class"),
        (clips(each=4), "too small to say: 12 recordings of 3 classes; it takes 5 a class"),
    ],
)
def test_too_small(dataset_clips: list[Clip], said: str) -> None:
    result = shortcuts.find(dataset_clips, measurements(dataset_clips, tell=True))
    assert said in result.problem
    assert result.to_dict() == {"problem": result.problem}
    assert not result.given_away


def test_unreadable_clips_are_left_out() -> None:
    dataset_clips = clips()
    told = measurements(dataset_clips, tell=True)
    told[0] = replace(told[0], problem="broken")
    assert shortcuts.find(dataset_clips, told).clips == 59


def test_of_many_classes_the_largest_are_asked_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shortcuts, "MOST_CLASSES", 2)
    dataset_clips = [
        *clips(),
        *(Clip(f"more{n}", Path("x"), "owl", f"more{n}") for n in range(3)),
        Clip("m", Path("x"), "cat", "m"),
    ]
    result = shortcuts.find(dataset_clips, measurements(dataset_clips, tell=True))
    assert {guess.label for guess in result.classes} == {"owl", "cat"}


def test_without_scikit_learn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.ensemble", None)
    with pytest.raises(RefusedError, match="needs the extra 'report'"):
        shortcuts.find(clips(), measurements(clips(), tell=True))
