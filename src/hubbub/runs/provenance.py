"""Where a run came from, and the command that makes it again."""

import re
import shlex
from collections import Counter
from dataclasses import dataclass
from typing import Any

from hubbub.data.splits import LEAKY, PARTS
from hubbub.runs.analysis import Evidence, all_clips
from hubbub.runs.run import Run

_FOLD = re.compile(r"fold\s?(\d+)$")
_NAME = re.compile(r"^name: (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Part:
    """A part of the split: its clips (of a cross-validation, a fold's on average), and how well the run does there."""

    name: str
    clips: int
    accuracy: float | None
    loss: float | None


def parts(run: Run) -> list[Part]:
    """Training, validation and test, those that hold clips."""
    found = []
    for name in PARTS:
        figures = run.metrics.get(name) or {}
        if figures.get("clips"):
            found.append(Part(name, figures["clips"], figures.get("accuracy"), figures.get("loss")))
    return found


def folds(run: Run) -> list[dict[str, Any]]:
    """Of a cross-validation: each fold's name, clips, accuracy and interval; the last two are None if unknown."""
    found = []
    for name, accuracy in run.metrics.get("folds", {}).items():
        inner = run.child(name)
        test = inner.metrics["test"] if (inner.folder / "metrics.json").is_file() else {}
        shown = name.replace("fold", "fold ")
        found.append(
            {"name": shown, "accuracy": accuracy, "clips": test.get("clips"), "interval": test.get("interval")}
        )
    return found


def facts(found: Evidence) -> list[tuple[str, str]]:
    """What ran, where, on what, and for how long, for people; what is not on record is left out."""
    about, environment = found.about, found.about.get("environment", {})
    seconds = about.get("seconds")
    known = {
        "dataset": about.get("dataset"),
        "split": about.get("split"),
        "seed": about.get("seed"),
        "recipe": recipe_name(found.run),
        "model": about.get("model"),
        "left out, since the model has heard them": _clips(about.get("heard")),
        "left out, since they cannot be read": _clips(len(about["unreadable"]) if "unreadable" in about else None),
        "parameters": _thousands(found.run.metrics.get("parameters")),
        "time": None if seconds is None else duration(seconds),
        "time of listening": None if "listened" not in about else duration(about["listened"]),
        "machine": environment.get("machine"),
        "commit": environment.get("commit"),
        "Python": environment.get("python"),
        "16-bit training": None if "bf16" not in about else "yes" if about["bf16"] else "no",
        "C, chosen on training clips": about.get("c"),
    }
    versions = environment.get("versions", {})
    return [(name, str(value)) for name, value in (known | versions).items() if value is not None]


def trained_on(run: Run) -> dict[str, float]:
    """Training clips of each class that has some; of a cross-validation, a fold's on average."""
    clips = [row for row in all_clips(run) if row.get("part") == "train"]
    several = len(run.metrics.get("folds", {})) or 1
    return {label: count / several for label, count in Counter(row["label"] for row in clips).items()}


def recipe_text(run: Run) -> str:
    """The recipe as it was resolved; empty for a run without one."""
    path = run.folder / "recipe.yaml"
    return path.read_text(encoding="utf-8") if path.is_file() else ""


def recipe_name(run: Run) -> str | None:
    """What the recipe calls itself."""
    found = _NAME.search(recipe_text(run))
    return found[1] if found else None


def command(found: Evidence) -> list[str]:
    """Lines of a shell that make the run again, from its recipe.yaml; none if what ran is not on record."""
    about, (dataset, copies) = found.about, found.source
    if about.get("command"):
        return [str(about["command"])]
    if not recipe_text(found.run) or not dataset:
        return []
    seed = f"--seed {about.get('seed', 0)}"
    if (found.run.folder / "unseen.csv").is_file():  # a fold was put aside first, which only the study does
        return [f"hubbub leak-study {seed}"]
    lines = []
    if copies:
        lines.append(f"# COPIES: the folder in which `hubbub augment {dataset}` made {copies:,} copies")
    given = "COPIES" if copies else shlex.quote(dataset)
    words = [*_verb(found), f"--dataset {given}", seed, *(["--i-know-it-leaks"] if found.leaky else [])]
    return [*lines, " ".join(words)]


def _verb(found: Evidence) -> list[str]:
    """`cv` for a cross-validation, and for a model for use, which comes with one; `train` for one fold."""
    fold = _FOLD.search(found.split.removeprefix(LEAKY))
    if "folds" in found.run.metrics or found.split.startswith("all"):
        return ["hubbub cv recipe.yaml"]
    return ["hubbub train recipe.yaml", *([f"--fold {fold[1]}"] if fold else [])]


def duration(seconds: float) -> str:
    """A time for people.

    >>> duration(42.4), duration(1260.2), duration(9000)
    ('42 s', '21.0 min', '2.5 h')
    """
    if seconds < 60:
        return f"{seconds:.0f} s"
    return f"{seconds / 60:.1f} min" if seconds < 7200 else f"{seconds / 3600:.1f} h"


def _clips(number: int | None) -> str | None:
    return f"{number:,} clips" if number else None


def _thousands(number: int | None) -> str | None:
    return None if number is None else f"{number:,}"
