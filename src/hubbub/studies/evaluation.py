"""Evaluation: how well a model file names the clips of a dataset that it was not trained on.

A score on clips that a model was trained on, or chosen by, says nothing about new sounds. So clips in its training
record are refused, or left out; `hubbub.studies.contamination` says how they are matched, and what cannot be known. The
result is a run folder, as training leaves one, for `hubbub report`.
"""

import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
import yaml

from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.evaluate import summary
from hubbub.evaluate.intervals import mean_interval
from hubbub.listen.classifier import Classifier
from hubbub.modelfile import ModelMeta, TrainingRecord
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, RunRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import file_sha256, write_csv, write_json
from hubbub.studies.contamination import Comparison, Matches, compare, count_matches, describe_matches, match_names
from hubbub.types import Bools, Doubles, Progress, Track, no_progress

_OFTEN = 30.0  # seconds after which what was scored is put on disk
_NAMED = 5  # labels, or clips, that a message names
_NOTHING = {"clips": 0, "accuracy": None, "loss": None}


@dataclass(frozen=True)
class Outcome:
    """The result of an evaluation.

    Attributes:
        run: its folder.
        in_training: clips that were left out since they are in the training record, and what matched.
        unreadable: by clip id, why it could not be scored.
        recorded: whether the model file has a training record.
    """

    run: Run
    in_training: Matches
    unreadable: Mapping[str, str]
    recorded: bool

    def to_dict(self) -> dict[str, Any]:
        """As JSON values."""
        record, metrics = self.run.record, self.run.metrics
        return {
            "model": record.model,
            "dataset": str(record.dataset),
            **{name: metrics["test"][name] for name in ("clips", "accuracy", "interval", "macro_f1", "loss")},
            "unknown": metrics["unknown"],
            "in_training": {"clips": len(self.in_training), **count_matches(self.in_training)},
            "unreadable": dict(self.unreadable),
            "training_on_record": self.recorded,
            "run": str(self.run.folder),
        }


@dataclass(frozen=True)
class _ScoredClip:
    """A clip with the digest of its samples, whether it was called unknown, and its probabilities, shape (classes,)."""

    clip: Clip
    samples: str
    unknown: bool
    probabilities: Doubles


def evaluate(
    model: Path,
    dataset: Dataset,
    target: Run,
    unseen_only: bool = False,
    progress: Progress = no_progress,
    reference: str = "",
    command: str = "",
) -> Outcome:
    """Score a model file on a dataset, and leave a run folder behind.

    What an interrupted evaluation scored is taken up again, and so is what a finished one did: only clips whose samples
    have changed, or that are new, are heard again. One clip is in memory at a time.

    Args:
        model: the model file.
        dataset: all of whose labels the model knows; it may answer any of its own.
        target: the run folder.
        unseen_only: leave out the clips in the training record, instead of refusing.
        progress: of the steps "what it has heard" and "listening".
        reference: how the dataset is opened again, so that `hubbub report` finds it; its name if left out.
        command: what makes the evaluation again, for the record.

    Raises:
        UsageError: the model does not know a label.
        RefusedError: clips are in the training record, or, with `unseen_only`, all are; or `target` holds another run.
        DataError: no clip can be read.
        ModelFileError: `model` is none.
    """
    started = time.monotonic()
    classifier = Classifier(model)
    meta = classifier.meta
    require_known(dataset, meta)
    comparison = check_unseen(dataset, meta.training, unseen_only, progress("what it has heard"))
    training = meta.training
    recorded = bool(training.clips or training.recordings or training.samples)
    split = "all clips, which are not known to have been heard"
    if recorded:
        split = "clips that the model has not heard" if unseen_only else "all clips, none of which the model has heard"
    record = RunRecord(
        kind="evaluation",
        dataset=DatasetRecord(dataset.name, reference or dataset.name),
        split=SplitRecord(split),
        labels=meta.labels,
        command=command,
        model=meta.name,
    )
    target.begin(_recipe(model, classifier), record)
    unseen = [clip for clip in dataset.clips if clip.id in comparison.digests]
    scored, failed = _score(classifier, unseen, comparison.digests, target, progress("listening"))
    unreadable = {**comparison.unreadable, **failed}
    if not scored:
        raise DataError(f"no clip of {dataset.name} can be read: {next(iter(unreadable.values()))}")
    _write(target, scored, meta.labels)
    write_json(target.folder / "metrics.json", _figures(Predictions.read(target.folder / "predictions.csv"), scored))
    listened = target.record.outcome.get("listened", 0.0)  # not of taking it up again
    seconds = round(max(time.monotonic() - started, listened), 1)
    target.finish(heard=len(comparison.matches), unreadable=unreadable, listened=seconds)
    return Outcome(target, comparison.matches, unreadable, recorded)


def check_unseen(
    dataset: Dataset, record: TrainingRecord, unseen_only: bool = False, track: Track = iter
) -> Comparison:
    """Which clips may be scored. Names are compared first, and only what they do not tell is decoded.

    Raises RefusedError if some are in the training record, or, with `unseen_only`, all are.
    """
    named = match_names(record, dataset.clips)
    _require_unseen(dataset, named, unseen_only, "samples were not compared")
    comparison = compare(record, dataset.clips, named, track)
    _require_unseen(dataset, comparison.matches, unseen_only)
    return comparison


def _figures(predictions: Predictions, scored: Sequence[_ScoredClip]) -> dict[str, Any]:
    groups = [row.clip.group for row in scored]
    unknown = np.array([row.unknown for row in scored])
    return {
        "train": _NOTHING,
        "validation": _NOTHING,
        "test": summary.full(predictions.targets, predictions.probabilities, groups, predictions.classes),
        "unknown": unknown_figures(predictions.right, unknown, groups),
    }


