import csv
import json
from pathlib import Path

import numpy as np
import pytest
from typer.testing import CliRunner

import tinysounds
from hubbub import audio
from hubbub.cli.main import app


@pytest.fixture(autouse=True)
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.setattr("os.cpu_count", lambda: 1)


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    return tinysounds.write(tmp_path / "mine")


def test_a_page_and_tables(mine: Path, tmp_path: Path) -> None:
    result = CliRunner().invoke(
        app, ["explore", str(mine), "--html", str(tmp_path / "p.html"), "--csv", str(tmp_path / "t")]
    )
    assert result.exit_code == 0, result.output
    assert "10 clips, 2 classes" in result.output
    assert "1 clip cannot be read" in result.output
    assert "9 sounds in it" in result.output
    assert "<!DOCTYPE html>" in (tmp_path / "p.html").read_text(encoding="utf-8")
    with (tmp_path / "t" / "clips.csv").open(newline="", encoding="utf-8") as handle:
        rows = {row["clip"]: row for row in csv.DictReader(handle)}
    assert len(rows) == 10
    assert float(rows["cat/0.wav"]["centroid"]) == pytest.approx(500, rel=0.1)
    assert (tmp_path / "t" / "categories.csv").read_text() == "category,classes,clips\nanimals,2,10\n"


def test_json_is_the_same_tables(mine: Path) -> None:
    result = CliRunner().invoke(app, ["explore", str(mine), "--json"])
    assert result.exit_code == 0, result.output
    facts = json.loads(result.stdout)
    assert facts["totals"]["clips"] == len(facts["clips"]) == 10
    assert [row["class"] for row in facts["classes"]] == ["cat", "dog"]
    assert facts["duplicates"] == [[f"dog/{tinysounds.HOSTILE}", "dog/a.wav"]]


def test_what_has_no_sound_has_dashes_in_the_table(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "mine" / "hush.wav", np.zeros(8000), 8000)
    result = CliRunner().invoke(app, ["explore", str(tmp_path / "mine"), "--html", str(tmp_path / "p.html")])
    assert result.exit_code == 0, result.output
    assert "1 clip, 1 class, 1 source recording, 1.0 s" in result.output
    row = next(line for line in result.output.splitlines() if line.startswith("mine "))
    assert row.split() == ["mine", "1", "1", "1.00", "–", "–", "–", "100", "%"]


@pytest.mark.parametrize("name", ["nothing here", "."])
def test_a_folder_without_sounds(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    result = CliRunner().invoke(app, ["explore", name])
    assert result.exit_code != 0
    assert "there is no such folder" in str(result.exception) or "no sound files" in str(result.exception)


def test_without_the_extra_it_says_so_before_it_listens(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "jinja2", None)
    result = CliRunner().invoke(app, ["explore", str(mine), "--html", "page.html"])
    assert ".[report]" in str(result.exception)
    assert "10 clips" not in result.output
