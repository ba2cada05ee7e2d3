"""A run's figures for the terminal."""

from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

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
        Text(f"accuracy {percent(test['accuracy'], test['interval'])}, macro F1 {100 * test['macro_f1']:.2f} %")
    )
    if "folds" in metrics:
        lines.append(Text("folds " + "  ".join(f"{100 * value:.2f}" for value in metrics["folds"].values())))
    if "unknown" in metrics:
        lines.append(Text(_unknown(metrics["unknown"])))
    trained = (
        [f"{metrics['parameters']:,} parameters", _minutes(record.outcome["seconds"])]
        if "parameters" in metrics
        else []
    )
    lines.append(Text(", ".join([*trained, _versions(record.environment)]), style="dim"))
    return Group(*lines, _parts(metrics), _weakest(test), _confused(test))


def percent(value: float, interval: list[float]) -> str:
    """A share with its interval, in per cent.

    >>> percent(0.942, [0.93, 0.953])
    '94.20 % (95 % interval 93.0 to 95.3)'
    """
    return f"{100 * value:.2f} % (95 % interval {100 * interval[0]:.1f} to {100 * interval[1]:.1f})"


def comparison(first: Run, second: Run) -> Text:
    """How the second run's accuracy differs from the first's, on the clips that both predicted.

    Raises DataError if there are none, or the labels differ.
    """
    found = pair(RunAnalysis.of(first), RunAnalysis.of(second))
    change, verdict = found.change, "" if found.shown else "; the interval holds 0: no difference is shown"
    return Text(
        f"{second.folder.name} against {first.folder.name}, {found.clips} clips: {100 * change.value:+.2f} points "
        f"(95 % interval {100 * change.low:+.2f} to {100 * change.high:+.2f}, paired by recording{verdict})"
    )


def _parts(metrics: dict[str, Any]) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim")
    for column in ("part", "clips", "accuracy", "loss"):
        table.add_column(column, justify="left" if column == "part" else "right")
    for name in ("train", "validation", "test"):
        part = metrics[name]
        if part["clips"]:
            table.add_row(name, str(part["clips"]), f"{100 * part['accuracy']:.2f} %", f"{part['loss']:.3f}")
    return table


def _weakest(test: dict[str, Any]) -> Text:
    known = {label: value for label, value in test["recall"].items() if value is not None}
    worst = sorted(known, key=known.__getitem__)[:_WORST]
    return Text("lowest recall: " + ", ".join(f"{label} {100 * known[label]:.0f} %" for label in worst))


def _confused(test: dict[str, Any]) -> Text:
    counts = np.array(test["confusion"])
    wrong = int(counts.sum() - np.trace(counts))
    pairs = ", ".join(f"{' / '.join(item['pair'])} {item['clips']}" for item in test["confused"][:_WORST])
    return Text(f"{wrong} of {counts.sum()} clips wrong; most confused: {pairs}" if wrong else "no clip wrong")


def _unknown(found: dict[str, Any]) -> str:
    rest = f"; accuracy of the rest {percent(found['accuracy'], found['interval'])}" if found["interval"] else ""
    return f"called unknown: {found['clips']:,} clips ({100 * found['share']:.1f} %){rest}"


def _minutes(seconds: float) -> str:
    return f"{seconds / 60:.1f} min" if seconds >= 60 else f"{seconds:.0f} s"


def _versions(environment: dict[str, Any]) -> str:
    return f"{environment.get('machine', 'unknown machine')}, commit {environment.get('commit') or 'unknown'}"
