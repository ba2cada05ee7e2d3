"""How models stand conditions that they never heard: a pass over the corruption suite ESC-50-C.

Several models are measured in one pass, so that each sound is corrupted once. What a condition gave is kept as soon as
it is whole; the same call goes on from there. docs/robustness.md defines the suite and its figures.
"""

import time
from collections.abc import Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from shutil import rmtree
from typing import Any

import numpy as np

from hubbub.augment.corruptions import CONDITIONS, VERSION
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.sampling import sampled
from hubbub.errors import DataError, RefusedError, UsageError
from hubbub.formatting import duration, listing
from hubbub.runs.condition_predictions import CLEAN, Condition, ConditionPredictions, Measured
from hubbub.runs.run import environment
from hubbub.storage import digest, file_sha256, read_json, write_json, write_with
from hubbub.studies.condition_hearing import Hearing, Named, Task, hear
from hubbub.studies.measured_model import MeasuredModel
from hubbub.types import Ints, Log, Progress, no_progress
from hubbub.workers import mapped

_TOGETHER = 8  # clips of a task: few, since Ctrl-C waits for the tasks that processes have been given
_ABOUT, _CONDITIONS = "about.json", "conditions"
_SUITE, _CLIPS, _CONTENT = "version of the suite", "choice of clips", "content of a sound file"


@dataclass(frozen=True)
class Pass:
    """What is measured, and where it is kept.

    Attributes:
        models: each with a name of its own.
        dataset: its clips lie under each other as background.
        clips: those that every model hears.
        folder: where what is measured lies.
        sampled: of how many clips `clips` are a sample; None if they are all.
    """

    models: tuple[MeasuredModel, ...]
    dataset: Dataset
    clips: tuple[Clip, ...]
    folder: Path
    sampled: int | None = None

    @classmethod
    def plan(
        cls, models: Sequence[MeasuredModel], dataset: Dataset, folder: Path, sample: int | None = None, seed: int = 0
    ) -> "Pass":
        """A pass over the clips that all models may be asked about, or over a sample of so many of them.

        Raises UsageError if two models have one name, or no clip may be asked of all.
        """
        names = [model.name for model in models]
        if len(set(names)) < len(names):
            raise UsageError(f"two models have one name ({listing(names)}): rename a file or a folder")
        clips = tuple(clip for clip in dataset.originals if all(clip.id in model.listeners for model in models))
        if not clips:
            raise UsageError(f"no clip of {dataset.name} may be asked of each of these models: measure them one by one")
        chosen = clips if sample is None else sampled(clips, sample, seed)
        return cls(tuple(models), dataset, chosen, folder, len(clips) if len(chosen) < len(clips) else None)

    def measure(
        self,
        conditions: Sequence[Condition] = CONDITIONS,
        jobs: int = 1,
        progress: Progress = no_progress,
        log: Log = lambda line: None,
    ) -> list[ConditionPredictions]:
        """Measure what is not measured yet, and write each model's predictions into the folder, as `NAME.npz`.

        Args:
            conditions: `CLEAN` comes first in any case.
            jobs: processes.
            progress: of the step "listening".
            log: hears a line for each condition that is whole.

        Returns what was measured of each model in these conditions.

        Raises RefusedError if the folder holds a pass over something else, AudioError if a clip cannot be read.
        """
        self._begin()
        wanted = (CLEAN, *(condition for condition in CONDITIONS if condition in set(conditions)))
        missing = [condition for condition in wanted if not self._kept(condition).is_file()]
        tasks = [task for condition in missing for task in self._tasks(condition)]
        started, parts = time.monotonic(), list[Named]()
        with closing(mapped(hear, tasks, jobs)) as results:
            for number, (task, named) in enumerate(zip(progress("listening")(tasks), results, strict=True), start=1):
                parts.append(named)
                if number == len(tasks) or tasks[number].condition != task.condition:
                    whole = self._joined(parts)
                    self._keep(task.condition, whole)
                    left = (time.monotonic() - started) / number * (len(tasks) - number)
                    log(f"{self._line(task.condition, whole)}; {duration(left)} left")
                    parts = []
        measured = [self._assembled(number, wanted) for number in range(len(self.models))]
        for predictions in measured:
            predictions.write(self.folder / f"{predictions.measured.model}.npz")
        return measured

    def remove(self) -> None:
        """Forget what was measured, for a start afresh.

        Raises RefusedError if the folder holds something else than a pass.
        """
        if self._before():
            (self.folder / _ABOUT).unlink()
            rmtree(self.folder / _CONDITIONS, ignore_errors=True)

    def _begin(self) -> None:
        """Start the pass, or take it up. Raises RefusedError if the folder holds one over something else."""
        about, before = self._about(), self._before()
        if not before:
            write_json(self.folder / _ABOUT, about)
            return
        differences = [name for name in about if before.get(name) != about[name]]
        if _CLIPS in differences:  # of which other content follows
            differences = [name for name in differences if name != _CONTENT]
        if differences:
            raise RefusedError(
                f"{self.folder} holds what was measured with another {listing(differences)}: --fresh starts over,"
                " another --out keeps both"
            )

    def _before(self) -> dict[str, Any]:
        """What the folder says that it holds; empty if there is nothing. Raises RefusedError for something else."""
        path = self.folder / _ABOUT
        if not path.is_file():
            return {}
        about = read_json(path)
        if not isinstance(about, dict) or _SUITE not in about:
            raise RefusedError(f"{self.folder} does not hold what `hubbub robustness` measured: give another --out")
        return about

    def _about(self) -> dict[str, Any]:
        """What must not change while a pass is taken up again, by what people call it."""
        texts = [(clip.id, clip.label, clip.group, self._backgrounds[clip.id].id) for clip in self.clips]
        return {
            _SUITE: VERSION,
            "dataset": self.dataset.name,
            "part": [model.part for model in self.models],
            _CLIPS: digest(*(text for row in texts for text in row)),
            _CONTENT: digest(*(file_sha256(clip.path) for clip in self.clips)),
            "list of models": {model.name: model.digest for model in self.models},
        }

    @cached_property
    def _backgrounds(self) -> Mapping[str, Clip]:
        return backgrounds(self.clips, self.dataset)

    @cached_property
    def _targets(self) -> Ints:
        """The numbers of the clips' classes as each model counts them, shape (models, clips)."""
        rows = [{label: number for number, label in enumerate(model.labels)} for model in self.models]
        return np.array([[row[clip.label] for clip in self.clips] for row in rows], np.int64)

    @cached_property
    def _groups(self) -> list[Ints]:
        """The clips of each task, as rows of `clips`: some that each model hears with one file."""
        keys = [tuple(model.listeners[clip.id] for model in self.models) for clip in self.clips]
        rows = [np.array([row for row, own in enumerate(keys) if own == key]) for key in dict.fromkeys(keys)]
        return [group[start : start + _TOGETHER] for group in rows for start in range(0, len(group), _TOGETHER)]

    def _tasks(self, condition: Condition) -> list[Task]:
        tasks = []
        for group in self._groups:
            clips = [self.clips[row] for row in group]
            hearings = tuple(Hearing(clip.id, clip.path, self._backgrounds[clip.id].path) for clip in clips)
            files = tuple(model.files[model.listeners[clips[0].id]] for model in self.models)
            tasks.append(Task(condition, hearings, files, self._targets[:, group]))
        return tasks

    def _joined(self, parts: Sequence[Named]) -> Named:
        """What the tasks of a condition gave, in the order of `clips`."""
        order = np.argsort(np.concatenate(self._groups))
        return Named(*(np.concatenate(arrays, axis=1)[:, order] for arrays in zip(*parts, strict=True)))

    def _kept(self, condition: Condition) -> Path:
        return self.folder / _CONDITIONS / f"{condition[0]}-{condition[1]}.npz"

    def _keep(self, condition: Condition, named: Named) -> None:
        def save(part: Path) -> None:
            with part.open("xb") as handle:
                np.savez_compressed(handle, **named._asdict())

        write_with(self._kept(condition), save)

    def _line(self, condition: Condition, named: Named) -> str:
        """What a condition gave, for the log."""
        shares = (named.predictions == self._targets).mean(1)
        models = ", ".join(f"{model.name} {share:.1%}" for model, share in zip(self.models, shares, strict=True))
        return f"{condition[0]}{f' {condition[1]}' if condition[1] else ''}: {models}"

    def _assembled(self, number: int, conditions: Sequence[Condition]) -> ConditionPredictions:
        """What was measured of a model."""
        model = self.models[number]
        rows: list[Named] = []
        for condition in conditions:
            try:
                with np.load(self._kept(condition), allow_pickle=False) as kept:
                    rows.append(Named(*(kept[name][number] for name in Named._fields)))
            except Exception as error:  # numpy and zipfile raise half a dozen kinds
                raise DataError(f"{self._kept(condition)} is damaged: remove it, and measure again") from error
        predictions, *shares = (np.stack(arrays) for arrays in zip(*rows, strict=True))
        single = len(model.files) == 1
        meta = model.metas[0]
        return ConditionPredictions(
            Measured(
                suite=VERSION,
                model=model.name,
                digest=model.digest,
                dataset=self.dataset.name,
                part=model.part,
                temperatures=tuple(meta.calibration.parameters["temperature"] for meta in model.metas),
                known_score=meta.known_score.name,
                threshold=meta.known_score.threshold if single else None,
                run=model.run,
                sampled=self.sampled,
                environment=environment(),
            ),
            tuple(clip.id for clip in self.clips),
            tuple(clip.group for clip in self.clips),
            model.labels,
            self._targets[number],
            np.array([0 if single else model.listeners[clip.id] + 1 for clip in self.clips], np.int64),
            tuple(conditions),
            predictions,
            *(share.astype(np.float16) for share in shares),
        )


