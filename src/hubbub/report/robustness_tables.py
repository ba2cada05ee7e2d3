"""How models stand a corruption suite, as tables: for the terminal, as Markdown, as CSV and as JSON values."""

import math
from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hubbub.formatting import UNKNOWN, count, percent, points, printable, span
from hubbub.runs.robustness import MIDDLE, Robustness, difference

COLUMNS = ("model", "corruption", "severity", "clips", "accuracy", "log_loss", "calibration_error", "kept")
_SEEN = "*"  # behind a figure of a corruption whose kind training heard


def overview(models: Sequence[Robustness]) -> Group:
    """For the terminal: one model severity by severity, several side by side; 80 columns hold five."""
    table = _one(models[0]) if len(models) == 1 else _several(models)
    return Group(table, *(Text(printable(line)) for line in sentences(models)))


def sentences(models: Sequence[Robustness]) -> list[str]:
    """What the tables come to, a line for each model, one for each difference from the first, and what was measured."""
    lines = []
    for model in models:
        line = f"{model.name}: clean {percent(model.clean.accuracy, 2)}"
        if model.corruptions:
            mean = model.mean
            worst = (model.middle or model.accuracy)[model.worst]
            line += (
                f", mean corrupted {percent(mean.value, 2)} (95 % interval {span(mean[1:])});"
                f" worst {model.worst} {percent(worst)}"
            )
        lines.append(line)
    for model in models[1:]:
        if model.corruptions:
            change = difference(models[0], model)
            ends = f"{points(change.low, 1)} to {points(change.high, 1)}"
            lines.append(f"{model.name} against {models[0].name}: {points(change.value)} points of the mean ({ends})")
    measured, clips = models[0].predictions.measured, len(models[0].predictions.clips)
    of = f", a sample of {measured.sampled:,}" if measured.sampled else ""
    lines.append(f"ESC-50-C version {measured.suite} on {count(clips, 'clip')} of {measured.dataset}{of}")
    return lines


def _one(model: Robustness) -> Table:
    table = _table("corruption", *map(str, range(1, 6)), "mean", "log loss", "ECE", "kept")
    figures = model.conditions
    clean = [percent(model.clean.accuracy), f"{model.clean.log_loss:.2f}", *_shares(model.clean)]
    table.add_row("clean", *[""] * 5, *(cell.removesuffix(" %") for cell in clean))
    for name, rows in model.corruptions.items():
        cells = {figures[row].condition[1]: _cell(figures[row].accuracy) for row in rows}
        loss, error, kept = (
            float(np.mean([getattr(figures[row], field) for row in rows]))
            for field in ("log_loss", "calibration_error", "kept")
        )
        mean = _cell(model.accuracy[name]) + _mark(model, name)
        severities = [cells.get(severity, "") for severity in range(1, 6)]
        table.add_row(name, *severities, mean, f"{loss:.2f}", _cell(error), _cell(kept))
    return table


def _shares(figures: Any) -> list[str]:
    return [percent(figures.calibration_error), percent(figures.kept)]


def _several(models: Sequence[Robustness]) -> Table:
    table = _table("corruption", *(f"{printable(model.name)}\nmean   at {MIDDLE}" for model in models), justify="left")
    table.add_row("clean", *(_cell(model.clean.accuracy) for model in models))
    for name in models[0].corruptions:
        table.add_row(
            name, *(_pair(model.accuracy[name], model.middle.get(name), _mark(model, name)) for model in models)
        )
    if models[0].corruptions:
        table.add_row("mean", *(_pair(model.mean.value, _middle_mean(model)) for model in models))
    return table


def _pair(mean: float, middle: float | None, mark: str = "") -> str:
    """A mean over severities, and the figure at the middle one, in columns of one width."""
    return f"{_cell(mean)}{mark:1} {'' if middle is None else _cell(middle):>5}"


def _table(first: str, *others: str, justify: Literal["left", "right"] = "right") -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", padding=(0, 1, 0, 0))
    table.add_column(first, no_wrap=True)
    for heading in others:
        table.add_column(heading, justify=justify, overflow="fold")
    return table


