"""How well a model file names the clips of a dataset that it has never heard.

A score on clips that a model was trained on, or chosen by, says nothing about new sounds. So clips that it has heard
are refused, or left out; `hubbub.studies.contamination` says how they are known, and what cannot be known. What is left
behind is a run folder, as training leaves one, for `hubbub report`.
"""

import json
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.data.dataset import Clip, Dataset
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.evaluate import summary
from hubbub.evaluate.intervals import mean_interval
from hubbub.evaluate.metrics import Doubles
from hubbub.listen.classifier import Classifier
from hubbub.modelfile import TrainingRecord
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, RunRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import file_sha256, write_csv, write_json
from hubbub.studies.contamination import Comparison, Matches, by_name, compare, count, ways

Walk = Callable[[Iterable[Clip]], Iterable[Clip]]
Track = Callable[[str], Walk]

_OFTEN = 30.0  # seconds after which what was scored is put on disk
_NAMED = 5  # labels, or clips, that a message names
_NOTHING = {"clips": 0, "accuracy": None, "loss": None}


@dataclass(frozen=True)
class Outcome:
    """An evaluation.

    Attributes:
        run: its folder.
        heard: clips that were left out, and what matched.
        unreadable: by clip id, why it could not be scored.
        recorded: whether the model file says what it has heard.
    """

    run: Run
    heard: Matches
    unreadable: Mapping[str, str]
    recorded: bool

    def facts(self) -> dict[str, Any]:
        """As JSON values."""
        record, metrics = self.run.record, self.run.metrics
        return {
            "model": record.model,
            "dataset": str(record.dataset),
            **{name: metrics["test"][name] for name in ("clips", "accuracy", "interval", "macro_f1", "loss")},
            "unknown": metrics["unknown"],
            "heard": {"clips": len(self.heard), **count(self.heard)},
            "unreadable": dict(self.unreadable),
            "training_on_record": self.recorded,
            "run": str(self.run.folder),
        }


@dataclass(frozen=True)
class _Answer:
    clip: Clip
    samples: str
    unknown: bool
    probabilities: Doubles


