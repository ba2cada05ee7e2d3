"""Training from Python: one request in, one `Experiment` out, which trains, cross-validates and exports.

>>> from hubbub.studies.experiment import Experiment, export  # doctest: +SKIP
>>> experiment = Experiment.prepare(recipe="probe", dataset="esc50")  # doctest: +SKIP
>>> run = experiment.cross_validate()  # doctest: +SKIP
>>> run.metrics["test"]["accuracy"]  # doctest: +SKIP
0.9445
>>> export(run, "my-model.onnx")  # doctest: +SKIP
"""

import multiprocessing
import os
import sys
import threading
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np

from hubbub import audio
from hubbub.data import esc50, learnable, splits
from hubbub.data.dataset import Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import HubbubError, RefusedError
from hubbub.modelfile import ModelMeta
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, SplitRecord
from hubbub.runs.run import Run, require_folder_name
from hubbub.storage import cache_dir
from hubbub.studies import training_data
from hubbub.studies.training_data import to_stderr
from hubbub.train import crossval, fit, pretrained
from hubbub.train import export as exporter
from hubbub.train.arrays import RowSplit
from hubbub.train.callbacks import OnBatchEnd, ignore
from hubbub.train.config import Recipe
from hubbub.train.job import TrainingJob
from hubbub.types import Floats, Log, Progress, no_progress
from hubbub.workers import cores

RUNS = Path("runs")  #: where run folders lie, if nothing else is said
_LICENCES = {"esc50": "CC BY-NC 3.0, as ESC-50", "esc10": "CC BY 3.0, as ESC-10", "synthetic": "MIT"}
_COMPARED = 50  # clips on which the stacks must agree before a model file is written


