import dataclasses
from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError
from hubbub.runs.predictions import Predictions, join


def some(clips: int = 6, classes: int = 3, seed: int = 0, fold: int = 1) -> Predictions:
    rng = np.random.default_rng(seed)
    names = tuple(f"{fold}-{name:03d}.wav" for name in rng.permutation(clips))
    labels = ("Hütte, groß", 'a "b"', "c", "d")[:classes]
    folds, targets = np.full(clips, fold), rng.integers(classes, size=clips)
    return Predictions(labels, names, folds, targets, rng.dirichlet(np.ones(classes), clips))


def test_predictions_survive_their_file(tmp_path: Path) -> None:
    written = some()
    written.write(tmp_path / "new" / "p.csv")
    found = Predictions.read(tmp_path / "new" / "p.csv")
    assert (found.classes, found.clips) == (written.classes, written.clips)
    np.testing.assert_array_equal(found.folds, written.folds)
    np.testing.assert_array_equal(found.targets, written.targets)
    np.testing.assert_allclose(found.probabilities, written.probabilities, rtol=5e-6)
    np.testing.assert_array_equal(found.predicted, written.predicted)


def test_the_file_is_a_plain_table(tmp_path: Path) -> None:
    probabilities = np.array([[0.25, 0.75], [1 - 1e-9, 1e-9]])
    Predictions(("dog", "cat"), ("a.wav", "b.wav"), np.array([1, 0]), np.array([0, 0]), probabilities).write(
        tmp_path / "p.csv"
    )
    assert (tmp_path / "p.csv").read_bytes() == (
        b"clip,fold,label,prediction,dog,cat\na.wav,1,dog,cat,0.25,0.75\nb.wav,0,dog,dog,1,1e-09\n"
    )


def test_predicted_and_right() -> None:
    probabilities = np.array([[0.6, 0.4], [0.1, 0.9], [0.7, 0.3]])
    given = Predictions(("a", "b"), ("x", "y", "z"), np.zeros(3, int), np.array([0, 0, 1]), probabilities)
    assert given.predicted.tolist() == [0, 1, 0]
    assert given.right.tolist() == [True, False, False]


def test_no_predictions_survive_too(tmp_path: Path) -> None:
    some(0).write(tmp_path / "p.csv")
    found = Predictions.read(tmp_path / "p.csv")
    assert found.probabilities.shape == (0, 3) and found.right.shape == (0,) and found.clips == ()


def test_sorting_moves_whole_rows() -> None:
    given = some(20)
    rows = {clip: index for index, clip in enumerate(given.clips)}
    ordered = given.sorted()
    assert ordered.clips == tuple(sorted(given.clips)) != given.clips
    for index, clip in enumerate(ordered.clips):
        assert ordered.targets[index] == given.targets[rows[clip]]
        np.testing.assert_array_equal(ordered.probabilities[index], given.probabilities[rows[clip]])


def test_joining_folds() -> None:
    parts = [some(4, seed=2, fold=2), some(5, seed=1, fold=1)]
    whole = join(parts)
    assert whole.clips == tuple(sorted(parts[0].clips + parts[1].clips))
    assert whole.folds.tolist() == [1] * 5 + [2] * 4
    assert whole.right.sum() == parts[0].right.sum() + parts[1].right.sum()
    place = whole.clips.index(parts[0].clips[3])
    np.testing.assert_array_equal(whole.probabilities[place], parts[0].probabilities[3])


def test_folds_of_other_classes_are_not_joined() -> None:
    swapped = dataclasses.replace(some(fold=2), classes=("c", 'a "b"', "Hütte, groß"))
    with pytest.raises(DataError, match="different classes cannot be joined"):
        join([some(), swapped])


HEADER = "clip,fold,label,prediction,dog,cat\n"


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\n",
        "clip,part,fold,label,dog,cat\na,1,dog,dog,0.5,0.5\n",  # another table with such columns
        HEADER + "a,1,dog\n",
        HEADER + "a,1,dog,dog,0.5\n",
        HEADER + "a,1,dog,dog,0.5,0.5\nb,1,dog,dog,0.5\n",
        HEADER + "a,one,dog,dog,0.5,0.5\n",
        HEADER + "a,1,cow,dog,0.5,0.5\n",
        HEADER + "a,1,dog,dog,0.5,half\n",
        HEADER + 'a,1,dog,"' + "x" * 200_000 + '",0.5,0.5\n',  # beyond what the csv module takes for a field
        HEADER + "a,1,d\udcffg,dog,0.5,0.5\n",
    ],
)
def test_a_damaged_table(tmp_path: Path, text: str) -> None:
    (tmp_path / "p.csv").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(
        DataError, match=r"p\.csv.*(line \d|empty|not a table of predictions).*run the evaluation again"
    ):
        Predictions.read(tmp_path / "p.csv")


def test_a_missing_table(tmp_path: Path) -> None:
    with pytest.raises(DataError, match=r"p\.csv cannot be read .*No such file"):
        Predictions.read(tmp_path / "p.csv")