def evaluate(
    model: Path,
    dataset: Dataset,
    target: Run,
    unseen_only: bool = False,
    track: Track = lambda _: iter,
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
        unseen_only: leave out what the model has heard, instead of refusing.
        track: names a step; what it returns shows its progress.
        reference: how the dataset is opened again, so that `hubbub report` finds it; its name if left out.
        command: what makes the evaluation again, for the record.

    Raises:
        UsageError: the model does not know a label.
        RefusedError: the model has heard clips, or, with `unseen_only`, all of them; or `target` holds another run.
        DataError: no clip can be read.
        ModelFileError: `model` is none.
    """
    started = time.monotonic()
    classifier = Classifier(model)
    meta = classifier.meta
    _require_known(dataset, classifier)
    found = sift(dataset, meta.training, unseen_only, track("what it has heard"))
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
    unheard = [clip for clip in dataset.clips if clip.id in found.digests]
    answers, failed = _score(classifier, unheard, found.digests, target, track("listening"))
    unreadable = {**found.unreadable, **failed}
    if not answers:
        raise DataError(f"no clip of {dataset.name} can be read: {next(iter(unreadable.values()))}")
    _write(target, answers, meta.labels)
    write_json(target.folder / "metrics.json", _figures(target.predictions, answers))
    seconds = round(
        max(time.monotonic() - started, target.record.outcome.get("listened", 0.0)), 1
    )  # not of taking it up again
    target.finish(heard=len(found.heard), unreadable=unreadable, listened=seconds)
    return Outcome(target, found.heard, unreadable, _recorded(meta.training))


def sift(dataset: Dataset, record: TrainingRecord, unseen_only: bool = False, track: Walk = iter) -> Comparison:
    """Which clips may be scored. Names are compared first, and only what they do not tell is decoded.

    Raises RefusedError if some were heard, or, with `unseen_only`, all were.
    """
    named = by_name(record, dataset.clips)
    _require_unheard(dataset, named, unseen_only, "samples were not compared")
    found = compare(record, dataset.clips, named, track)
    _require_unheard(dataset, found.heard, unseen_only)
    return found


def _figures(kept: Predictions, answers: Sequence[_Answer]) -> dict[str, Any]:
    groups = [one.clip.group for one in answers]
    unknown = np.array([one.unknown for one in answers])
    return {
        "train": _NOTHING,
        "validation": _NOTHING,
        "test": summary.full(kept.targets, kept.probabilities, groups, kept.classes),
        "unknown": unknown_figures(kept.right, unknown, groups),
    }


def unknown_figures(right: NDArray[np.bool_], unknown: NDArray[np.bool_], groups: Sequence[str]) -> dict[str, Any]:
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
    found = mean_interval(right[rest], np.asarray(groups)[rest]) if rest.any() else None
    return {
        "clips": int(unknown.sum()),
        "share": float(unknown.mean()),
        "spared": float((~right[unknown]).mean()) if unknown.any() else None,
        "accuracy": found and found.value,
        "interval": found and [found.low, found.high],
    }


def _require_known(dataset: Dataset, classifier: Classifier) -> None:
    foreign = [label for label in dataset.labels if label not in classifier.labels]
    if foreign:
        raise UsageError(
            f"{classifier.meta.name} does not know {len(foreign):,} of the {len(dataset.labels):,} classes of"
            f" {dataset.name}: {_some(foreign)}; its own are {_some(classifier.labels)}: rename or leave out classes"
        )


def _require_unheard(dataset: Dataset, heard: Matches, unseen_only: bool, remark: str = "") -> None:
    total, number = len(dataset.clips), len(heard)
    if not number or (unseen_only and number < total):
        return
    how = "; ".join(filter(None, [ways(heard), remark]))
    left = total - number
    cure = f"--unseen-only scores the other {left:,}" if left else "score it on other sounds"
    raise RefusedError(
        f"the model has heard {number:,} of the {total:,} clips of {dataset.name}, in training or validation ({how});"
        f" a score on them says nothing about new sounds: {cure}"
    )


def _score(
    classifier: Classifier, clips: Sequence[Clip], digests: Mapping[str, str], target: Run, track: Walk
) -> tuple[list[_Answer], dict[str, str]]:
    """Answers, in order, those that are there already taken over; and by clip id, why one cannot be heard."""
    before = _answered(target, classifier.labels)
    answers: list[_Answer] = []
    unreadable: dict[str, str] = {}
    kept = time.monotonic()
    try:
        for clip in track(clips):
            samples = digests[clip.id]
            known = before.get((clip.id, samples))
            try:
                answers.append(_Answer(clip, samples, *(known or _hear(classifier, clip))))
            except AudioError as error:
                unreadable[clip.id] = str(error)
            if time.monotonic() - kept > _OFTEN and len(answers) > len(before):
                _keep(target, answers, classifier.labels)
                kept = time.monotonic()
    except BaseException:  # Ctrl-C as well: the next call goes on from here
        if len(answers) > len(before):
            _keep(target, answers, classifier.labels)
        raise
    return answers, unreadable


def _hear(classifier: Classifier, clip: Clip) -> tuple[bool, Doubles]:
    """Whether the model calls a clip unknown, and its probability for each class, shape (classes,)."""
    answer = classifier.classify(clip.path, top=len(classifier.labels))
    scores = {found.label: found.score for found in answer.predictions}
    return answer.unknown, np.array([scores[label] for label in classifier.labels])


def _keep(target: Run, answers: Sequence[_Answer], labels: tuple[str, ...]) -> None:
    """Put what is scored so far into a run that is not finished; a finished one stays as it is until the end."""
    if not target.finished:
        _write(target, answers, labels)


def _write(target: Run, answers: Sequence[_Answer], labels: tuple[str, ...]) -> None:
    number = {label: index for index, label in enumerate(labels)}
    Predictions(
        labels,
        tuple(one.clip.id for one in answers),
        np.array([one.clip.fold or 0 for one in answers], dtype=np.int64),
        np.array([number[one.clip.label] for one in answers], dtype=np.int64),
        np.stack([one.probabilities for one in answers]),
    ).write(target.folder / "predictions.csv")
    columns = ["clip", "part", "fold", "label", "recording", "samples", "unknown"]
    write_csv(target.folder / "clips.csv", columns, map(_line, answers))


def _line(one: _Answer) -> list[Any]:
    clip = one.clip
    return [clip.id, "test", clip.fold or 0, clip.label, clip.group, one.samples, int(one.unknown)]


def _answered(target: Run, labels: tuple[str, ...]) -> dict[tuple[str, str], tuple[bool, Doubles]]:
    """What a run holds already, by clip and digest of its samples; nothing if it is damaged."""
    try:
        kept, rows = target.predictions, {row["clip"]: row for row in target.clips}
        if kept.classes != labels:
            return {}
        pairs = [(rows[name], shares) for name, shares in zip(kept.clips, kept.probabilities, strict=True)]
        return {(row["clip"], row["samples"]): (row["unknown"] == "1", shares) for row, shares in pairs}
    except (DataError, KeyError):
        return {}


def _recipe(model: Path, classifier: Classifier) -> str:
    """What was evaluated, as YAML, of which JSON values are a part."""
    facts = {
        "file": model.name,
        "sha256": file_sha256(model),
        "calibration": asdict(classifier.meta.calibration),
        "known_score": asdict(classifier.meta.known_score),
        "figures": classifier.meta.figures,
    }
    lines = [f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in facts.items()]
    return "\n".join([f"name: evaluation of {classifier.meta.name}", *lines, ""])


def _recorded(record: TrainingRecord) -> bool:
    return bool(record.clips or record.recordings or record.samples)


def _some(names: Sequence[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(map(repr, names[:_NAMED])) + more