@dataclass(frozen=True, kw_only=True)
class Experiment:
    """A recipe on a dataset, with everything loaded that training takes. Make one with `prepare`.

    Attributes:
        request: what `prepare` was asked for, without who watches.
        dataset: the clips.
        job: recipe, log-mels, trunk, seed and who watches.
    """

    request: Mapping[str, Any] = field(repr=False)
    dataset: Dataset
    job: TrainingJob

    @classmethod
    def prepare(
        cls,
        *,
        recipe: str,
        dataset: str | None = None,
        budget: str | None = None,
        split: str | None = None,
        overrides: Mapping[str, Any] | None = None,
        allow_leaky: bool = False,
        seed: int = 0,
        weights: Path | None = None,
        pictures: Path | None = None,
        strict: bool = False,
        command: str = "",
        log: Log = to_stderr,
        progress: Progress = no_progress,
        on_batch_end: OnBatchEnd = ignore,
    ) -> "Experiment":
        """Load recipe, dataset, weights and log-mels.

        Args:
            recipe: name of a recipe, or the path of a YAML file.
            dataset: a name or a folder, see `hubbub.data.sources`; esc50 if left out (synthetic for the budget quick).
            budget: one of the recipe's budgets.
            split: kind of split, instead of the recipe's. If nothing chooses one, and the dataset has no folds of its
                own, folds are made by source recording ("grouped").
            overrides: dotted keys of the recipe and their values, such as ``{"network.dropout": 0.3}``.
            allow_leaky: whether the split may be one whose test is not honest; all that it gives says LEAKY.
            seed: random seed.
            weights: file or folder of pretrained weights, instead of those that the recipe names.
            pictures: folder of PNG files that `hubbub features pictures` wrote, to train from.
            strict: whether a clip that cannot be read is an error; else it is left out, and `log` hears of it. ESC-50
                itself is always taken whole.
            command: what makes the runs again, for their records.
            log: hears what is left out, how the clips are split, how much of them is heard, and of each epoch.
            progress: shows long walks.
            on_batch_end: hears of each batch.

        Raises:
            UsageError: an unknown recipe, budget, dataset or key, or what makes no sense together; fewer than two
                classes, or a class whose recordings are too few.
            RefusedError: a leaky split that was not allowed; weights that cannot be had here.
            DataError, AudioError: a damaged dataset or clip.
        """
        request: dict[str, Any] = {"recipe": recipe, "budget": budget, "split": split, "overrides": overrides}
        request |= {"allow_leaky": allow_leaky, "seed": seed, "weights": weights, "pictures": pictures}
        request |= {"strict": strict}
        reference = dataset or ("synthetic" if budget == "quick" else "esc50")
        unreadable = training_data.Unreadable(log, strict)
        settings, clips = training_data.settle(request, reference, unreadable)
        trunk = pretrained.load(settings.network, settings.frontend.channels, seed, weights)
        arrays = training_data.clip_arrays(clips, settings, pictures, progress, unreadable)
        clips = unreadable.without(clips)
        job = TrainingJob(
            arrays=arrays,
            dataset=DatasetRecord(clips.name.removesuffix(f"+{clips.copies}"), clips.reference, clips.copies),
            recipe=settings,
            trunk=trunk,
            seed=seed,
            cache=cache_dir("frozen"),
            pictures=pictures is not None,
            unreadable=unreadable.reasons,
            command=command,
            log=log,
            progress=progress,
            on_batch_end=on_batch_end,
        )
        return cls(request=request | {"dataset": reference, "command": command}, dataset=clips, job=job)

    @property
    def recipe(self) -> Recipe:
        """The recipe as resolved."""
        return self.job.recipe

    def split(self, fold: int | None) -> splits.Split:
        """The split that tests `fold`; None for a rule without folds."""
        return splits.make(self.dataset, self.recipe.split, fold, self.recipe.validation)

    def rows(self, split: splits.Split) -> RowSplit:
        """A split of clip ids as rows of the arrays.

        Raises UsageError if a class has no training clip, or training has no clips to choose by.
        """
        learnable.require_learnable(self.dataset, split, choose=self.recipe.kind == "gradient")
        arrays = self.job.arrays
        train, validation, test = (arrays.rows(ids) for ids in (split.train, split.validation, split.test))
        if self.recipe.crop == "random":  # a row of each clip, which stands for all of its windows
            train = arrays.clips(train)
        return RowSplit(SplitRecord(split.kind, split.fold, leaky=split.leaky), train, validation, test)

    def run_folder(self, runs: Path = RUNS, name: str | None = None, fold: int | None = None) -> Run:
        """Where a run lies: as named, or named after what it is. Raises UsageError for a name with slashes."""
        require_folder_name(name)
        rule = self.recipe.split
        parts = [
            f"LEAKY-{rule.kind}" if rule.leaky else "",
            self.recipe.name,
            self.request["budget"] or "",
            self.dataset.name,
            "" if rule.leaky or rule.kind in ("official", "filename-regex") else rule.kind,
            "" if fold is None else f"fold{fold}",
            f"seed{self.job.seed}" if self.job.seed else "",
        ]
        return Run(runs / (name or "-".join(part for part in parts if part)))

    def train(self, fold: int | None = None, *, runs: Path = RUNS, name: str | None = None, fresh: bool = False) -> Run:
        """Train with one fold as the test; an interrupted run goes on where it was, a finished one is left as it is.

        Args:
            fold: the test fold; the first one if left out, and the split has folds.
            runs: folder of run folders.
            name: of the run folder; made from recipe, dataset and fold if left out.
            fresh: start over, and remove what the run folder holds.

        Raises UsageError for a fold that there is not, RefusedError if the folder holds a run of something else.
        """
        if fold is None and self.recipe.split.kind != "filename-regex":
            fold = 1
        target, rows = self.run_folder(runs, name, fold), self.rows(self.split(fold))
        if fresh:
            target.remove()
        return fit.run(self.job, rows, target)

    def train_split(self, split: splits.Split, target: Run) -> Run:
        """Train on a split of one's own into a run folder; see `train`."""
        return fit.run(self.job, self.rows(split), target)

    def predict(self, run: Run, clips: Sequence[str]) -> Predictions:
        """What the network of a finished run makes of those clips of the dataset, by their ids."""
        classifier, recipe = exporter.load_classifier(run)
        return fit.predict(classifier, self.job.arrays, self.job.arrays.rows(clips), recipe.frontend.channels)[0]

    def cross_validate(
        self, *, runs: Path = RUNS, name: str | None = None, final: bool = True, jobs: int = 1, fresh: bool = False
    ) -> Run:
        """Train on every fold of the split in turn, and join what was predicted; finished folds are kept.

        Args:
            runs: folder of run folders.
            name: of the run folder; made from recipe and dataset if left out.
            final: train the model for use as well, on all clips but the showcase's recordings; never if it leaks.
            jobs: folds that are trained side by side, each in a process of its own.
            fresh: start over, and remove what the run folder holds.

        Raises as `train`, and RefusedError if a fold fails.
        """
        folds = splits.fold_numbers(self.dataset, self.recipe.split)
        target, rows = self.run_folder(runs, name), {fold: self.rows(self.split(fold)) for fold in folds}
        if fresh:
            target.remove()
        if jobs > 1:
            crossval.begin(self.job, rows, target)
            _train_side_by_side(self, folds, target, jobs)
        run = crossval.cross_validate(self.job, rows, target)
        if final and not self.recipe.split.leaky:
            rest = splits.all_but(self.dataset, self.dataset.showcase, self.recipe.validation)
            crossval.final_model(self.job, self.rows(rest), run)
        return run


