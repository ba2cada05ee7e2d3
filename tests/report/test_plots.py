import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub.errors import DataError, RefusedError
from hubbub.evaluate import summary
from hubbub.report import figures, plots
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_json, write_text

LABELS = ("dog", "sea_waves", "siren")
COLUMNS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy", "lr", "seconds")
ROWS = [(1, 1, 2.0, 1.5, 0.4, 1e-3, 9), (1, 2, 1.5, 0.9, 0.7, 1e-3, 9), (2, 1, 1.2, 1.1, 0.8, 1e-4, 9)]
NONE = {"clips": 0, "accuracy": None, "loss": None}


def made(folder: Path, split: str = "official-fold1", columns: int = len(COLUMNS), tested: bool = True) -> Run:
    """A run of three epochs in two stages; of 30 test clips three are wrong."""
    targets = np.arange(30) % 3
    found = targets.copy()
    found[[0, 3, 1]] = (1, 1, 2)
    test = summary.full(targets, 0.1 + 0.7 * np.eye(3)[found], [str(row) for row in range(30)], LABELS)
    write_json(folder / "metrics.json", {"train": NONE, "validation": NONE, "test": test if tested else NONE})
    about = {"dataset": "esc50", "split": split, "labels": list(LABELS), "seconds": 9.5, "finished": True}
    write_json(folder / "about.json", about)
    write_text(folder / "recipe.yaml", "name: mine\nmonitor: val_loss\n")
    write_csv(folder / "epochs.csv", COLUMNS[:columns], (row[:columns] for row in ROWS))
    return Run(folder)


def cross_validation(folder: Path) -> Run:
    run = made(folder)
    (folder / "epochs.csv").unlink()
    for name in ("fold1", "fold2", "final"):
        made(folder / name, tested=name != "final")
    write_json(folder / "metrics.json", run.metrics | {"folds": {"fold1": 0.8, "fold2": 1.0}})
    return Run(folder)


@pytest.fixture
def drawn(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """The figures that were written, to look into."""
    kept: list[Any] = []
    real = figures.save

    def keep(figure: Any, path: Path) -> None:
        kept.append(figure)
        real(figure, path)

    monkeypatch.setattr(figures, "save", keep)
    return kept


def is_png(path: Path) -> bool:
    return path.read_bytes().startswith(b"\x89PNG")


def title(figure: Any) -> str:
    return str(figure.get_suptitle())


def test_what_there_is_is_drawn_into_the_run(tmp_path: Path) -> None:
    run = made(tmp_path / "mine")
    assert plots.draw_all(run) == [run.folder / "curves.png", run.folder / "confusion.png"]
    write_csv(run.folder / "strengths.csv", ["epoch", *LABELS], [[1, 1, 1, 1], [2, 0.5, 1, 1.5]])
    found = plots.draw_all(run)
    assert {path.name for path in found} == {"curves.png", "confusion.png", "strengths.png"}
    assert all(is_png(path) for path in found)


def test_of_a_cross_validation_the_joined_confusion_and_the_folds_curves(tmp_path: Path) -> None:
    found = plots.draw_all(cross_validation(tmp_path / "cv"))
    names = [path.relative_to(tmp_path / "cv").as_posix() for path in found]
    assert names == ["fold1/curves.png", "fold2/curves.png", "final/curves.png", "confusion.png"]
    assert all(is_png(path) for path in found)


def test_a_fold_that_has_no_end_yet_is_left_out(tmp_path: Path) -> None:
    run = cross_validation(tmp_path)
    write_json(tmp_path / "final" / "about.json", {})
    assert tmp_path / "final" / "curves.png" not in plots.draw_all(run)


def test_nothing_to_draw(tmp_path: Path) -> None:
    run = made(tmp_path, tested=False)
    (tmp_path / "epochs.csv").unlink()
    assert plots.draw_all(run) == []


# --- curves -----------------------------------------------------------------------------------------------------------


def test_epochs_of_several_stages_follow_each_other(tmp_path: Path, drawn: list[Any]) -> None:
    plots.plot_curves(made(tmp_path), tmp_path / "x.png")
    loss, accuracy, rate = drawn[0].axes
    for axes, index, column in ((loss, 0, 2), (loss, 1, 3), (rate, 0, 5)):
        line = axes.lines[index]
        assert line.get_xdata().tolist() == [1, 2, 3] and line.get_ydata().tolist() == [row[column] for row in ROWS]
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [40, 70, 80])
    for axes in (loss, accuracy, rate):
        assert [2.5, 2.5] in [list(line.get_xdata()) for line in axes.lines]
    assert [text.get_text() for text in loss.texts] == ["stage 1", "2"]


