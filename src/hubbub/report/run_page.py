"""The page of one run: what it found, where it errs and how that sounds, how it learnt, and how to make it again."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import UsageError
from hubbub.evaluate.calibration import Bin, calibration_error
from hubbub.evaluate.metrics import confused_pairs
from hubbub.formatting import label
from hubbub.listen.classifier import load
from hubbub.report import explanations
from hubbub.report.playlist import PICTURES, RIGHT_ONES, LocalClips, clips_to_hear
from hubbub.report.terminal import checkpoint_note, warnings
from hubbub.runs import curves, provenance
from hubbub.runs.analysis import MOST_LISTED, RunAnalysis
from hubbub.runs.run import Run
from hubbub.types import Progress, no_progress
from hubbub.web import images, page
from hubbub.web.sounds import Sounds

_PAIRS = 12
Rows = list[dict[str, Any]]


@dataclass(frozen=True)
class Written:
    """What a page came to: its size in bytes, the sounds in it, and why there are none, if so."""

    size: int
    sounds: int
    problem: str


def write(
    path: Path,
    run: Run,
    dataset: str | None = None,
    model: Path | None = None,
    explained: Sequence[str] = (),
    jobs: int = 1,
    progress: Progress = no_progress,
) -> Written:
    """Write the page of a run, whole or not at all.

    Args:
        path: of the page.
        run: a training, a cross-validation or an evaluation.
        dataset: where its sounds are, if not where the run says; see `hubbub.data.sources`.
        model: a model file that is asked why; the one in the run's folder, if any, if left out.
        explained: ids of clips that it is asked about; its most confident mistakes if left out.
        jobs: processes that encode sounds.
        progress: names a step, and shows how far it has come.

    Raises DataError for a damaged run, RefusedError if the extra "report" is not installed, UsageError for `explained`
    without a model, or not in the dataset, ModelFileError for a damaged model, what `open_dataset` does for a `dataset`
    that is given.
    """
    page.require()
    evidence = RunAnalysis.of(run)
    local, sounds = LocalClips.find(evidence, dataset), Sounds()
    why = _why(evidence, local, explanations.model_of(run.folder, model), explained, progress)
    explained_clips = [explanation["clip"] for explanation in why["explained"]] if why else []
    local.add_sounds(dict.fromkeys([*explained_clips, *clips_to_hear(evidence)]), sounds, jobs, progress("sounds"))
    shown = {**content(evidence), "why": why, "notes": notes(evidence, local, sounds), "warnings": warnings(run)}
    page.write(path, "run.html", evidence.name, data(evidence, local), sounds, **shown)
    return Written(path.stat().st_size, len(sounds), local.problem)


def _why(
    evidence: RunAnalysis, local: LocalClips, model: Path | None, names: Sequence[str], progress: Progress
) -> dict[str, Any] | None:
    """The model, and what it goes by in each clip; None without a model, or without a clip to ask about."""
    if model is None:
        if names:
            raise UsageError("only a model file can be asked why: give --model, or `hubbub export` the run first")
        return None
    classifier, clips = load(model), explanations.clips_to_explain(evidence, local, names)
    if not clips:
        return None
    record = classifier.meta.training
    return {
        "model": classifier.meta.name,
        "recorded": bool(record.clips or record.recordings or record.samples),
        "chosen": bool(names),
        "explained": explanations.explain(classifier, evidence, clips, progress("asking why")),
    }


def content(evidence: RunAnalysis) -> dict[str, Any]:
    """What the template shows."""
    run = evidence.run
    return {
        "evidence": evidence,
        "test": evidence.test,
        "right": len(evidence.predictions.clips) - evidence.wrong,
        "folds": provenance.folds(run),
        "unknown": run.metrics.get("unknown"),
        "parts": provenance.parts(run),
        "trained_on": provenance.trained_on(run),
        "pairs": pairs(evidence),
        "calibration_error_by_width": calibration_error(evidence.bins("width")) if evidence.test else None,
        "confidence": float(evidence.confidence.mean()) if evidence.test else None,
        "curves": bool(curve_rows(run)),
        "checkpoint": checkpoint_note(run),
        "strengths": bool(_strengths(run)),
        "facts": dict(provenance.details(run)),
        "command": provenance.command(run),
        "recipe": provenance.recipe_text(run),
    }


def data(evidence: RunAnalysis, local: LocalClips) -> dict[str, Any]:
    """What the page's scripts draw, as JSON values."""
    front = [evidence.predictions.clips[row] for row in evidence.ranked[: min(PICTURES, evidence.wrong)]]
    pictures, span = local.pictures(front)
    return {
        "matrix": evidence.matrix_data(),
        "clips": evidence.clip_data(),
        "pictures": pictures,
        "axes": images.axes(span),
        "mute": mute(local),
        "reliability": reliability_rows(evidence.bins()) if evidence.test else [],
        "curves": curve_rows(evidence.run),
        "strengths": _strengths(evidence.run),
    }


