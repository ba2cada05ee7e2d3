from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from sklearn.metrics import accuracy_score

import tinyconditions
from hubbub.errors import UsageError
from hubbub.runs.robustness import Robustness, difference, read

MODEL = Robustness(tinyconditions.predictions())


def shares(model: Robustness) -> list[float]:
    """Accuracy of each condition, by another library."""
    kept = model.predictions
    return [accuracy_score(kept.targets, row) for row in kept.predictions]


def test_accuracies_and_their_means() -> None:
    clean, low, middle, *excerpts = shares(MODEL)
    assert [row.accuracy for row in MODEL.conditions] == pytest.approx([clean, low, middle, *excerpts])
    assert MODEL.accuracy == {"gain": pytest.approx((low + middle) / 2), "excerpt": pytest.approx(np.mean(excerpts))}
    assert MODEL.middle == {"gain": pytest.approx(middle), "excerpt": pytest.approx(excerpts[2])}
    assert MODEL.worst == min(MODEL.middle, key=MODEL.middle.__getitem__)
    mean = ((low + middle) / 2 + np.mean(excerpts)) / 2  # a corruption of fewer severities counts as much
    assert MODEL.mean.value == pytest.approx(mean) and MODEL.mean.low < mean < MODEL.mean.high


def test_the_interval_is_that_of_a_bootstrap_over_recordings() -> None:
    kept, rng = MODEL.predictions, np.random.default_rng(5)
    right = kept.predictions == kept.targets
    values = (right[1:3].mean(0) + right[3:].mean(0)) / 2
    rows = {name: np.flatnonzero(np.array(kept.recordings) == name) for name in set(kept.recordings)}
    names = sorted(rows)
    assert 1 < len(rows[names[0]]) < 5
    means = [values[np.concatenate([rows[name] for name in rng.choice(names, len(names))])].mean() for _ in range(4000)]
    assert MODEL.mean[1:] == pytest.approx(np.percentile(means, [2.5, 97.5]), abs=0.01)


def test_log_loss_and_calibration_error() -> None:
    kept = MODEL.predictions
    for row, figures in enumerate(MODEL.conditions):
        p_true, p_top = kept.p_true[row].astype(float), kept.p_top[row].astype(float)
        assert figures.log_loss == pytest.approx(-np.mean(np.log(p_true)))
        error = 0.0
        for number in range(15):
            rows = (p_top > number / 15) & (p_top <= (number + 1) / 15)
            if rows.any():
                error += rows.mean() * abs(p_top[rows].mean() - kept.right[row][rows].mean())
        assert figures.calibration_error == pytest.approx(error)


def test_a_probability_that_half_precision_lost_is_not_infinitely_bad() -> None:
    kept = tinyconditions.predictions()
    none = replace(kept, p_true=np.zeros_like(kept.p_true))
    assert Robustness(none).clean.log_loss == pytest.approx(24 * np.log(2))


def test_what_is_kept_is_told_by_the_clean_clips_of_other_folds() -> None:
    kept = MODEL.predictions
    clean = kept.known_score[0].astype(float)
    for fold in (1, 2):
        threshold = np.quantile(clean[kept.folds != fold], 0.05)
        own = kept.folds == fold
        assert np.array_equal(MODEL.kept[:, own], kept.known_score[:, own].astype(float) >= threshold)
    figures = MODEL.conditions[2]
    assert figures.kept == pytest.approx(MODEL.kept[2].mean())
    assert figures.kept_accuracy == pytest.approx(kept.right[2][MODEL.kept[2]].mean())


def test_a_single_model_has_its_own_threshold() -> None:
    kept = tinyconditions.predictions(threshold=0.75, temperatures=(1.0,))
    assert np.array_equal(Robustness(kept).kept, kept.known_score.astype(float) >= 0.75)
    all_unknown = Robustness(tinyconditions.predictions(threshold=1.0))
    assert all_unknown.clean.kept == 0 and np.isnan(all_unknown.clean.kept_accuracy)


def test_the_difference_of_two_is_paired() -> None:
    better = Robustness(tinyconditions.predictions(seed=0, skill=0.97))
    change = difference(MODEL, better)
    assert change.value == pytest.approx(better.mean.value - MODEL.mean.value) and 0 < change.low < change.value
    assert difference(MODEL, MODEL) == (0, 0, 0)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"suite": 2}, "another version of the suite"),
        ({"clips": 58}, "other clips"),
        ({"conditions": tinyconditions.CONDITIONS[:-1]}, "other conditions"),
    ],
)
def test_what_does_not_compare_is_refused(tmp_path: Path, changes: dict[str, object], words: str) -> None:
    MODEL.predictions.write(tmp_path / "tiny.npz")
    tinyconditions.predictions(model="other", **changes).write(tmp_path / "other.npz")  # type: ignore[arg-type]
    with pytest.raises(UsageError, match=f"was measured with {words} than"):
        read([tmp_path])


def test_files_and_folders_are_read(tmp_path: Path) -> None:
    MODEL.predictions.write(tmp_path / "tiny.npz")
    tinyconditions.predictions(seed=1, model="other").write(tmp_path / "other.npz")
    assert [model.name for model in read([tmp_path])] == ["other", "tiny"]
    assert [model.name for model in read([tmp_path / "tiny.npz", tmp_path / "other.npz"])] == ["tiny", "other"]
    (tmp_path / "empty").mkdir()
    with pytest.raises(UsageError, match="no predictions under conditions in"):
        read([tmp_path / "empty"])


def test_clean_alone_has_no_mean() -> None:
    with pytest.raises(UsageError, match="no corruption was measured"):
        _ = Robustness(tinyconditions.predictions(conditions=(("clean", 0),))).mean
