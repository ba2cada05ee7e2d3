"""The page of one run: what it found, where it errs and how that sounds, how it learnt, and how to make it again."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import UsageError
from hubbub.evaluate.calibration import Bin, calibration_error
from hubbub.evaluate.metrics import confused_pairs
from hubbub.listen.classifier import load
from hubbub.report import why
from hubbub.report.playlist import PICTURES, Shelf, Track, worth_hearing
from hubbub.runs import curves, provenance
from hubbub.runs.analysis import MOST_LISTED, RunAnalysis
from hubbub.runs.run import Run
from hubbub.web import page
from hubbub.web.sounds import Sounds

_PAIRS = 12
Listing = list[dict[str, Any]]


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
    track: Callable[[str], Track] = lambda _: iter,
) -> Written:
    """Write the page of a run, whole or not at all.

    Args:
        path: of the page.
        run: a training, a cross-validation or an evaluation.
        dataset: where its sounds are, if not where the run says; see `hubbub.data.sources`.
        model: a model file that is asked why; the one in the run's folder, if any, if left out.
        explained: ids of clips that it is asked about; its most confident mistakes if left out.
        jobs: processes that encode sounds.
        track: names a step; what it returns shows its progress.

    Raises DataError for a damaged run, RefusedError if the extra "report" is not installed, UsageError for `explained`
    without a model, or not in the dataset, ModelFileError for a damaged model, what `open_dataset` does for a `dataset`
    that is given.
    """
    page.require()
    found = RunAnalysis.of(run)
    shelf, sounds = Shelf.find(found, dataset), Sounds()
    reasons = _reasons(found, shelf, why.model_of(run.folder, model), explained, track)
    shown = [one["clip"] for one in reasons["explained"]] if reasons else []
    shelf.put(dict.fromkeys([*shown, *worth_hearing(found)]), sounds, jobs, track("sounds"))
    given = {**content(found), "why": reasons, "notes": notes(found, shelf, sounds)}
    page.write(path, "run.html", found.name, data(found, shelf), sounds, **given)
    return Written(path.stat().st_size, len(sounds), shelf.problem)


def _reasons(
    found: RunAnalysis, shelf: Shelf, model: Path | None, named: Sequence[str], track: Callable[[str], Track]
) -> dict[str, Any] | None:
    """The model, and what it goes by in each clip; None without a model, or without a clip to ask about."""
    if model is None:
        if named:
            raise UsageError("only a model file can be asked why: give --model, or `hubbub export` the run first")
        return None
    classifier, clips = load(model), why.chosen(found, shelf, named)
    if not clips:
        return None
    record = classifier.meta.training
    recorded = bool(record.clips or record.recordings or record.samples)
    explained = why.explain(classifier, found, clips, track("asking why"))
    return {"model": classifier.meta.name, "recorded": recorded, "chosen": bool(named), "explained": explained}


def content(found: RunAnalysis) -> dict[str, Any]:
    """What the template shows."""
    run = found.run
    return {
        "found": found,
        "test": found.test,
        "right": len(found.predictions.clips) - found.wrong,
        "folds": provenance.folds(run),
        "unknown": run.metrics.get("unknown"),
        "parts_of": provenance.parts(run),
        "trained_on": provenance.trained_on(run),
        "pairs": pairs(found),
        "widths": calibration_error(found.bins("width")) if found.test else None,
        "claimed": float(found.confidence.mean()) if found.test else None,
        "curves": bool(_curves(run)),
        "strengths": bool(_strengths(run)),
        "facts": dict(provenance.details(run)),
        "command": provenance.command(run),
        "recipe": provenance.recipe_text(run),
    }


def data(found: RunAnalysis, shelf: Shelf) -> dict[str, Any]:
    """What the page's scripts draw, as JSON values."""
    front = [found.predictions.clips[row] for row in found.ranked[: min(PICTURES, found.wrong)]]
    return {
        "matrix": found.matrix_data(),
        "clips": found.clip_data(),
        "pictures": shelf.pictures(front),
        "reliability": reliability_data(found.bins()) if found.test else [],
        "curves": _curves(found.run),
        "strengths": _strengths(found.run),
    }


def pairs(found: RunAnalysis) -> Listing:
    """The pairs of classes most often taken for each other, with how often each way."""
    number = {label: index for index, label in enumerate(found.labels)}
    rows = []
    for pair in confused_pairs(found.counts, found.labels, _PAIRS):
        one, two = (number[label] for label in pair["pair"])
        if found.counts[one, two] < found.counts[two, one]:
            one, two = two, one
        ways = int(found.counts[one, two]), int(found.counts[two, one])
        rows.append({"classes": (one, two), "labels": (found.labels[one], found.labels[two]), "ways": ways})
    return rows


def reliability_data(bins: Sequence[Bin]) -> Listing:
    """Bins for the script, from the least confident."""
    return [
        {
            "clips": one.clips,
            "claimed": round(one.confidence, 4),
            "kept": round(one.accuracy.value, 4),
            "low": round(one.accuracy.low, 4),
            "high": round(one.accuracy.high, 4),
        }
        for one in bins
    ]


def notes(found: RunAnalysis, shelf: Shelf, sounds: Sounds) -> list[str]:
    """What the reader must know about the sounds of the page, one sentence a line."""
    kept = found.predictions
    if not kept.clips:
        return []
    if shelf.problem:
        return [f"The dataset {shelf.dataset} is not on the machine that made this page: there is nothing to hear."]
    said = []
    missing = [name for name in kept.clips if name not in shelf.clips]
    if missing:
        said.append(
            f"{len(missing):,} of {len(kept.clips):,} tested clips are not in the dataset {shelf.dataset} as it is on"
            " the machine that made this page, and cannot be heard here: the option --dataset says where else they are."
        )
    wrong = [kept.clips[row] for row in found.ranked[: found.wrong]]
    if silent := [name for name in wrong if name in shelf.clips and name not in sounds]:
        said.append(f"Misclassified clips that do not decode, or had no room in this page: {len(silent):,}.")
    if changed := shelf.relabelled(found):
        said.append(f"Tested clips with another label in the dataset by now: {len(changed):,}, such as {changed[0]}.")
    if len(kept.clips) > MOST_LISTED:
        said.append(f"Of {len(kept.clips):,} tested clips {MOST_LISTED:,} are listed; all of them are counted.")
    return said


def _curves(run: Run) -> Listing:
    """Learning curves of each part of a run that has some."""
    parts = [part for part in curves.parts(run) if (part.folder / "epochs.csv").is_file()]
    return [curve_data(part.folder.resolve().name, curves.curves(part)) for part in parts]


def curve_data(name: str, found: curves.Curves) -> dict[str, Any]:
    """Curves for the script; a figure that is not a number is null."""
    columns = {key: _plain(values) for key, values in found.columns.items() if key not in ("stage", "epoch")}
    return {"name": name, "epochs": list(found.names), "stages": list(found.stages), "chosen": found.chosen, **columns}


def _strengths(run: Run) -> Listing:
    rows = []
    for part in curves.parts(run):
        if (part.folder / "strengths.csv").is_file():
            kept = curves.strengths(part)
            labels = [label.replace("_", " ") for label in kept.labels]
            values = [_plain(row) for row in kept.values]
            rows.append({"name": part.folder.resolve().name, "labels": labels, "values": values})
    return rows


def _plain(values: np.ndarray) -> list[float | None]:
    return [float(f"{value:.5g}") if math.isfinite(value) else None for value in values.tolist()]