def backgrounds(clips: Sequence[Clip], dataset: Dataset) -> dict[str, Clip]:
    """By clip id, the clip that lies under it: of the same fold and another class, drawn by a digest of its id.

    A dataset with one class has none to draw; there a clip lies under itself.
    """
    drawn = {}
    for clip in clips:
        others = [other for other in dataset.originals if other.fold == clip.fold and other.label != clip.label]
        number = int(digest("ESC-50-C", str(VERSION), "background", clip.id), 16)
        drawn[clip.id] = others[number % len(others)] if others else clip
    return drawn


def conditions_of(names: Sequence[str]) -> tuple[Condition, ...]:
    """The conditions of those names, as "reverb" or "reverb-3"; all if there are none.

    Raises UsageError for a name that there is not.

    >>> conditions_of(["excerpt", "reverb-3"])
    (('reverb', 3), ('excerpt', 1), ('excerpt', 2), ('excerpt', 3))
    """
    known = {name for condition in CONDITIONS for name in (condition[0], "-".join(map(str, condition)))}
    if unknown := [name for name in names if name not in known]:
        raise UsageError(
            f"no condition is called {unknown[0]!r}: they are {', '.join(dict(CONDITIONS))}, or one severity, as"
            f" {'-'.join(map(str, CONDITIONS[0]))}"
        )
    asked = set(names)
    return tuple(
        (name, severity) for name, severity in CONDITIONS if not asked or name in asked or f"{name}-{severity}" in asked
    )
