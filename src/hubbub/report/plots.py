"""Pictures of a run, made from its folder alone: how it learnt, what it confuses, how strongly classes were changed."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import DataError
from hubbub.formatting import label, with_interval
from hubbub.report.figures import figure, name_of
from hubbub.runs import curves
from hubbub.runs.run import Run
from hubbub.types import Doubles

_RIGHT, _WRONG, _SIDE = "#1f5f8b", "#c8553d", "#8a8f98"  # blue, red, grey
_LONGEST = 32  # characters of a label


def draw_all(run: Run) -> list[Path]:
    """Draw what there is to draw of a finished run into its folder: `curves.png`, `confusion.png`, `strengths.png`.

    A cross-validation gets the confusion of all its test clips; each of its folds, and its final model, get the rest.
    Returns the pictures' paths. Raises RefusedError if matplotlib is not installed, DataError for a damaged table.
    """
    paths = []
    for part in curves.parts(run):
        for table, name, draw in (("epochs", "curves", plot_curves), ("strengths", "strengths", plot_strengths)):
            if (part.folder / f"{table}.csv").is_file():
                paths.append(part.folder / f"{name}.png")
                draw(part, paths[-1])
    if run.metrics["test"].get("confusion"):
        paths.append(run.folder / "confusion.png")
        plot_confusion(run, paths[-1])
    return paths


def plot_curves(run: Run, path: Path) -> None:
    """Losses, accuracies and learning rate over the epochs of all stages; the chosen epoch is marked.

    What an epoch trained on was augmented, and mixed where the recipe says so; what it validated on was not.

    Raises DataError if epochs.csv is missing, damaged or empty; else as `draw_all`.
    """
    learnt = curves.curves(run)
    columns = learnt.columns
    panels = 2 + ("lr" in columns)
    with figure(path, 9, 2.2 + 1.7 * panels) as drawing:
        axes = drawing.subplots(panels, 1, sharex=True, height_ratios=[2.0, 1.4, 0.8][:panels])
        epochs = np.arange(1, len(learnt.names) + 1)
        marker = "o" if len(epochs) == 1 else ""
        axes[0].plot(epochs, columns["train_loss"], color=_SIDE, marker=marker, label="training, as augmented")
        axes[0].plot(epochs, columns["val_loss"], color=_RIGHT, marker=marker, label="validation")
        axes[0].set_ylabel("loss")
        if "train_accuracy" in columns:
            axes[1].plot(epochs, 100 * columns["train_accuracy"], color=_SIDE, marker=marker)
        axes[1].plot(epochs, 100 * columns["val_accuracy"], color=_RIGHT, marker=marker)
        axes[1].set_ylabel("accuracy [%]" if "train_accuracy" in columns else "validation\naccuracy [%]")
        if "lr" in columns:
            axes[2].plot(epochs, columns["lr"], color=_SIDE, marker=marker, drawstyle="steps-mid")
            axes[2].set_ylabel("learning rate")
            if (columns["lr"] > 0).all():
                ticks = rate_ticks(columns["lr"])
                axes[2].set_yscale("log")
                axes[2].set_yticks([], minor=True)
                axes[2].set_yticks(ticks, [f"{rate:.2g}" for rate in ticks])
        axes[-1].set_xlabel("epoch")
        axes[-1].xaxis.get_major_locator().set_params(integer=True)
        axes[0].margins(x=0.01)
        _divide(axes, learnt.stages)
        _mark(axes, learnt)
        axes[0].legend(loc="lower left", bbox_to_anchor=(0, 1.05), ncols=3, frameon=False, borderpad=0)
        _title(drawing, run, "how it learnt")


def plot_confusion(run: Run, path: Path) -> None:
    """Which classes the test clips of each class were named after; colours are shares of the true class.

    Raises DataError if the run was not tested; else as `draw_all`.
    """
    test, labels = run.metrics["test"], [name_of(label(name), _LONGEST) for name in run.record.labels]
    counts = np.array(test.get("confusion") or 0)
    if counts.shape != (len(labels), len(labels)):
        raise DataError(f"{run.folder} has no confusion matrix of its classes: it was tested on nothing")
    shares = counts / np.maximum(counts.sum(1, keepdims=True), 1)
    side = max(4.0, 1.2 + 0.25 * len(labels))
    with figure(path, side + 2.4, side + 0.8) as drawing:
        drawing.set_layout_engine("compressed")  # the squares are to stay squares
        axes = drawing.subplots()
        _squares(drawing, axes, shares)
        for row, column in zip(*np.nonzero(counts), strict=True):
            colour = "white" if shares[row, column] > (0.6 if row == column else 0.14) else "black"
            axes.text(column, row, str(counts[row, column]), ha="center", va="center", fontsize=8, color=colour)
        places = np.arange(len(labels))
        axes.set_xticks(places, labels, rotation=90)
        axes.set_yticks(places, labels)
        axes.set_xticks(places - 0.5, minor=True)
        axes.set_yticks(places - 0.5, minor=True)
        axes.grid(which="minor", color="#e9ebee", linewidth=0.5)
        axes.tick_params(which="both", length=0, labelsize=9)
        axes.set(xlabel="predicted as", ylabel="true class")
        _recalls(axes, shares.diagonal(), counts.sum(1))
        wrong = f"{counts.sum() - np.trace(counts):,} of {counts.sum():,} test clips wrong"
        _title(drawing, run, f"{wrong}\naccuracy {with_interval(test['accuracy'], test['interval'])}")


def plot_strengths(run: Run, path: Path) -> None:
    """How strongly the augmentation of each class was set in each epoch, from `strengths.csv`.

    Raises DataError if the table is missing, damaged or empty; else as `draw_all`.
    """
    table = curves.strengths(run)
    labels, values, epochs = table.labels, table.values, table.values.shape[1]
    with figure(path, max(6.0, min(14.0, 3.5 + 0.16 * epochs)), max(3.0, 1.4 + 0.2 * len(labels))) as drawing:
        axes = drawing.subplots()
        extent = (0.5, epochs + 0.5, len(labels) - 0.5, -0.5)
        image = axes.imshow(values, cmap="viridis", aspect="auto", extent=extent, interpolation="nearest")
        axes.set_yticks(np.arange(len(labels)), [name_of(label(name), _LONGEST) for name in labels], fontsize=9)
        axes.tick_params(axis="y", length=0)
        axes.xaxis.get_major_locator().set_params(integer=True)
        axes.set_xlabel("epoch")
        drawing.colorbar(image, ax=axes, label="strength of augmentation", shrink=0.6, aspect=30)
        _title(drawing, run, "how strongly each class was augmented")


def rate_ticks(rates: Doubles) -> list[float]:
    """Marks of a logarithmic axis of learning rates: 1, 2 and 5 times powers of ten, or the two ends if these are few.

    >>> rate_ticks(np.array([1e-3, 2e-4])), rate_ticks(np.array([9e-4, 6e-4]))
    ([0.0002, 0.0005, 0.001], [0.0006, 0.0009])
    """
    low, high = float(rates.min()), float(rates.max())
    powers = range(int(np.floor(np.log10(low))), int(np.ceil(np.log10(high))) + 1)
    factors = (1,) if len(powers) > 4 else (1, 2, 5)
    round_ones = [float(f"{factor}e{power}") for power in powers for factor in factors]
    ticks = [rate for rate in round_ones if low * 0.999 <= rate <= high * 1.001]
    return ticks if len(ticks) > 1 else sorted({low, high})


def _divide(axes: Any, stages: Sequence[str]) -> None:
    """A thin line between stages, and plain panels."""
    starts = [index for index, stage in enumerate(stages) if not index or stage != stages[index - 1]]
    for panel in axes:
        panel.spines[["top", "right"]].set_visible(False)
        panel.grid(axis="y", color="#e9ebee", linewidth=0.8)
        panel.set_axisbelow(True)
        for start in starts[1:]:
            panel.axvline(start + 0.5, color=_SIDE, linewidth=0.8)
    if len(starts) > 1:
        for start in starts:  # the later ones are numbers only: there may be little room
            text = stages[start] if start else f"stage {stages[start]}"
            _beside(axes[0], text, (start + 0.5, 1.0), ("data", "axes fraction"), va="bottom", color=_SIDE)


def _mark(axes: Any, learnt: curves.Curves) -> None:
    """The chosen epoch: a dashed line, dots on loss and accuracy, and their values in the legend."""
    chosen = learnt.chosen
    if chosen is None:
        return
    loss, accuracy = learnt.columns["val_loss"][chosen], 100 * learnt.columns["val_accuracy"][chosen]
    for panel in axes:
        panel.axvline(chosen + 1, color=_WRONG, linewidth=1.0, linestyle=(0, (4, 3)), zorder=1)
    text = f"chosen: epoch {learnt.names[chosen]} (loss {loss:.3f}, accuracy {accuracy:.1f} %)"
    axes[0].plot(chosen + 1, loss, "o", color=_WRONG, label=text)
    axes[1].plot(chosen + 1, accuracy, "o", color=_WRONG)


def _squares(drawing: Any, axes: Any, shares: Doubles) -> None:
    """The right ones of each class in blue, the wrong ones in red on a scale of their own."""
    diagonal = np.eye(len(shares), dtype=bool)
    right = np.ma.masked_where(~diagonal, shares)
    wrong = np.ma.masked_where(diagonal | (shares == 0), shares)
    blue = axes.imshow(right, cmap="Blues", vmin=0, vmax=1)
    red = axes.imshow(wrong, cmap="OrRd", vmin=-0.03, vmax=0.25)
    for image, name, extend in ((blue, "right", "neither"), (red, "wrong", "max")):
        bar = drawing.colorbar(image, ax=axes, shrink=0.32, aspect=22, pad=0.015, extend=extend, label=name)
        bar.ax.yaxis.set_major_formatter(lambda value, _: f"{value:.0%}")
        bar.ax.set_ylim(0, None)
        bar.outline.set_visible(False)


def _recalls(axes: Any, recalls: Doubles, clips: Any) -> None:
    """Each class's recall, at the right end of its row."""
    for row, (recall, count) in enumerate(zip(recalls, clips, strict=True)):
        text = f"{recall:.0%}" if count else "–"
        _beside(axes, text, (1.0, row), ("axes fraction", "data"), va="center", color=_RIGHT)


def _beside(axes: Any, text: str, position: tuple[float, float], units: tuple[str, str], **style: str) -> None:
    """Small text just right of a position; `units` are those of its two coordinates."""
    axes.annotate(text, position, xycoords=units, xytext=(4, 0), textcoords="offset points", fontsize=8, **style)


def _title(drawing: Any, run: Run, text: str) -> None:
    """Name, dataset and split of the run over the picture; a leaky split is shouted about."""
    head = f"{name_of(run.name)}: {name_of(str(run.record.dataset))}, {name_of(str(run.record.split))}\n{text}"
    if run.leaky:
        head = f"LEAKY SPLIT: the figures are too good to be true\n{head}"
    drawing.suptitle(head, x=0.01, ha="left", fontsize=12, color="#b3261e" if run.leaky else "black")
