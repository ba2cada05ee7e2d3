"""A run's figures for the terminal."""

from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hubbub.formatting import count, duration, label, number, percent, points, with_interval
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import pair
from hubbub.runs.run import Run

_WORST = 8


def overview(run: Run) -> Group:
    """Headline with interval, the three parts, the folds, the weakest classes, the most confused pairs."""
    record, metrics = run.record, run.metrics
    test = metrics["test"]
    seed = "" if record.seed is None else f", seed {record.seed}"
    lines = [Text(f"{run.folder.name}: {record.dataset}, {record.split}{seed}", style="bold")]
    if not test["clips"]:
        return Group(*lines, Text("a model for use: it was tested on nothing"))
    lines.append(
        Text(f"accuracy {with_interval(test['accuracy'], test['interval'])}, macro F1 {percent(test['macro_f1'], 2)}")
    )
    if "folds" in metrics:
        lines.append(Text("folds " + "  ".join(f"{100 * value:.2f}" for value in metrics["folds"].values())))
    if "unknown" in metrics:
        lines.append(Text(_unknown(metrics["unknown"])))
    trained = []
    if "parameters" in metrics:
        trained = [count(metrics["parameters"], "parameter"), duration(record.outcome["seconds"])]
    machine, commit = (record.environment.get(name) or "unknown" for name in ("machine", "commit"))
    lines.append(Text(", ".join([*trained, f"{machine}, commit {commit}"]), style="dim"))
    return Group(*lines, _parts(metrics), _weakest(test), _confused(test))


def comparison(first: Run, second: Run) -> Text:
    """How the second run's accuracy differs from the first's, on the clips that both predicted.

    Raises DataError if there are none, or the labels differ.
    """
    pairing = pair(RunAnalysis.of(first), RunAnalysis.of(second))
    change, verdict = pairing.change, "" if pairing.shown else "; the interval holds 0: no difference is shown"
    return Text(
        f"{second.folder.name} against {first.folder.name}, {count(pairing.clips, 'clip')}: {points(change.value)} "
        f"points (95 % interval {points(change.low)} to {points(change.high)}, paired by recording{verdict})"
    )


def _parts(metrics: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("part", "clips", "accuracy", "loss"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for name in ("train", "validation", "test"):
        part = metrics[name]
        if part["clips"]:
            table.add_row(name, number(part["clips"]), percent(part["accuracy"], 2), number(part["loss"], 3))
    return table


def _weakest(test: dict[str, Any]) -> Text:
    known = {name: value for name, value in test["recall"].items() if value is not None}
    worst = sorted(known, key=known.__getitem__)[:_WORST]
    return Text("lowest recall: " + ", ".join(f"{label(name)} {percent(known[name], 0)}" for name in worst))


def _confused(test: dict[str, Any]) -> Text:
    counts = np.array(test["confusion"])
    wrong = int(counts.sum() - np.trace(counts))
    pairs = ", ".join(f"{' / '.join(map(label, item['pair']))} {item['clips']}" for item in test["confused"][:_WORST])
    return Text(f"{wrong} of {counts.sum()} clips wrong; most confused: {pairs}" if wrong else "no clip wrong")


def _unknown(unknown: dict[str, Any]) -> str:
    rest = (
        f"; accuracy of the rest {with_interval(unknown['accuracy'], unknown['interval'])}"
        if unknown["interval"]
        else ""
    )
    return f"called unknown: {count(unknown['clips'], 'clip')} ({percent(unknown['share'])}){rest}"
