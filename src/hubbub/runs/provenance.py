"""Where a run came from, and the command that makes it again."""

import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hubbub.data.splits import PARTS
from hubbub.formatting import count, duration, number
from hubbub.runs.run import Run


@dataclass(frozen=True)
class Part:
    """A part of the split: its clips (of a cross-validation, a fold's on average), and how well the run does there."""

    name: str
    clips: int
    accuracy: float | None
    loss: float | None


def parts(run: Run) -> list[Part]:
    """Training, validation and test, those that hold clips."""
    parts = []
    for name in PARTS:
        figures = run.metrics[name]
        if figures["clips"]:
            parts.append(Part(name, figures["clips"], figures["accuracy"], figures["loss"]))
    return parts


def folds(run: Run) -> list[dict[str, Any]]:
    """Of a cross-validation: each fold's name, clips, accuracy and interval; the last two are None if unknown."""
    rows = []
    for name, accuracy in run.metrics.get("folds", {}).items():
        inner = run.child(name)
        test = inner.metrics["test"] if (inner.folder / "metrics.json").is_file() else {}
        shown = name.replace("fold", "fold ")
        rows.append({"name": shown, "accuracy": accuracy, "clips": test.get("clips"), "interval": test.get("interval")})
    return rows


def details(run: Run) -> list[tuple[str, str]]:
    """What ran, where, on what, and for how long, for people; what is not on record is left out."""
    record, outcome, environment = run.record, run.record.outcome, run.record.environment
    known = {
        "dataset": str(record.dataset),
        "split": str(record.split),
        "seed": record.seed,
        "recipe": record.recipe or run.recipe.get("name"),
        "model": record.model,
        "left out, since the model has heard them": count(outcome["heard"], "clip") if outcome.get("heard") else None,
        "left out, since they cannot be read": count(len(outcome["unreadable"]), "clip")
        if outcome.get("unreadable")
        else None,
        "parameters": number(run.metrics["parameters"]) if "parameters" in run.metrics else None,
        "time": None if "seconds" not in outcome else duration(outcome["seconds"]),
        "time of listening": None if "listened" not in outcome else duration(outcome["listened"]),
        "machine": environment.get("machine"),
        "commit": environment.get("commit"),
        "Python": environment.get("python"),
        "16-bit training": None if "bf16" not in outcome else "yes" if outcome["bf16"] else "no",
        "C, chosen on training clips": outcome.get("c"),
    }
    versions = environment.get("versions", {})
    return [(name, str(value)) for name, value in (known | versions).items() if value not in (None, "")]


def trained_on(run: Run) -> dict[str, float]:
    """Training clips of each class that has some; of a cross-validation, a fold's on average."""
    clips = [row for row in run.clips if row.get("part") == "train"]
    several = len(run.metrics.get("folds", {})) or 1
    return {label: count / several for label, count in Counter(row["label"] for row in clips).items()}


def recipe_text(run: Run) -> str:
    """The recipe as it was resolved; empty for a run without one."""
    return (run.folder / "recipe.yaml").read_text(encoding="utf-8") if run.recipe else ""


def command(run: Run) -> list[str]:
    """Lines of a shell that make the run again; none if what ran is not on record.

    Where the command itself is not on record, as for a run from Python, the lines start from the run's recipe.yaml.
    """
    record = run.record
    if record.command:
        return [record.command]
    if not recipe_text(run) or not record.dataset.name:
        return []
    copies, reference = record.dataset.copies, record.dataset.reference or record.dataset.name
    lines, dataset = [], shlex.quote(reference)
    if copies and reference == record.dataset.name:
        lines.append(f"# COPIES: the folder in which `hubbub augment {dataset}` made {copies:,} copies")
        dataset = "COPIES"
    several = record.kind == "cross-validation" or record.split.kind in ("all", "all-but-showcase")
    fold = [] if several or record.split.fold is None else ["--fold", str(record.split.fold)]
    leaky = ["--i-know-it-leaks"] if run.leaky else []
    words = ["hubbub", "cv" if several else "train", "recipe.yaml", *fold, "--dataset", dataset]
    return [*lines, " ".join([*words, "--seed", str(record.seed or 0), *leaky])]
