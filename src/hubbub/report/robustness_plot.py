"""Accuracy by severity as a picture: a small panel for each corruption, a line for each model."""

from collections.abc import Sequence
from pathlib import Path

from hubbub.report.figures import figure, name_of
from hubbub.runs.robustness import Robustness

#: Colours that everyone can tell apart (Okabe and Ito), as on pages.
COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7", "#b58900", "#56b4e9", "#7a5fb0", "#7f868f")
_ACROSS = 5


def plot(models: Sequence[Robustness], path: Path) -> None:
    """Draw models of which the same was measured. Raises RefusedError if matplotlib is not installed."""
    names = list(models[0].corruptions)
    down = max(1, -(-(len(names) + 1) // _ACROSS))
    with figure(path, 2.2 * _ACROSS, 2.0 * down + 0.4) as drawing:
        panels = drawing.subplots(down, _ACROSS, sharex=True, sharey=True, squeeze=False).ravel()
        for panel, name in zip(panels, names, strict=False):
            for number, model in enumerate(models):
                severities, accuracies = by_severity(model, name)
                colour = COLOURS[number % len(COLOURS)]
                panel.plot(severities, [100 * share for share in accuracies], color=colour, marker=".", linewidth=1.4)
            panel.set_title(name.replace("_", " "), fontsize=9)
            panel.grid(color="#e9ebee", linewidth=0.6)
            panel.set(ylim=(0, 100), xticks=range(6))
        for panel in panels[len(names) :]:
            panel.set_axis_off()
        for number, model in enumerate(models):
            panels[-1].plot([], [], color=COLOURS[number % len(COLOURS)], marker=".", label=name_of(model.name, 28))
        panels[-1].legend(loc="center", frameon=False, fontsize=9)
        drawing.supxlabel("severity; 0 is the clip as it is", fontsize=9)
        drawing.supylabel("accuracy [%]", fontsize=9)


def by_severity(model: Robustness, name: str) -> tuple[list[int], list[float]]:
    """Severities of a corruption, from 0, the clip as it is, and the accuracy at each."""
    figures = [model.conditions[row] for row in model.corruptions[name]]
    return [0, *(row.condition[1] for row in figures)], [model.clean.accuracy, *(row.accuracy for row in figures)]
