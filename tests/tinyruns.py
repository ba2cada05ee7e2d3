"""Run folders as training leaves them, without any training: for tests of what reads them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.evaluate import summary
from hubbub.evaluate.calibration import softmax
from hubbub.runs import format1
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_json, write_text

LABELS = ("dog", "rain", "siren")
CLIPS = 30
WHOLE = "official folds 1 2 3 4 5"
STAGES = "name: tiny\nkind: gradient\nstages: [{epochs: 3}, {epochs: 2}]\n"
PROBE = "name: tiny-probe\nkind: probe\nc_grid: [0.1, 1.0]\n"


def write(
    folder: Path,
    split: str = WHOLE,
    dataset: str = "esc50",
    recipe: str = STAGES,
    epochs: Mapping[str, int] | None = None,
    seed: int = 0,
) -> Run:
    """A finished run.

    Args:
        folder: where to.
        split: as the run has it; of one that ends in "fold3", only that fold's clips are tested.
        dataset, recipe: what it trained on, and the text of its recipe.
        epochs: rows of epochs.csv, by the folder that holds it: "fold1", or "" for the run's own.
        seed: of its predictions, of which some are wrong.
    """
    kept = predictions(seed)
    if (fold := split.replace("-", " ").rpartition("fold")[2].strip()).isdigit():
        kept = only(kept, int(fold))
    kept.write(folder / "predictions.csv")
    groups = [clip.split("-")[1] for clip in kept.clips]
    rows = [[clip, "test", clip[0], "", group, ""] for clip, group in zip(kept.clips, groups, strict=True)]
    write_csv(folder / "clips.csv", ["clip", "part", "fold", "label", "recording", "samples"], rows)
    test = summary.full(kept.targets, kept.probabilities, groups, LABELS) if kept.clips else {"clips": 0}
    parts = {"train": {"clips": 24, "accuracy": 0.9, "loss": 0.1}, "test": test}
    none = {"clips": 0, "accuracy": None, "loss": None}
    write_json(folder / "metrics.json", parts | {"validation": none, "parameters": 1234})
    environment = {"machine": "Linux", "commit": "abc", "versions": {"numpy": "2.0"}}
    record(folder, split, dataset, environment=environment, seed=seed, labels=LABELS, outcome={"seconds": 90.0})
    write_text(folder / "recipe.yaml", recipe)
    for name, count in (epochs or {}).items():
        write_csv(folder / name / "epochs.csv", ["epoch"], [[number + 1] for number in range(count)])
    return Run.open(folder)


def predictions(seed: int = 0) -> Predictions:
    """Of thirty clips in five folds, two of each recording."""
    rng = np.random.default_rng(seed)
    targets = np.arange(CLIPS) % len(LABELS)
    probabilities = softmax(rng.normal(size=(CLIPS, len(LABELS))) + 2 * np.eye(len(LABELS))[targets])
    clips = tuple(f"{row % 5 + 1}-{1000 + row // 2}-A-{target}.wav" for row, target in enumerate(targets))
    return Predictions(LABELS, clips, np.arange(CLIPS) % 5 + 1, targets, probabilities).sorted()


def only(kept: Predictions, fold: int) -> Predictions:
    """Those of one fold."""
    rows = np.flatnonzero(kept.folds == fold)
    clips = tuple(kept.clips[row] for row in rows)
    return Predictions(kept.classes, clips, kept.folds[rows], kept.targets[rows], kept.probabilities[rows])


def planted(
    folder: Path, labels: Sequence[str], confusions: Mapping[tuple[str, str], int], each: int = 6, **facts: Any
) -> Run:
    """A finished run that names all clips right but those planted: (true class, what it was named) and how many.

    Its tables are written line by line, from names alone, so that no number of a class plays a part. Of each class
    there are `each` clips, named as "siren-03.wav", two of a recording; the first ones are the planted ones. A planted
    clip is 80 % sure, its true class has 15 %; a right one is 90 % sure. `facts` go into its record.
    """
    lines, clips = [], []
    for label in labels:
        named = [wrong for (true, wrong), count in confusions.items() if true == label for _ in range(count)]
        for number, name in enumerate([*named, *[label] * (each - len(named))]):
            shares = dict.fromkeys(labels, 0.0) | ({label: 0.15, name: 0.8} if name != label else {label: 0.9})
            clip = f"{label}-{number:02d}.wav"
            lines.append([clip, number % 2 + 1, label, name, *(shares[other] for other in labels)])
            clips.append([clip, "test", number % 2 + 1, label, f"{label}-{number // 2}", ""])
    write_csv(folder / "predictions.csv", ["clip", "fold", "label", "prediction", *labels], lines)
    write_csv(folder / "clips.csv", ["clip", "part", "fold", "label", "recording", "samples"], clips)
    kept = Predictions.read(folder / "predictions.csv")
    test = summary.full(kept.targets, kept.probabilities, [row[4] for row in clips], kept.classes)
    none = {"clips": 0, "accuracy": None, "loss": None}
    write_json(folder / "metrics.json", {"train": none, "validation": none, "test": test})
    dataset = facts.pop("dataset", "esc50")
    record(folder, facts.pop("split", "official-fold1"), dataset, labels=tuple(labels), **facts)
    return Run.open(folder)


def record(folder: Path, split: str, dataset: str, **fields: Any) -> None:
    """A finished run's about.json, of a split and a dataset as people write them: "official-fold1", "esc50+6143"."""
    parsed = format1.record({"split": split, "dataset": dataset}, {})
    made = replace(parsed, **{"seed": 0, "recipe": "tiny", "finished": True, "outcome": {"seconds": 90.0}} | fields)
    write_json(folder / "about.json", made.to_dict())


def changed(run: Run, **fields: Any) -> Run:
    """The run with other fields of its record; `split` and `dataset` as people write them."""
    parsed = format1.record({"split": str(run.record.split), "dataset": str(run.record.dataset)} | fields, {})
    if "split" in fields or "dataset" in fields:
        fields |= {"split": parsed.split, "dataset": parsed.dataset}
        fields.setdefault("kind", parsed.kind)
    write_json(run.folder / "about.json", replace(run.record, **fields).to_dict())
    return Run(run.folder)


def with_metrics(run: Run, metrics: Mapping[str, Any]) -> Run:
    """The run with other figures."""
    write_json(run.folder / "metrics.json", dict(metrics))
    return Run(run.folder)
