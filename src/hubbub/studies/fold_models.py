"""The models of a cross-validation as model files, each for the clips that it did not learn from.

Each fold's model is exported once. Its temperature is fitted on what the other folds predicted of their own clips, so
that no clip has a part in the scores that are reported of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Literal

import numpy as np

from hubbub import modelfile
from hubbub.errors import RefusedError
from hubbub.evaluate.calibration import fit_temperature
from hubbub.modelfile import Calibration, KnownScore
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import digest, file_sha256, temporary_folder
from hubbub.studies.experiment import export
from hubbub.studies.measured_model import MeasuredModel
from hubbub.types import Progress, no_progress

Part = Literal["test", "validation"]
#: How known scores are told for a fold's run; the threshold is set later, across folds.
KnownScoreOf = Callable[[Run], KnownScore]


def max_softmax(fold: Run) -> KnownScore:
    """The largest softmax, for any run."""
    return KnownScore("max_softmax", {}, 0.0)


def of_run(
    run: Run,
    folder: Path,
    part: Part = "test",
    known_score: KnownScoreOf = max_softmax,
    progress: Progress = no_progress,
) -> MeasuredModel:
    """The models of a run, or of the folds of a cross-validation, for the clips of a part of its split.

    A single run has no other folds to tell a threshold by: it calls nothing unknown.

    Args:
        run: finished.
        folder: where the model files are kept; what lies there already is not exported again.
        part: "test", or "validation" to choose on: of a clip that several folds have there, the first one hears it.
        known_score: how sounds of no class are told.
        progress: of the step "exporting".

    Raises:
        RefusedError: the run leaks, has no model, or no clips of that part.
    """
    folds = run.folds or [run]
    if run.leaky:
        raise RefusedError(f"{run.folder} was tested on recordings that it was trained on: its figures are not honest")
    if missing := [fold.folder for fold in folds if not (fold.folder / "model.pt").is_file()]:
        raise RefusedError(f"{missing[0]} holds no model.pt: `hubbub cv` and `hubbub train` leave one")
    listeners: dict[str, int] = {}
    for number, fold in enumerate(folds):
        for row in fold.clips:
            if row["part"] == part:
                listeners.setdefault(row["clip"], number)
    if not listeners:
        raise RefusedError(f"{run.folder} has no {part} clips: choose another --part, or another run")
    identity = digest(*(file_sha256(fold.folder / "model.pt") for fold in folds), known_score.__qualname__)
    files = []
    for number, fold in enumerate(progress("exporting")(folds)):
        files.append(folder / identity / f"{part}-{number + 1}.onnx")
        if not files[-1].is_file():
            own = {clip for clip, listener in listeners.items() if listener == number}
            _export(fold, files[-1], _temperature(folds, number, part, own), known_score(fold))
    return MeasuredModel(run.folder.resolve().name, tuple(files), listeners, identity, part, run.folder.resolve().name)


def _export(fold: Run, path: Path, temperature: float, known_score: KnownScore) -> None:
    """Write a fold's model file, with a temperature and a known score that owe nothing to the clips it will hear."""
    path.parent.mkdir(parents=True, exist_ok=True)
    with temporary_folder(path.parent) as temporary:
        exported = temporary / path.name
        meta = export(fold, exported, name=fold.name)
        calibration = Calibration("temperature", {"temperature": temperature})
        meta = replace(meta, calibration=calibration, known_score=known_score)
        modelfile.write(path, exported.read_bytes(), meta)


def _temperature(folds: Sequence[Run], number: int, part: Part, own: set[str]) -> float:
    """Fitted on what the other folds predicted of that part, but for a fold's `own` clips; 1 where there is none."""
    parts = [_predictions(fold, part) for other, fold in enumerate(folds) if other != number]
    if len(folds) == 1 and part == "test" and (folds[0].folder / "validation.csv").is_file():
        parts = [_predictions(folds[0], "validation")]
    rows = [np.array([clip not in own for clip in predictions.clips], bool) for predictions in parts]
    if not any(chosen.any() for chosen in rows):
        return 1.0
    targets = np.concatenate([predictions.targets[chosen] for predictions, chosen in zip(parts, rows, strict=True)])
    probabilities = np.concatenate(
        [predictions.probabilities[chosen] for predictions, chosen in zip(parts, rows, strict=True)]
    )
    return fit_temperature(targets, probabilities)


def _predictions(fold: Run, part: Part) -> Predictions:
    return fold.predictions if part == "test" else Predictions.read(fold.folder / "validation.csv")
