import csv
import json
import os
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


def test_a_name_that_is_a_formula_is_text_in_a_spreadsheet(tmp_path: Path) -> None:
    for label in ("=cmd|'calc'!A1", "+1", "@sum", "-dog"):
        audio.write_wav(tmp_path / "mine" / label / "=1+1.wav", np.full(4000, -0.1), 8000)
    result = CliRunner().invoke(app, ["explore", str(tmp_path / "mine"), "--csv", str(tmp_path / "t")])
    assert result.exit_code == 0, result.output
    for name in ("clips", "classes"):
        with (tmp_path / "t" / f"{name}.csv").open(newline="", encoding="utf-8") as handle:
            rows = list(csv.DictReader(handle))
        assert sorted(row["class"] for row in rows) == ["'+1", "'-dog", "'=cmd|'calc'!A1", "'@sum"]
        assert not [cell for row in rows for cell in row.values() if cell[:1] in ("=", "+", "@")]
    with (tmp_path / "t" / "clips.csv").open(newline="", encoding="utf-8") as handle:
        assert [float(row["offset"]) for row in csv.DictReader(handle)] == [pytest.approx(-0.1, abs=1e-4)] * 4


def test_each_remark_names_its_worst_clips(mine: Path) -> None:
    lines = CliRunner().invoke(app, ["explore", str(mine)]).output.splitlines()
    after = lines[next(row for row, line in enumerate(lines) if "with digital silence" in line) + 1]
    assert after.strip() == "dog/padded.wav: 62 %"


def test_a_pipe_and_a_link_to_a_device_are_not_waited_for(mine: Path) -> None:
    os.mkfifo(mine / "dog" / "pipe.wav")
    (mine / "dog" / "device.wav").symlink_to("/dev/zero")
    for command in ("explore", "audit"):
        result = CliRunner().invoke(app, [command, str(mine), "--json"])
        assert json.loads(result.stdout)


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
