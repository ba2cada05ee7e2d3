from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.errors import DataError
from hubbub.evaluate.intervals import paired_difference
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import pair

LABELS = ("siren", "dog", "rain")


def test_two_runs_on_the_clips_that_both_tested(tmp_path: Path) -> None:
    first = RunAnalysis.of(tinyruns.write(tmp_path / "a"))
    second = RunAnalysis.of(tinyruns.write(tmp_path / "b", "official-fold3", seed=1))
    found = pair(first, second)
    rights = [dict(zip(side.predictions.clips, side.predictions.right, strict=True)) for side in (first, second)]
    shared = sorted(clip for clip in rights[0] if clip.startswith("3-"))
    one, two = (np.array([right[clip] for clip in shared]) for right in rights)
    assert found.clips == len(shared) == 6
    assert found.change == paired_difference(one, two, [clip.split("-")[1] for clip in shared])
    assert found.change.value == pytest.approx(np.mean(two) - np.mean(one)) != 0
    assert [side.tolist() for side in found.rights] == [one.tolist(), two.tolist()]


def test_recalls_of_both(tmp_path: Path) -> None:
    first = RunAnalysis.of(tinyruns.planted(tmp_path / "a", LABELS, {("dog", "rain"): 3}))
    second = RunAnalysis.of(tinyruns.planted(tmp_path / "b", LABELS, {("rain", "dog"): 2}))
    assert pair(first, second).recalls() == [(6, 1.0, 1.0), (6, 0.5, 1.0), (6, 1.0, pytest.approx(4 / 6))]


def test_a_class_that_is_not_shared_has_no_recall(tmp_path: Path) -> None:
    first = RunAnalysis.of(tinyruns.planted(tmp_path / "a", LABELS, {}))
    run = tinyruns.planted(tmp_path / "b", LABELS, {})
    lines = (run.folder / "predictions.csv").read_text().splitlines(keepends=True)
    (run.folder / "predictions.csv").write_text("".join(line for line in lines if not line.startswith("dog")))
    assert pair(first, RunAnalysis.of(run)).recalls()[1] == (0, None, None)


def test_whether_a_difference_is_shown(tmp_path: Path) -> None:
    plain = RunAnalysis.of(tinyruns.planted(tmp_path / "a", LABELS, {}))
    worse = RunAnalysis.of(tinyruns.planted(tmp_path / "b", LABELS, {("dog", "rain"): 6, ("rain", "dog"): 5}))
    assert pair(plain, worse).shown and pair(worse, plain).shown and not pair(plain, plain).shown


def test_runs_that_label_a_clip_differently_are_not_compared(tmp_path: Path) -> None:
    first = tinyruns.planted(tmp_path / "a", LABELS, {})
    second = tinyruns.planted(tmp_path / "b", LABELS, {})
    table = second.folder / "predictions.csv"
    table.write_text(table.read_text().replace("dog-00.wav,1,dog", "dog-00.wav,1,rain"))
    with pytest.raises(DataError, match="label 1 shared clips differently: evaluate both on one version"):
        pair(RunAnalysis.of(first), RunAnalysis.of(second))
