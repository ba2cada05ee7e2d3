"""A run's figures for the terminal."""

from typing import Any

import numpy as np
from rich.console import Group
from rich.table import Table
from rich.text import Text

from hubbub.evaluate.metrics import mistakes
from hubbub.formatting import count, duration, label, number, percent, points, printable, with_interval
from hubbub.runs import curves
from hubbub.runs.analysis import RunAnalysis
from hubbub.runs.comparison import pair
from hubbub.runs.run import Run

_WORST = 8


def overview(run: Run) -> Group:
    """Headline with interval, warnings, the three parts, the folds, the weakest classes, the most frequent mistakes."""
    record, metrics = run.record, run.metrics
    test = metrics["test"]
    seed = "" if record.seed is None else f", seed {record.seed}"
    lines = [Text(printable(f"{run.folder.name}: {record.dataset}, {record.split}{seed}"), style="bold")]
    lines += [Text(f"warning: {printable(line)}", style="yellow") for line in warnings(run)]
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
    lines.append(Text(printable(", ".join([*trained, f"{machine}, commit {commit}"])), style="dim"))
    note = [Text(checkpoint_note(run), style="dim")] if checkpoint_note(run) else []
    return Group(*lines, _parts(metrics), *note, _weakest(test), _confused(test))


def warnings(run: Run) -> list[str]:
    """What training warned of, a line each; of a cross-validation, what its folds did, and the name of each."""
    lines = list(run.record.outcome.get("warnings", ()))
    for fold in run.folds:
        if fold.finished:
            lines += [f"{fold.folder.name}: {line}" for line in fold.record.outcome.get("warnings", ())]
    return lines


def checkpoint_note(run: Run) -> str:
    """Of what the losses of the parts are, for a run that was trained in epochs; empty for others.

    The training loss that is printed and plotted by epoch is another: of clips as they were augmented, mixed and
    smoothed while the network changed.
    """
    trained = [part for part in curves.parts(run) if (part.folder / "epochs.csv").is_file()]
    if not trained:
        return ""
    learnt = curves.curves(trained[0]) if len(trained) == 1 else None
    epoch = f" (epoch {learnt.names[learnt.chosen]})" if learnt and learnt.chosen is not None else ""
    return (
        f"train, validation and test: the chosen checkpoint{epoch} on clips as they are; the training loss of an epoch "
        "is of clips as augmented, and higher"
    )


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
    return Text("lowest recall: " + ", ".join(f"{_name(name)} {percent(known[name], 0)}" for name in worst))


def _confused(test: dict[str, Any]) -> Text:
    counts = np.array(test["confusion"])
    wrong = int(counts.sum() - np.trace(counts))
    if not wrong:
        return Text("no clip wrong")
    labels, rows = tuple(test["recall"]), mistakes(counts, _WORST)
    pairs = ", ".join(f"{_name(labels[true])} -> {_name(labels[predicted])} {clips}" for true, predicted, clips in rows)
    return Text(f"{wrong} of {counts.sum()} clips wrong; most often, true -> predicted: {pairs}")


def _name(text: str) -> str:
    return printable(label(text))


def _unknown(unknown: dict[str, Any]) -> str:
    rest = (
        f"; accuracy of the rest {with_interval(unknown['accuracy'], unknown['interval'])}"
        if unknown["interval"]
        else ""
    )
    return f"called unknown: {count(unknown['clips'], 'clip')} ({percent(unknown['share'])}){rest}"
