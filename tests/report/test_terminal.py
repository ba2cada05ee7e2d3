from pathlib import Path
from typing import Any

import numpy as np
import pytest
from rich.console import Console

import tinyruns
from hubbub.errors import DataError
from hubbub.evaluate import summary
from hubbub.report.terminal import comparison, overview
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_json

LABELS = ("dog", "rain", "siren")
NONE = {"clips": 0, "accuracy": None, "loss": None}
PART = {"clips": 25, "accuracy": 0.9612, "loss": 0.1234}


def made(folder: Path, wrong: list[int], labels: tuple[str, ...] = LABELS, prefix: str = "clip", **facts: Any) -> Run:
    """A single run on 30 clips, two of each recording; those in `wrong` are named after the next class."""
    targets = np.arange(30) % 3
    found = targets.copy()
    found[wrong] = (found[wrong] + 1) % 3
    probabilities = 0.1 + 0.7 * np.eye(3)[found]
    clips = tuple(f"{prefix}-{row:02d}" for row in range(30))
    recordings = [f"r{row // 2}" for row in range(30)]
    Predictions(labels, clips, np.ones(30, int), targets, probabilities).write(folder / "predictions.csv")
    rows = ([clip, "test", "", recording, ""] for clip, recording in zip(clips, recordings, strict=True))
    write_csv(folder / "clips.csv", ["clip", "part", "label", "recording", "samples"], rows)
    test = summary.full(targets, probabilities, recordings, labels)
    write_json(folder / "metrics.json", {"train": PART, "validation": NONE, "test": test, "parameters": 12345})
    about = {"dataset": "esc50", "split": "official-fold1", "seed": 3, "seconds": 150.0, "finished": True}
    write_json(folder / "about.json", about | {"environment": {"machine": "Linux x", "commit": "abc"}} | facts)
    return Run(folder)


def printed(renderable: Any) -> str:
    console = Console(width=300, no_color=True)
    with console.capture() as capture:
        console.print(renderable)
    return capture.get()


def test_a_run_at_a_glance(tmp_path: Path) -> None:
    run = made(tmp_path / "mine", [0, 3, 1])
    text = printed(overview(run))
    low, high = run.metrics["test"]["interval"]
    assert text.startswith("mine: esc50, official-fold1, seed 3\n")
    assert f"accuracy 90.00 % (95 % interval {100 * low:.1f} to {100 * high:.1f} %), macro F1 89.95 %" in text
    assert "12,345 parameters, 2.5 min, Linux x, commit abc" in text
    rows = {line.split()[0]: line.split()[1:] for line in text.splitlines() if line.strip()}
    assert rows["train"] == ["25", "96.12", "%", "0.123"] and rows["test"][:2] == ["30", "90.00"]
    assert "validation" not in rows and "folds" not in text
    assert "lowest recall: dog 80 %, rain 90 %, siren 100 %" in text
    assert "3 of 30 clips wrong; most often, true -> predicted: dog -> rain 2, rain -> siren 1" in text
    assert "epoch" not in text


def test_a_mistake_is_told_from_the_truth_to_what_was_predicted(tmp_path: Path) -> None:
    """Not in the order of the alphabet: the siren was taken for the dog."""
    assert "true -> predicted: siren -> dog 3\n" in printed(overview(made(tmp_path, [2, 5, 8]))).replace(" \n", "\n")


def test_of_which_checkpoint_the_figures_are(tmp_path: Path) -> None:
    run = made(tmp_path, [0])
    columns = ["stage", "epoch", "train_loss", "val_loss", "val_accuracy"]
    write_csv(tmp_path / "epochs.csv", columns, [[1, 1, 2.9, 0.5, 0.8], [1, 2, 2.6, 0.3, 0.9], [1, 3, 2.5, 0.4, 0.9]])
    text = printed(overview(run))
    assert "the chosen checkpoint (epoch 2) on clips as they are; the training loss of an epoch is of clips" in text


def test_warnings_of_a_run_and_of_its_folds(tmp_path: Path) -> None:
    run = made(tmp_path, [0])
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.9}})
    assert "warning:" not in printed(overview(run))
    tinyruns.changed(made(tmp_path / "fold2", [0]), outcome={"seconds": 1.0, "warnings": ["no better than chance"]})
    run = tinyruns.changed(run, outcome={"seconds": 1.0, "warnings": ["only 5 s are used"]})
    lines = printed(overview(run)).splitlines()
    assert [line.strip() for line in lines[1:3]] == [
        "warning: only 5 s are used",
        "warning: fold2: no better than chance",
    ]