def pairs(evidence: RunAnalysis) -> Rows:
    """The pairs of classes most often taken for each other, with how often each way, the more frequent way first."""
    numbers = {name: index for index, name in enumerate(evidence.labels)}
    rows = []
    for pair in confused_pairs(evidence.counts, evidence.labels, _PAIRS):
        true, predicted = (numbers[name] for name in pair["pair"])
        if evidence.counts[true, predicted] < evidence.counts[predicted, true]:
            true, predicted = predicted, true
        rows.append(
            {
                "classes": (true, predicted),
                "labels": (evidence.labels[true], evidence.labels[predicted]),
                "counts": (int(evidence.counts[true, predicted]), int(evidence.counts[predicted, true])),
            }
        )
    return rows


def reliability_rows(bins: Sequence[Bin]) -> Rows:
    """Bins for the script, from the least confident."""
    return [
        {
            "clips": row.clips,
            "confidence": round(row.confidence, 4),
            "accuracy": round(row.accuracy.value, 4),
            "low": round(row.accuracy.low, 4),
            "high": round(row.accuracy.high, 4),
        }
        for row in bins
    ]


def curve_rows(run: Run) -> Rows:
    """Learning curves for the script, of each part of a run that has some; a figure that is not a number is null."""
    rows = []
    for part in curves.parts(run):
        if (part.folder / "epochs.csv").is_file():
            learnt = curves.curves(part)
            columns = {key: _finite(column) for key, column in learnt.columns.items() if key not in ("stage", "epoch")}
            epochs = {"epochs": list(learnt.names), "stages": list(learnt.stages), "chosen": learnt.chosen}
            rows.append({"name": part.folder.resolve().name, **epochs, **columns})
    return rows


def notes(evidence: RunAnalysis, local: LocalClips, sounds: Sounds) -> list[str]:
    """What the reader must know about the sounds of the page, one sentence a line."""
    clips = evidence.predictions.clips
    if not clips:
        return []
    if local.problem:
        return [f"The dataset {local.dataset} is not on the machine that made this page: there is nothing to hear."]
    lines = []
    missing = [name for name in clips if name not in local.clips]
    if missing:
        lines.append(
            f"{len(missing):,} of {len(clips):,} tested clips are not in the dataset {local.dataset} as it is on"
            " the machine that made this page, and cannot be heard here: the option --dataset says where else they are."
        )
    wrong = [clips[row] for row in evidence.ranked[: evidence.wrong]]
    if silent := [name for name in wrong if name in local.clips and name not in sounds]:
        lines.append(f"Misclassified clips that do not decode, or had no room in this page: {len(silent):,}.")
    if changed := local.relabelled(evidence):
        lines.append(f"Tested clips with another label in the dataset by now: {len(changed):,}, such as {changed[0]}.")
    if len(clips) > MOST_LISTED:
        lines.append(f"Of {len(clips):,} tested clips {MOST_LISTED:,} are listed; all of them are counted.")
    return lines


def mute(local: LocalClips) -> str:
    """Why a clip in a cell of the matrix may have no player."""
    if local.problem:
        return f"The dataset {local.dataset} is not on the machine that made this page."
    return (
        "Without a player: a clip that is not in the dataset here or does not decode, and of right ones all but the"
        f" {RIGHT_ONES} least confident of each class, which would make the page too heavy."
    )


def _strengths(run: Run) -> Rows:
    rows = []
    for part in curves.parts(run):
        if (part.folder / "strengths.csv").is_file():
            table = curves.strengths(part)
            labels, values = [label(name) for name in table.labels], [_finite(row) for row in table.values]
            rows.append({"name": part.folder.resolve().name, "labels": labels, "values": values})
    return rows


def _finite(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