def test_training_accuracy_where_it_was_kept(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    write_csv(tmp_path / "epochs.csv", (*COLUMNS, "train_accuracy"), ((*row, 0.1 * row[1]) for row in ROWS))
    plots.plot_curves(run, tmp_path / "x.png")
    accuracy = drawn[0].axes[1]
    assert accuracy.get_ylabel() == "accuracy [%]"
    np.testing.assert_allclose(accuracy.lines[0].get_ydata(), [10, 20, 10])


def test_learning_rates_have_marks(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    for rates, marks in (((1e-3, 5e-4, 1e-4), ["0.0001", "0.0002", "0.0005", "0.001"]), ((9e-4, 8e-4, 6e-4), None)):
        rows = [(*row[:5], rate) for row, rate in zip(ROWS, rates, strict=True)]
        write_csv(tmp_path / "epochs.csv", COLUMNS[:6], rows)
        plots.plot_curves(run, tmp_path / "x.png")
        labels = [text.get_text() for text in drawn[-1].axes[2].get_yticklabels()]
        assert labels == (marks or ["0.0006", "0.0009"])


def test_any_label_and_any_name_of_a_run_are_drawn_as_they_are(tmp_path: Path, drawn: list[Any]) -> None:
    """A dollar is no mathematics, what no font has is no warning, and a long label leaves room for the picture."""
    run = made(tmp_path / "my_run $x^$")
    labels = ("$x_1$ \\frac", "犬🐶", "a" * 200)
    write_json(run.folder / "about.json", run.record.to_dict() | {"labels": labels})
    write_csv(run.folder / "strengths.csv", ["epoch", *labels], [[1, 1, 1, 1], [2, 0.5, 1, 1.5]])
    assert len(plots.draw_all(Run(run.folder))) == 3
    confusion = drawn[-1].axes[0]
    assert confusion.get_yticklabels()[0].get_text() == "$x 1$ \\frac"
    assert title(drawn[-1]).startswith("my_run $x^$: esc50")


def test_older_runs_have_no_learning_rate(tmp_path: Path, drawn: list[Any]) -> None:
    plots.plot_curves(made(tmp_path, columns=5), tmp_path / "x.png")
    assert [axes.get_ylabel() for axes in drawn[0].axes] == ["loss", "validation\naccuracy [%]"]


def legend(figure: Any) -> str:
    return str(figure.axes[0].get_legend().get_texts()[-1].get_text())


def test_the_chosen_epoch(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    plots.plot_curves(run, tmp_path / "x.png")
    assert legend(drawn[0]) == "chosen: epoch 2 of stage 1 (loss 0.900, accuracy 70.0 %)"
    write_text(tmp_path / "recipe.yaml", "name: mine\nmonitor: val_accuracy\n")
    plots.plot_curves(Run(tmp_path), tmp_path / "x.png")
    assert legend(drawn[1]) == "chosen: epoch 1 of stage 2 (loss 1.100, accuracy 80.0 %)"


def test_of_equals_the_first_of_the_last_stage_is_chosen(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    equals = [(1, 1, 0.5), (1, 2, 0.5), (2, 1, 0.6), (2, 2, 0.5), (2, 3, 0.5)]
    write_csv(tmp_path / "epochs.csv", COLUMNS[:5], ((stage, epoch, 1, loss, 0.5) for stage, epoch, loss in equals))
    plots.plot_curves(run, tmp_path / "x.png")
    assert legend(drawn[0]).startswith("chosen: epoch 2 of stage 2")


def test_one_epoch_and_a_loss_that_is_no_number(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    write_csv(tmp_path / "epochs.csv", COLUMNS, [ROWS[0]])
    plots.plot_curves(run, tmp_path / "x.png")
    assert legend(drawn[0]).startswith("chosen: epoch 1 (loss")
    write_csv(tmp_path / "epochs.csv", COLUMNS, [(1, 1, "nan", "nan", 0.1, 0.0, 1)])
    plots.plot_curves(run, tmp_path / "x.png")
    assert legend(drawn[1]) == "validation"


@pytest.mark.parametrize("table", ["stage,epoch\n", "stage,epoch\n1,1\n", "stage,epoch,val_loss\n1,1,x\n", "a,b\n1\n"])
def test_damaged_epochs(tmp_path: Path, table: str) -> None:
    run = made(tmp_path)
    write_text(tmp_path / "epochs.csv", table)
    with pytest.raises(DataError, match=r"epochs\.csv.*run it again"):
        plots.plot_curves(run, tmp_path / "x.png")
    assert not (tmp_path / "x.png").exists()


# --- confusion and strengths ------------------------------------------------------------------------------------------


def test_confusion(tmp_path: Path, drawn: list[Any]) -> None:
    plots.plot_confusion(made(tmp_path), tmp_path / "x.png")
    axes = drawn[0].axes[0]
    counts = {text.get_position(): text.get_text() for text in axes.texts if text.get_text().isdigit()}
    assert counts == {(0, 0): "8", (1, 0): "2", (1, 1): "9", (2, 1): "1", (2, 2): "10"}
    assert [text.get_text() for text in axes.texts if "%" in text.get_text()] == ["80%", "90%", "100%"]
    right, wrong = (image.get_array() for image in axes.images)
    np.testing.assert_allclose(right.compressed(), [0.8, 0.9, 1.0])
    np.testing.assert_allclose(wrong.compressed(), [0.2, 0.1])
    assert [text.get_text() for text in axes.get_yticklabels()] == ["dog", "sea waves", "siren"]
    assert "3 of 30 test clips wrong" in title(drawn[0]) and "accuracy 90.00 %" in title(drawn[0])


def test_confusion_of_what_was_not_tested(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="tested on nothing"):
        plots.plot_confusion(made(tmp_path, tested=False), tmp_path / "x.png")


def test_strengths(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path)
    write_csv(tmp_path / "strengths.csv", ["epoch", *LABELS], [[1, 1, 1, 1], [2, 0.5, 1, 1.5]])
    plots.plot_strengths(run, tmp_path / "x.png")
    np.testing.assert_allclose(drawn[0].axes[0].images[0].get_array(), [[1, 0.5], [1, 1], [1, 1.5]])


def test_strengths_of_nothing(tmp_path: Path) -> None:
    write_text(tmp_path / "strengths.csv", "epoch,dog\n")
    with pytest.raises(DataError, match="holds no epoch"):
        plots.plot_strengths(made(tmp_path), tmp_path / "x.png")


# --- titles -----------------------------------------------------------------------------------------------------------


def test_a_leaky_split_is_called_so_in_every_title(tmp_path: Path, drawn: list[Any]) -> None:
    run = made(tmp_path / "mine", split="LEAKY random-fold1")
    write_csv(run.folder / "strengths.csv", ["epoch", *LABELS], [[1, 1, 1, 1]])
    plots.draw_all(run)
    assert len(drawn) == 3 and all(title(figure).startswith("LEAKY") for figure in drawn)


def test_titles_say_what_ran(tmp_path: Path, drawn: list[Any]) -> None:
    plots.draw_all(cross_validation(tmp_path / "cv"))
    assert title(drawn[0]).startswith("cv, fold1: esc50, official-fold1\n")
    assert title(drawn[-1]).startswith("cv: esc50") and not any("LEAKY" in title(figure) for figure in drawn)


def test_without_matplotlib_the_extra_is_named(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    run = made(tmp_path)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(RefusedError, match=r"\.\[plot\]"):
        plots.draw_all(run)