def export(run: Run | Path | str, path: Path | str, *, name: str | None = None) -> ModelMeta:
    """Write a run's model file, if torch and the listening stack agree on it.

    Args:
        run: of `train` or `cross_validate`, or its folder.
        path: of the .onnx file.
        name: of the model; the run folder's if left out.

    Raises RefusedError if the run is not finished, or the stacks disagree; nothing is written then.
    """
    opened = run if isinstance(run, Run) else Run.open(Path(run))
    licence = _LICENCES.get(opened.record.dataset.name, "that of its training sounds")
    leaky = "LEAKY " if opened.leaky else ""
    return exporter.export(opened, Path(path), _sample_sounds, leaky + (name or opened.folder.resolve().name), licence)


def _sample_sounds(rate: int, seconds: float) -> list[Floats]:
    """Real clips, evenly over ESC-50, to compare the stacks on; made ones where ESC-50 is not at hand."""
    try:
        clips = esc50.load().clips
        sounds = [audio.read(clip.path, rate)[0] for clip in clips[:: len(clips) // _COMPARED][:_COMPARED]]
    except esc50.MissingDatasetError:
        labels = synthetic.LABELS
        sounds = [synthetic.make(labels[index % len(labels)], index, rate) for index in range(_COMPARED)]
    length = round(rate * seconds)
    return [np.pad(sound[:length], (0, max(0, length - len(sound)))) for sound in sounds]


def _train_side_by_side(experiment: Experiment, folds: Sequence[int], target: Run, jobs: int) -> None:
    """Train every fold that is not finished in a process of its own, `jobs` at a time; the cores are shared out.

    If one fails, the others are ended, what they finished is kept, and RefusedError says which it was.
    """
    todo = [fold for fold in folds if not target.child(f"fold{fold}").finished]
    context = multiprocessing.get_context("spawn")
    threads = max(1, cores() // jobs)
    running: list[Any] = []

    def train(fold: int) -> int:
        receiver, sender = context.Pipe(duplex=False)
        work = (dict(experiment.request), fold, target.folder, threads, sender)
        process = context.Process(target=_train_fold, args=work)
        with _SPAWNING:  # numeric libraries read these when they are imported, before any of our own lines run
            os.environ.update(OMP_NUM_THREADS=str(threads), MKL_NUM_THREADS=str(threads))
            process.start()
        running.append(process)
        sender.close()  # so that the lines end when the process does
        with suppress(EOFError):
            while True:
                experiment.job.log(f"fold {fold}: {receiver.recv()}")
        process.join()
        return int(process.exitcode or 0)

    before = {name: os.environ.get(name) for name in ("OMP_NUM_THREADS", "MKL_NUM_THREADS")}
    with ThreadPoolExecutor(jobs) as pool:
        try:
            for fold, code in zip(todo, pool.map(train, todo), strict=True):
                if code:
                    raise RefusedError(f"fold {fold} failed (exit code {code}); its last lines say why")
        except BaseException:
            pool.shutdown(wait=False, cancel_futures=True)
            for process in running:
                process.terminate()
            raise
        finally:
            for name, value in before.items():
                os.environ.pop(name, None) if value is None else os.environ.update({name: value})


_SPAWNING = threading.Lock()


def _train_fold(request: Mapping[str, Any], fold: int, folder: Path, threads: int, lines: Any) -> None:
    """One fold of a cross-validation, in a process of its own; what there is to say goes into the pipe `lines`."""
    import torch

    torch.set_num_threads(threads)
    try:
        experiment = Experiment.prepare(**request, log=lambda line: None)  # the first process has said all that
        experiment = replace(experiment, job=replace(experiment.job, log=lines.send))
        experiment.train_split(experiment.split(fold), Run(folder).child(f"fold{fold}"))
    except HubbubError as error:
        lines.send(str(error))
        sys.exit(int(error.exit_code))
