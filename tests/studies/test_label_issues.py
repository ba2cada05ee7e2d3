import sys
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinyruns
from hubbub.data.dataset import Clip
from hubbub.errors import RefusedError, UsageError
from hubbub.evaluate.calibration import softmax
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.studies import label_issues

CLASSES = tinyruns.LABELS
WRONG = (3, 17, 40)


def planted(clips: int = 90) -> Predictions:
    """A sure model, and three labels that it contradicts."""
    targets = np.arange(clips) % 3
    seen = targets.copy()
    seen[list(WRONG)] = (seen[list(WRONG)] + 1) % 3
    rng = np.random.default_rng(0)
    logits = rng.normal(size=(clips, 3)) * 0.5 + 4 * np.eye(3)[seen]
    logits[list(WRONG)] *= 2
    probabilities = softmax(logits)
    names = tuple(f"{n % 5 + 1}-{n:04d}-A-{target}.wav" for n, target in enumerate(targets))
    return Predictions(CLASSES, names, np.arange(clips) % 5 + 1, targets, probabilities)


def clips_of(predictions: Predictions) -> dict[str, Clip]:
    pairs = zip(predictions.clips, predictions.targets, strict=True)
    return {name: Clip(name, Path(name), CLASSES[target], name) for name, target in pairs}


@pytest.fixture
def run(tmp_path: Path) -> Run:
    made = tinyruns.write(tmp_path / "mine")
    planted().write(made.folder / "predictions.csv")
    return made


def test_planted_errors_are_found_and_no_others(run: Run) -> None:
    predictions = planted()
    issues = label_issues.find(run, clips_of(predictions))
    assert {candidate.clip.id for candidate in issues.candidates} == {predictions.clips[row] for row in WRONG}
    assert (issues.run, issues.clips, issues.missing, issues.warnings) == ("mine", 90, 0, ())
    margins = [candidate.margin for candidate in issues.candidates]
    assert margins == sorted(margins)
    for candidate in issues.candidates:
        row = predictions.clips.index(candidate.clip.id)
        assert candidate.given_label == CLASSES[predictions.targets[row]]
        assert candidate.suggested_label == CLASSES[(predictions.targets[row] + 1) % 3]
        assert candidate.suggested_probability == pytest.approx(predictions.probabilities[row].max(), rel=1e-5)
        assert candidate.to_dict()["given_probability"] == candidate.given_probability


def test_as_many_as_the_confident_joint_says(run: Run) -> None:
    """Worked out by hand: a label counts as another one where that one's probability reaches its own class's mean."""
    predictions = run.predictions
    own = [predictions.probabilities[predictions.targets == k, k].mean() for k in range(3)]
    doubtful = {
        row
        for row, values in enumerate(predictions.probabilities)
        if (above := [k for k in range(3) if values[k] >= own[k]])
        and max(above, key=values.__getitem__) != predictions.targets[row]
    }
    assert set(label_issues.issue_rows(predictions, list(range(90)))) == doubtful == set(WRONG)


def test_the_order_is_cleanlabs(run: Run) -> None:
    from cleanlab.rank import get_label_quality_scores

    predictions = planted(300)
    rng = np.random.default_rng(1)
    logits = rng.normal(size=(300, 3)) + np.eye(3)[predictions.targets]  # many doubtful ones
    predictions.probabilities[:] = softmax(logits)
    issues = label_issues.issue_rows(predictions, list(range(300)))
    scores = get_label_quality_scores(predictions.targets, predictions.probabilities, method="normalized_margin")
    assert len(issues) > 2
    assert issues == sorted(issues, key=lambda row: scores[row])


def test_clips_that_the_dataset_lacks_are_left_out(run: Run) -> None:
    predictions = planted()
    clips = clips_of(predictions)
    for row in (0, 1, 2, WRONG[0]):
        del clips[predictions.clips[row]]
    issues = label_issues.find(run, clips)
    assert (issues.clips, issues.missing) == (86, 4)
    assert {candidate.clip.id for candidate in issues.candidates} == {predictions.clips[row] for row in WRONG[1:]}


def test_a_class_of_which_nothing_was_tested(run: Run) -> None:
    predictions = planted()
    clips = {name: clip for name, clip in clips_of(predictions).items() if clip.label != CLASSES[2]}
    issues = label_issues.find(run, clips)
    assert issues.clips == 60


def test_a_leaky_run_is_told(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path / "mine", split="LEAKY random folds 1 2 3 4 5")
    issues = label_issues.find(run, clips_of(run.predictions))
    assert "run mine has a leaky split" in issues.warnings[0]


def test_other_labels_in_the_dataset_are_told(run: Run) -> None:
    predictions = planted()
    clips = clips_of(predictions)
    clips[predictions.clips[5]] = replace(clips[predictions.clips[5]], label="cow")
    assert (
        "clips with another label in this dataset than in run mine, whose label is judged: 1"
        in label_issues.find(run, clips).warnings[0]
    )


def test_a_run_on_other_clips(run: Run) -> None:
    with pytest.raises(UsageError, match="run mine shares none of the 90 clips that it tested with this dataset"):
        label_issues.find(run, {})


def test_without_cleanlab(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "cleanlab.filter", None)
    with pytest.raises(RefusedError, match=r"finding wrong labels needs the extra 'report'"):
        label_issues.find(run, clips_of(planted()))
