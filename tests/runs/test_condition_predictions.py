import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyconditions
from hubbub.errors import DataError
from hubbub.runs.condition_predictions import ConditionPredictions


def test_what_was_written_is_read_again(tmp_path: Path) -> None:
    kept = tinyconditions.predictions(seen=("gain",), sampled=2000, environment={"python": "3.11"})
    kept.write(tmp_path / "deep" / "tiny.npz")
    again = ConditionPredictions.read(tmp_path / "deep" / "tiny.npz")
    for name in ("measured", "clips", "recordings", "labels", "conditions"):
        assert getattr(again, name) == getattr(kept, name)
    for name in ("targets", "folds", "predictions", "p_true", "p_top", "known_score"):
        array, wanted = getattr(again, name), getattr(kept, name)
        assert np.array_equal(array, wanted) and array.dtype == wanted.dtype


def test_a_whole_pass_takes_less_than_two_megabytes(tmp_path: Path) -> None:
    conditions = tuple((f"corruption {number // 5}", number % 5) for number in range(84))
    conditions = (("clean", 0), *conditions[1:])
    tinyconditions.predictions(conditions=conditions, clips=2000).write(tmp_path / "whole.npz")
    assert (tmp_path / "whole.npz").stat().st_size < 2_000_000  # the shares are random, and so hardly compressed


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"p_top": np.full((6, 60), 1.5, np.float16)}, "not all in 0..1"),
        ({"p_true": np.full((6, 60), np.nan, np.float16)}, "not all in 0..1"),
        ({"predictions": np.full((6, 60), 3, np.uint8)}, "a class has no label"),
        ({"predictions": np.zeros((5, 60), np.uint8)}, "shapes"),
        ({"names": np.array(["clean", "gain", "gain", "gain", "gain", "gain"])}, "a condition twice"),
        ({"names": np.array(["gain", "gain", "gain", "excerpt", "excerpt", "excerpt"])}, "no clean condition"),
        ({"clips": np.arange(60)}, "clips is of type"),
        ({"clips": np.array(["a"] * 60, object)}, "allow_pickle"),
        ({"about": np.array("[")}, "Invalid JSON"),
        ({"about": np.array(json.dumps({"format_version": 7}))}, "format version"),
        ({"about": np.array(json.dumps({"format_version": 1, "suite": "one"}))}, "suite"),
        ({"folds": None}, "folds is not a file"),
    ],
)
def test_a_damaged_file_is_refused(tmp_path: Path, changes: dict[str, np.ndarray | None], words: str) -> None:
    path = tmp_path / "tiny.npz"
    tinyconditions.predictions().write(path)
    with np.load(path) as kept:
        arrays = {name: array for name, array in ({**kept} | changes).items() if array is not None}
    np.savez_compressed(path, **arrays)
    with pytest.raises(DataError, match=rf"tiny.npz holds no predictions under conditions \(.*{words}"):
        ConditionPredictions.read(path)


def test_no_such_file(tmp_path: Path) -> None:
    (tmp_path / "text.npz").write_text("no zip")
    for name in ("text.npz", "none.npz"):
        with pytest.raises(DataError, match="measure again"):
            ConditionPredictions.read(tmp_path / name)


def test_a_name_may_be_of_any_script(tmp_path: Path) -> None:
    kept = replace(tinyconditions.predictions(), labels=("犬", "дождь", "sirène"))
    kept.write(tmp_path / "tiny.npz")
    assert ConditionPredictions.read(tmp_path / "tiny.npz").labels == ("犬", "дождь", "sirène")
