import json
import os
import pty
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import tinyesc50
from hubbub import audio
from hubbub.data import esc50, esc50_release
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import RefusedError

Run = Callable[..., tuple[int, str, str]]


@pytest.fixture
def run(tiny_esc50: Path, hubbub: Run) -> Run:
    """`hubbub data ...`: its exit code, stdout and stderr. Nothing is imported yet."""

    def data(*arguments: str | Path) -> tuple[int, str, str]:
        code, out, err = hubbub("data", *arguments)
        assert "\33" not in out + err
        return code, out, err

    return data


def assert_one_line(err: str) -> None:
    assert err.startswith("hubbub: ") and err.count("\n") == 1


# --- import -----------------------------------------------------------------------------------------------------------


def test_import(run: Run, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    code, out, err = run("import", "esc50", tiny_esc50)
    assert (code, err) == (0, "")
    assert out == f"ESC-50 is in {esc50.home()}, verified; for research and other non-commercial use (CC BY-NC 3.0)\n"
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    assert f"(commands use $HUBBUB_ESC50, {tiny_esc50}, as long as" in run("import", "esc10", tiny_esc50)[1]


@pytest.mark.parametrize(
    ("name", "path", "code", "said"),
    [
        ("esc50", "nowhere", 3, "nothing at nowhere"),
        ("esc50", ".", 1, "holds no ESC-50 release"),
        ("synthetic", ".", 2, "made by code"),
    ],
)
def test_import_of_what_is_no_release(
    run: Run, name: str, path: str, code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    ended, out, err = run("import", name, path)
    assert (ended, out) == (code, "") and said in err
    assert_one_line(err)


# --- fetch ------------------------------------------------------------------------------------------------------------


def test_fetch(run: Run, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, target: Path, on_bytes: Callable[[int, int | None], None], instead: str) -> None:
        on_bytes(10, None)
        target.parent.mkdir(parents=True)
        shutil.make_archive(str(target.with_suffix("")), "zip", tiny_esc50.parent)

    monkeypatch.setattr(esc50_release, "download", download)
    code, out, err = run("fetch", "esc50")
    assert (code, err) == (0, "") and out.startswith(f"ESC-50 is in {esc50.home()}, verified")
    assert esc50_release.verify() == []


def test_fetch_without_a_network(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    def download(url: str, target: Path, instead: str, **settings: object) -> None:
        raise RefusedError(f"cannot fetch {url}: {instead}")

    monkeypatch.setattr(esc50_release, "download", download)
    code, out, err = run("fetch", "esc50")
    assert (code, out) == (3, "") and "import a copy: hubbub data import esc50 PATH" in err
    assert_one_line(err)


@pytest.mark.parametrize(("name", "said"), [("synthetic", "nothing is fetched"), ("birds", "known are esc50, esc10")])
def test_fetch_of_what_is_not_published(run: Run, name: str, said: str) -> None:
    code, out, err = run("fetch", name)
    assert (code, out) == (2, "") and said in err
    assert_one_line(err)


# --- verify -----------------------------------------------------------------------------------------------------------


def test_verify(run: Run, tiny_esc50: Path) -> None:
    run("import", "esc50", tiny_esc50)
    code, out, err = run("verify", "esc10")
    assert (code, err) == (0, "")
    assert out == f"esc10: whole, 400 clips of 10 classes in {esc50.home() / 'audio'}\n"


def test_verify_lists_problems(run: Run, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    for row in tinyesc50.rows()[:25]:
        (tiny_esc50 / "audio" / row[0]).unlink()
    code, out, err = run("verify", "esc50")
    lines = out.splitlines()
    assert (code, err, len(lines)) == (1, "", 22) and "cannot read" in lines[0]
    assert lines[-2:] == [
        "... and 5 more",
        "esc50: 25 problems; fetch or import it again (hubbub data fetch esc50)",
    ]


def test_verify_of_what_is_not_here(run: Run) -> None:
    code, out, err = run("verify", "esc50")
    assert (code, out) == (3, "") and "`hubbub data fetch esc50`" in err and "`hubbub data import esc50 PATH`" in err
    assert_one_line(err)


# --- info -------------------------------------------------------------------------------------------------------------


def test_info(run: Run, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    code, out, err = run("info", "esc50")
    assert (code, err) == (0, "")
    lines = dict(line.split(": ", 1) for line in out.splitlines())
    assert lines["title"] == "ESC-50" and lines["location"] == str(tiny_esc50 / "audio")
    assert lines["clips"] == "2,000, from 1,000 source recordings" and lines["classes"] == "50"
    assert lines["  animals"] == "dog, rooster, pig, cow, frog, cat, hen, insects, sheep, crow"
    assert lines["clips a fold"] == "1: 400, 2: 400, 3: 400, 4: 400, 5: 400"
    assert lines["in several folds"] == "1 source recording"
    assert lines["  100000"] == "fold 1 dog, fold 1 dog, fold 2 rooster"
    assert "CC BY-NC 3.0" in lines["licence"] and "Piczak" in lines["citation"]


def test_info_as_json(run: Run, tiny_esc50: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUBBUB_ESC50", str(tiny_esc50))
    monkeypatch.setenv("FORCE_COLOR", "1")
    code, out, err = run("info", "esc10", "--json")
    description: dict[str, Any] = json.loads(out)
    assert (code, err, description["name"], description["clips"]) == (0, "", "esc10", 400)
    assert description["folds"] == {str(fold): 80 for fold in range(1, 6)}
    assert description["categories"]["urban"] == ["helicopter", "chainsaw"]
    assert [clip["fold"] for clip in description["spanning"]["100000"]] == [1, 1, 2]
    assert set(description) >= {"title", "location", "classes", "licence", "citation", "source"}


def test_info_of_a_dataset_without_folds_and_categories(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    made = Dataset("synthetic", "[Made]", ("beep",), (Clip("a", Path("x/a.wav"), "beep", "g"),), "CC0", "me", "code")
    monkeypatch.setattr(synthetic, "dataset", lambda: made)
    code, out, _ = run("info", "synthetic")
    assert code == 0
    assert out.splitlines()[:6] == [
        "title: [Made]",
        "location: x",
        "clips: 1, from 1 source recordings",
        "classes: 1: beep",
        "clips a fold: no official folds",
        "in several folds: no source recordings",
    ]


@pytest.mark.parametrize(("name", "code", "said"), [("esc50", 3, "no ESC-50 at"), ("birds", 2, "unknown dataset")])
def test_info_of_what_is_not_here(run: Run, name: str, code: int, said: str) -> None:
    ended, out, err = run("info", name)
    assert (ended, out) == (code, "") and said in err
    assert_one_line(err)


@pytest.mark.skipif(sys.platform == "win32", reason="no pseudo-terminals")
def test_info_on_a_terminal_is_a_table(tiny_esc50: Path) -> None:
    mine, theirs = pty.openpty()
    settings = os.environ | {"HUBBUB_ESC50": str(tiny_esc50), "TERM": "xterm", "COLUMNS": "80", "NO_COLOR": "1"}
    command = [sys.executable, "-c", "from hubbub.cli.main import main; main()", "data", "info", "esc50"]
    with subprocess.Popen(command, stdout=theirs, env=settings) as process:
        os.close(theirs)
        shown = b""
        while True:
            try:
                more = os.read(mine, 4096)
            except OSError:  # Linux says the end so
                break
            if not more:
                break
            shown += more
    os.close(mine)
    assert process.returncode == 0
    text = shown.decode().replace("\r", "")
    assert "animals" in text and ": dog" not in text


# --- a folder of one's own --------------------------------------------------------------------------------------------


@pytest.fixture
def mine(tmp_path: Path) -> Path:
    """Two dogs of one recording and one of another, a Dog, and a sound that the table lacks."""
    for name in ("a.wav", "b.wav", "c.wav", "d.wav", "e.wav"):
        audio.write_wav(tmp_path / "mine" / name, np.zeros(800), 8000)
    rows = "file_name,label,recording\na.wav,dog,r\nb.wav,dog,r\nc.wav,dog,\nd.wav,Dog\x1b[31m,\n"
    (tmp_path / "mine" / "metadata.csv").write_text(rows)
    return tmp_path / "mine"


def test_what_is_not_read_is_told(run: Run, mine: Path) -> None:
    (mine / "metadata.csv").write_text((mine / "metadata.csv").read_text().replace("\x1b[31m", ""))
    lines = [
        f"1 sound file in {mine} not in metadata.csv, such as e.wav",
        "the classes Dog and dog look alike: if they are one, give them one name",
    ]
    out = run("info", mine)[1].splitlines()
    assert out[-2:] == [f"warning: {line}" for line in lines] and "recordings by: the column recording" in out
    description = json.loads(run("info", mine, "--json")[1])
    assert (description["warnings"], description["grouped_by"]) == (lines, "the column recording")
    assert run("verify", mine)[1].splitlines() == [*lines, f"{mine}: whole, 4 clips of 2 classes in {mine}"]
    (mine / "a.wav").write_bytes(b"no sound")
    code, out, _ = run("verify", mine)
    assert code == 1 and out.splitlines()[:2] == lines and "a.wav" in out.splitlines()[2]


def test_names_are_printable(run: Run, mine: Path) -> None:
    assert "Dog\\x1b[31m" in run("info", mine)[1]  # `run` holds that no escape comes through


# --- cut --------------------------------------------------------------------------------------------------------------


def test_cut(run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    audio.write_wav("rec/dog/walk.wav", np.sin(np.arange(8000 * 7) * 0.1), 8000)
    assert run("cut", "rec", "--out", "clips", "--seconds", "3") == (0, "clips: 2 clips (6.0 s) of 1 recording\n", "")
    Path("rec/dog/broken.wav").write_bytes(b"no sound")
    code, out, err = run("cut", "rec", "--out", "clips", "--seconds", "3")
    assert (code, out) == (1, "clips: 0 clips (0.0 s) of 0 recordings; 1 recording was done before\n")
    assert "broken.wav" in err and err.count("\n") == 1
    Path("marks.txt").write_text("1\t2\tbark\n")
    code, out, _ = run("cut", "rec/dog/walk.wav", "--out", "marked", "--by", "marks.txt", "--format", "flac")
    assert (code, out) == (0, "marked: 1 clip (1.0 s) of 1 recording\n") and Path(
        "marked/bark/walk-0001.flac"
    ).is_file()
    assert "0 clips" in run("cut", "rec/dog/walk.wav", "--out", "active", "--by", "activity")[1]  # it is all alike
    assert "clips: 2, from 1 source recordings" in run("info", "clips")[1]


@pytest.mark.parametrize(
    ("options", "code", "said"),
    [
        (["--by", "nothing"], 2, "--by takes length, activity or a table of clips, and there is no file 'nothing'"),
        (["--by", "activity", "--hop", "1"], 2, "--hop goes with --by length only"),
        (["--seconds", "0"], 2, "seconds is 0: give 0.01 to 600 seconds"),
        (["--out", "."], 3, "is not an empty folder"),
    ],
)
def test_cut_of_what_makes_no_sense(
    run: Run, options: list[str], code: int, said: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    audio.write_wav("dog.wav", np.zeros(8000), 8000)
    ended, out, err = run("cut", "dog.wav", "--out", "clips", *options)
    assert (ended, out) == (code, "") and said in err and not Path("clips").exists()
    assert_one_line(err)


# --- usage ------------------------------------------------------------------------------------------------------------


def test_wrong_usage(run: Run) -> None:
    assert run()[0] == run("info")[0] == run("burn")[0] == 2


def test_help_needs_nothing_heavy() -> None:
    code = (
        "import sys, typer; from hubbub.cli.data import app\n"
        "assert not {'numpy', 'soundfile', 'httpx', 'rich.table'} & set(sys.modules), sorted(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