def unknown_figures(right: Bools, unknown: Bools, groups: Sequence[str]) -> dict[str, Any]:
    """How often clips, all of classes that the model knows, were called unknown, and how right it was on the rest.

    Args:
        right: whether each clip's likeliest class is the true one, shape (clips,).
        unknown: whether each was called unknown, shape (clips,).
        groups: each clip's source recording.

    Returns:
        `clips` and `share` that were called unknown; `spared`, the share of these that would have been named wrong;
        `accuracy` of the rest and its `interval`. None stands for a share of no clips.
    """
    rest = ~unknown
    accuracy = mean_interval(right[rest], np.asarray(groups)[rest]) if rest.any() else None
    return {
        "clips": int(unknown.sum()),
        "share": float(unknown.mean()),
        "spared": float((~right[unknown]).mean()) if unknown.any() else None,
        "accuracy": accuracy and accuracy.value,
        "interval": accuracy and [accuracy.low, accuracy.high],
    }


def require_known(dataset: Dataset, meta: ModelMeta) -> None:
    """Raises UsageError if the model does not know a label of the dataset."""
    foreign = [label for label in dataset.labels if label not in meta.labels]
    if foreign:
        raise UsageError(
            f"{meta.name} does not know {len(foreign):,} of the {len(dataset.labels):,} classes of"
            f" {dataset.name}: {_some(foreign)}; its own are {_some(meta.labels)}: rename or leave out classes"
        )


def _require_unseen(dataset: Dataset, matches: Matches, unseen_only: bool, remark: str = "") -> None:
    total, number = len(dataset.clips), len(matches)
    if not number or (unseen_only and number < total):
        return
    how = "; ".join(filter(None, [describe_matches(matches), remark]))
    left = total - number
    cure = f"--unseen-only scores the other {left:,}" if left else "score it on other sounds"
    raise RefusedError(
        f"the model has heard {number:,} of the {total:,} clips of {dataset.name}, in training or validation ({how});"
        f" a score on them says nothing about new sounds: {cure}"
    )


def _score(
    classifier: Classifier, clips: Sequence[Clip], digests: Mapping[str, str], target: Run, track: Track
) -> tuple[list[_ScoredClip], dict[str, str]]:
    """Scored clips, in order, those that the run has already taken over; and by clip id, why one cannot be heard."""
    before = _scored_before(target, classifier.labels)
    scored: list[_ScoredClip] = []
    unreadable: dict[str, str] = {}
    written = time.monotonic()
    try:
        for clip in track(clips):
            samples = digests[clip.id]
            try:
                result = before.get((clip.id, samples)) or _probabilities(classifier, clip)
                scored.append(_ScoredClip(clip, samples, *result))
            except AudioError as error:
                unreadable[clip.id] = str(error)
            if time.monotonic() - written > _OFTEN:
                _write_so_far(target, scored, len(before), classifier.labels)
                written = time.monotonic()
    except BaseException:  # Ctrl-C as well: the next call goes on from here
        _write_so_far(target, scored, len(before), classifier.labels)
        raise
    return scored, unreadable


def _probabilities(classifier: Classifier, clip: Clip) -> tuple[bool, Doubles]:
    """Whether the model calls a clip unknown, and its probability for each class, shape (classes,)."""
    answer = classifier.classify(clip.path, top=len(classifier.labels))
    scores = {prediction.label: prediction.score for prediction in answer.predictions}
    return answer.unknown, np.array([scores[label] for label in classifier.labels])


def _write_so_far(target: Run, scored: Sequence[_ScoredClip], before: int, labels: tuple[str, ...]) -> None:
    """Write what is scored so far, if it is more than `before`; a finished run stays as it is until the end."""
    if len(scored) > before and not target.finished:
        _write(target, scored, labels)


def _write(target: Run, scored: Sequence[_ScoredClip], labels: tuple[str, ...]) -> None:
    clips = [row.clip for row in scored]
    Predictions(
        labels,
        tuple(clip.id for clip in clips),
        np.array([clip.fold or 0 for clip in clips], dtype=np.int64),
        np.array([labels.index(clip.label) for clip in clips], dtype=np.int64),
        np.stack([row.probabilities for row in scored]),
    ).write(target.folder / "predictions.csv")
    columns = ["clip", "part", "fold", "label", "recording", "samples", "unknown"]
    rows = [
        [row.clip.id, "test", row.clip.fold or 0, row.clip.label, row.clip.group, row.samples, int(row.unknown)]
        for row in scored
    ]
    write_csv(target.folder / "clips.csv", columns, rows)


def _scored_before(target: Run, labels: tuple[str, ...]) -> dict[tuple[str, str], tuple[bool, Doubles]]:
    """What a run holds already, by clip and digest of its samples; nothing if it is damaged."""
    try:
        predictions, rows = target.predictions, {row["clip"]: row for row in target.clips}
        if predictions.classes != labels:
            return {}
        pairs = [(rows[clip], p) for clip, p in zip(predictions.clips, predictions.probabilities, strict=True)]
        return {(row["clip"], row["samples"]): (row["unknown"] == "1", p) for row, p in pairs}
    except (DataError, KeyError):
        return {}


def _recipe(model: Path, classifier: Classifier) -> str:
    """The evaluated model, as YAML; the file's digest stands for the numbers of its known score."""
    known_score = classifier.meta.known_score
    values = {
        "name": f"evaluation of {classifier.meta.name}",
        "file": model.name,
        "sha256": file_sha256(model),
        "calibration": asdict(classifier.meta.calibration),
        "known_score": {"name": known_score.name, "threshold": known_score.threshold, "numbers": known_score.numbers},
        "figures": classifier.meta.figures,
    }
    return yaml.safe_dump(values, sort_keys=False, allow_unicode=True)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