def test_what_would_move_a_terminal_is_shown_as_an_escape(tmp_path: Path) -> None:
    text = printed(overview(made(tmp_path, [0], labels=("dog\x1b[31m", "rain\n", "siren"))))
    assert "\x1b" not in text
    assert r"dog\x1b[31m -> rain\n 1" in text


def test_an_evaluation_has_no_training_but_says_how_it_knows_the_unknown(tmp_path: Path) -> None:
    run = made(tmp_path / "mine", [0], kind="evaluation")
    run = tinyruns.changed(run, seed=None, outcome={})
    unknown = {"clips": 3, "share": 0.1, "spared": 0.5, "accuracy": 0.96296, "interval": [0.9, 1.0]}
    metrics = {name: fact for name, fact in run.metrics.items() if name != "parameters"} | {"train": NONE}
    run = tinyruns.with_metrics(run, metrics | {"unknown": unknown})
    text = printed(overview(run))
    assert text.startswith("mine: esc50, official-fold1\n")
    assert "called unknown: 3 clips (10.0 %); accuracy of the rest 96.30 % (95 % interval 90.0 to 100.0 %)\n" in text
    assert "\nLinux x, commit abc" in text
    run = tinyruns.with_metrics(run, metrics | {"unknown": {**unknown, "accuracy": None, "interval": None}})
    assert "called unknown: 3 clips (10.0 %)\n" in printed(overview(run))


def test_a_run_without_a_mistake(tmp_path: Path) -> None:
    assert "no clip wrong" in printed(overview(made(tmp_path, [])))


def test_a_cross_validation_shows_its_folds_and_a_short_run_its_seconds(tmp_path: Path) -> None:
    run = made(tmp_path, [5], seconds=42.4)
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.98765}})
    text = printed(overview(run))
    assert "folds 50.00  98.77" in text and "parameters, 42 s," in text


def test_a_model_for_use_has_no_accuracy(tmp_path: Path) -> None:
    run = made(tmp_path, [])
    run = tinyruns.with_metrics(run, {"train": PART, "validation": NONE, "test": NONE, "parameters": 1})
    assert "tested on nothing" in printed(overview(run)) and "accuracy" not in printed(overview(run))


def test_a_class_that_was_not_tested_is_not_weak(tmp_path: Path) -> None:
    run = made(tmp_path, [0])
    metrics = run.metrics
    metrics["test"]["recall"]["siren"] = None
    write_json(tmp_path / "metrics.json", metrics)
    assert "lowest recall: dog 90 %, rain 100 %\n" in printed(overview(run)).replace(" \n", "\n")


# --- two runs ---------------------------------------------------------------------------------------------------------


def test_a_clear_difference(tmp_path: Path) -> None:
    worse, better = made(tmp_path / "worse", list(range(0, 30, 2))), made(tmp_path / "better", [0])
    text = str(comparison(worse, better))
    assert text.startswith("better against worse, 30 clips: +46.67 points (95 % interval +4")
    assert "no difference" not in text
    assert str(comparison(better, worse)).startswith("worse against better, 30 clips: -46.67 points")


def test_no_difference(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a", [0, 6, 20]), made(tmp_path / "b", [1, 7, 9])
    text = str(comparison(first, second))
    assert "+0.00 points" in text and text.endswith("the interval holds 0: no difference is shown)")


def test_only_shared_clips_are_compared_whatever_their_order(tmp_path: Path) -> None:
    first, second = made(tmp_path / "a", [0, 1]), made(tmp_path / "b", [0])
    kept = second.predictions
    rows = np.arange(19, -1, -1)
    some = tuple(kept.clips[row] for row in rows)
    Predictions(kept.classes, some, kept.folds[rows], kept.targets[rows], kept.probabilities[rows]).write(
        second.folder / "predictions.csv"
    )
    assert str(comparison(first, Run(second.folder))).startswith("b against a, 20 clips: +5.00 points")


@pytest.mark.parametrize("changes", [{"prefix": "other"}, {"labels": ("a", "b", "c")}])
def test_runs_that_share_nothing(tmp_path: Path, changes: dict[str, Any]) -> None:
    first, second = made(tmp_path / "a", []), made(tmp_path / "b", [], **changes)
    with pytest.raises(DataError, match="share no test clips with the same labels: compare other runs"):
        comparison(first, second)


def test_clips_of_a_cross_validation_are_those_of_its_folds(tmp_path: Path) -> None:
    first = made(tmp_path / "cv", [0, 1])
    (first.folder / "fold1").mkdir()
    (first.folder / "clips.csv").rename(first.folder / "fold1" / "clips.csv")
    first = tinyruns.with_metrics(first, first.metrics | {"folds": {"fold1": 0.9}})
    assert "+6.67 points" in str(comparison(first, made(tmp_path / "b", [])))
