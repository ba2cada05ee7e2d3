import json

import pytest
from rich.console import Console

import tinyconditions
from hubbub.report import robustness_tables as tables
from hubbub.runs.robustness import Robustness, difference

FIRST = Robustness(tinyconditions.predictions(model="first\x1b[31m"))
SECOND = Robustness(tinyconditions.predictions(seed=1, model="second", seen=("gain",), sampled=2000))


def shown(*models: Robustness) -> list[str]:
    console = Console(width=80, highlight=False)
    with console.capture() as capture:
        console.print(tables.overview(models))
    return capture.get().splitlines()


def test_one_model_severity_by_severity() -> None:
    lines = shown(FIRST)
    assert lines[0].split() == ["corruption", "1", "2", "3", "4", "5", "mean", "log", "loss", "ECE", "kept"]
    gain = lines[2].split()
    assert gain[0] == "gain" and gain[1:3] == [f"{100 * FIRST.conditions[row].accuracy:.1f}" for row in (1, 2)]
    assert gain[3] == f"{100 * FIRST.accuracy['gain']:.1f}"
    assert len(lines[3].split()) == 8  # an excerpt has three severities
    assert "\x1b[31m" not in "".join(lines) and r"first\x1b[31m: clean" in "".join(lines)


def test_several_side_by_side_and_what_the_first_is_compared_to() -> None:
    lines = shown(FIRST, SECOND)
    assert lines[3].split() == [
        "gain",
        *(f"{100 * FIRST.accuracy['gain']:.1f}", f"{100 * FIRST.middle['gain']:.1f}"),
        *(f"{100 * SECOND.accuracy['gain']:.1f}*", f"{100 * SECOND.middle['gain']:.1f}"),
    ]
    change = difference(FIRST, SECOND)
    assert f"{100 * change.value:+.2f} points of the mean" in " ".join(lines)


def test_a_sample_is_called_one() -> None:
    assert tables.sentences([SECOND])[-1] == "ESC-50-C version 1 on 60 clips of esc50, a sample of 2,000"


def test_markdown_has_the_same_figures() -> None:
    lines = tables.markdown([SECOND]).splitlines()
    assert f"**{100 * SECOND.mean.value:.2f}**" in lines[2] and lines[2].startswith("| `second` | ")
    assert rf"| gain | {100 * SECOND.accuracy['gain']:.1f}\* | {100 * SECOND.middle['gain']:.1f} |" in lines
    assert len({line.count("|") for line in lines[4:]}) == 1


def test_json_values_and_rows() -> None:
    values = json.loads(json.dumps(tables.to_dict(FIRST), allow_nan=False))
    assert values["mean_corrupted_accuracy"] == pytest.approx(FIRST.mean.value) and len(values["conditions"]) == 6
    rows = tables.rows([FIRST, SECOND])
    assert len(rows) == 12 and len(rows[0]) == len(tables.COLUMNS)
    only = Robustness(tinyconditions.predictions(conditions=(("clean", 0),), threshold=1.0))
    clean = tables.to_dict(only)
    assert clean["mean_corrupted_accuracy"] is None and clean["conditions"][0]["kept_accuracy"] is None
    assert tables.overview([only]) and tables.overview([only, only])