def _cell(share: float) -> str:
    return f"{100 * share:.1f}"


def _mark(model: Robustness, name: str) -> str:
    return _SEEN if name in model.predictions.measured.seen else ""


def _middle_mean(model: Robustness) -> float | None:
    return float(np.mean(list(model.middle.values()))) if model.middle else None


def markdown(models: Sequence[Robustness]) -> str:
    """The models as rows of one Markdown table, and the corruptions as rows of another.

    Figures in per cent but for the log loss; those of corruptions whose kind training heard bear an asterisk.
    """
    lines = [
        "| model | clean | mean corrupted | 95 % interval | worst at 3 | log loss | ECE | kept | kept, clean |",
        "|---|--:|--:|--:|---|--:|--:|--:|--:|",
    ]
    for model in models:
        mean, worst = model.mean, model.worst
        loss, error, kept = (_mean_of(model, field) for field in ("log_loss", "calibration_error", "kept"))
        cells = [
            f"`{model.name}`",
            f"{100 * model.clean.accuracy:.2f}",
            f"**{100 * mean.value:.2f}**",
            f"{100 * mean.low:.1f}–{100 * mean.high:.1f}",
            f"{worst} {_cell(model.middle.get(worst, model.accuracy[worst]))}",
            *(f"{loss:.3f}", _cell(error), _cell(kept), _cell(model.clean.kept)),
        ]
        lines.append("| " + " | ".join(cells) + " |")
    lines += ["", "| corruption | " + " | ".join(f"`{model.name}`, mean | at 3" for model in models) + " |"]
    lines.append("|---|" + "--:|" * 2 * len(models))
    for name in models[0].corruptions:
        cells = []
        for model in models:
            middle = model.middle.get(name)
            cells += [_cell(model.accuracy[name]) + _starred(model, name), UNKNOWN if middle is None else _cell(middle)]
        lines.append(f"| {name} | " + " | ".join(cells) + " |")
    return "\n".join(lines)


def _starred(model: Robustness, name: str) -> str:
    return r"\*" if _mark(model, name) else ""


def _mean_of(model: Robustness, field: str) -> float:
    """Mean over corruptions of the mean over severities of a figure of conditions."""
    means = [np.mean([getattr(model.conditions[row], field) for row in rows]) for rows in model.corruptions.values()]
    return float(np.mean(means))


def rows(models: Sequence[Robustness]) -> list[list[Any]]:
    """For a CSV file with `COLUMNS`: a row for each model and condition."""
    table = []
    for model in models:
        for row in model.conditions:
            figures = (row.accuracy, row.log_loss, row.calibration_error, row.kept)
            table.append(
                [model.name, *row.condition, len(model.predictions.clips), *(f"{figure:.6g}" for figure in figures)]
            )
    return table


def to_dict(model: Robustness) -> dict[str, Any]:
    """All figures of a model as JSON values."""
    measured = model.predictions.measured
    mean = model.mean if model.corruptions else None
    return {
        "model": model.name,
        "suite": measured.suite,
        "dataset": measured.dataset,
        "part": measured.part,
        "clips": len(model.predictions.clips),
        "sampled": measured.sampled,
        "accuracy": model.clean.accuracy,
        "mean_corrupted_accuracy": mean and mean.value,
        "interval": mean and [mean.low, mean.high],
        "worst": model.worst if model.corruptions else None,
        "corruptions": {
            name: {"accuracy": model.accuracy[name], "at_severity_3": model.middle.get(name)}
            for name in model.corruptions
        },
        "conditions": [
            {
                "corruption": row.condition[0],
                "severity": row.condition[1],
                "accuracy": row.accuracy,
                "log_loss": row.log_loss,
                "calibration_error": row.calibration_error,
                "kept": row.kept,
                "kept_accuracy": None if math.isnan(row.kept_accuracy) else row.kept_accuracy,
            }
            for row in model.conditions
        ],
    }
