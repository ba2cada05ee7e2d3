import shlex
from pathlib import Path
from typing import Any

import pytest
import typer.main

import tinyruns
from hubbub.cli.main import app
from hubbub.runs import provenance
from hubbub.runs.run import Run
from hubbub.storage import write_csv, write_text


def opened(run: Run, **fields: Any) -> Run:
    return tinyruns.changed(run, **fields)


def parses(line: str) -> bool:
    """Whether the command line takes it; commands that are there are not run."""
    words = shlex.split(line)
    assert words[0] == "hubbub"
    group = typer.main.get_command(app)
    assert isinstance(group, typer.core.TyperGroup)
    return group.commands[words[1]].make_context(words[1], words[2:]) is not None


@pytest.mark.parametrize(
    ("split", "expected"),
    [
        ("official-fold3", "hubbub train recipe.yaml --fold 3 --dataset esc50 --seed 0"),
        ("grouped-fold12", "hubbub train recipe.yaml --fold 12 --dataset esc50 --seed 0"),
        ("filename-regex", "hubbub train recipe.yaml --dataset esc50 --seed 0"),
        ("LEAKY random fold 2", "hubbub train recipe.yaml --fold 2 --dataset esc50 --seed 0 --i-know-it-leaks"),
        ("all-but-showcase", "hubbub cv recipe.yaml --dataset esc50 --seed 0"),
    ],
)
def test_the_command_that_makes_a_training_again(tmp_path: Path, split: str, expected: str) -> None:
    run = opened(tinyruns.planted(tmp_path, ("dog", "cat"), {}), split=split)
    assert provenance.command(run) == []  # without a recipe there is nothing to start
    write_text(tmp_path / "recipe.yaml", "name: tiny\n")
    assert provenance.command(Run(run.folder)) == [expected] and parses(expected)


def test_the_command_of_a_cross_validation(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path, "LEAKY random folds 1 2", seed=3)
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.6}})
    (line,) = provenance.command(opened(run, dataset="my sounds"))
    assert line == "hubbub cv recipe.yaml --dataset 'my sounds' --seed 3 --i-know-it-leaks" and parses(line)


def test_copies_are_to_be_made_first(tmp_path: Path) -> None:
    first, second = provenance.command(opened(tinyruns.write(tmp_path, "official-fold1"), dataset="esc50+6143"))
    assert first == "# COPIES: the folder in which `hubbub augment esc50` made 6,143 copies"
    assert second == "hubbub train recipe.yaml --fold 1 --dataset COPIES --seed 0" and parses(second)


def test_a_run_of_the_leak_study_comes_of_the_study(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path, "official-fold1")
    line = "hubbub leak-study --seed 0"
    assert provenance.command(opened(run, command=line)) == [line] and parses(line)


def test_facts_are_what_is_on_record(tmp_path: Path) -> None:
    facts = dict(
        provenance.details(opened(tinyruns.write(tmp_path), outcome={"seconds": 90.0, "bf16": True, "c": 0.3}))
    )
    assert facts == {
        "dataset": "esc50",
        "split": tinyruns.WHOLE,
        "seed": "0",
        "recipe": "tiny",
        "parameters": "1,234",
        "time": "1.5 min",
        "machine": "Linux",
        "commit": "abc",
        "16-bit training": "yes",
        "C, chosen on training clips": "0.3",
        "numpy": "2.0",
    }
    bare = tinyruns.planted(tmp_path / "bare", ("dog", "cat"), {})
    assert set(dict(provenance.details(bare))) == {"dataset", "split", "seed", "recipe", "time"}


def test_parts_and_folds(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    inner = tinyruns.write(tmp_path / "fold1", "official-fold1")
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.6}})
    test = run.metrics["test"]
    assert provenance.parts(run) == [
        provenance.Part("train", 24, 0.9, 0.1),
        provenance.Part("test", 30, test["accuracy"], test["loss"]),  # nothing was validated
    ]
    assert provenance.folds(run) == [
        {"name": "fold 1", "accuracy": 0.5, "clips": 6, "interval": inner.metrics["test"]["interval"]},
        {"name": "fold 2", "accuracy": 0.6, "clips": None, "interval": None},
    ]
    assert provenance.folds(inner) == []


def test_training_clips_of_each_class(tmp_path: Path) -> None:
    run = tinyruns.write(tmp_path)
    header = ["clip", "part", "fold", "label", "recording", "samples"]

    def listed(folder: Path, dogs: int) -> None:
        rows = [[f"{n}", "train", 1, "dog", n, ""] for n in range(dogs)]
        write_csv(
            folder / "clips.csv",
            header,
            [*rows, ["x", "validation", 1, "dog", 9, ""], ["y", "train", 1, "rain", 8, ""]],
        )

    listed(tmp_path, 3)
    assert provenance.trained_on(run) == {"dog": 3, "rain": 1}
    (tmp_path / "clips.csv").unlink()
    run = tinyruns.with_metrics(run, run.metrics | {"folds": {"fold1": 0.5, "fold2": 0.6}})
    listed(tmp_path / "fold1", 4)
    listed(tmp_path / "fold2", 1)
    assert provenance.trained_on(run) == {"dog": 2.5, "rain": 1}
