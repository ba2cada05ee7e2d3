import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import folder
from hubbub.errors import AudioError, DataError


def sounds(root: Path, *names: str) -> Path:
    for name in names:
        audio.write_wav(root / name, np.zeros(800), 8000)
    return root


def table(root: Path, text: str) -> Path:
    root.mkdir(exist_ok=True)
    (root / "metadata.csv").write_text(text)
    return root


class TestFoldersOfClasses:
    def test_the_first_folder_is_the_class(self, tmp_path: Path) -> None:
        sounds(tmp_path / "mine", "dog/rex.wav", "dog/park/b.wav", "cat/a.wav", "loose.wav")
        (tmp_path / "mine" / "dog" / "notes.txt").write_text("no sound")
        found = folder.load(tmp_path / "mine")
        assert [(clip.id, clip.label, clip.group, clip.fold) for clip in found.clips] == [
            ("cat/a.wav", "cat", "cat/a.wav", None),
            ("dog/park/b.wav", "dog", "dog/park/b.wav", None),
            ("dog/rex.wav", "dog", "dog/rex.wav", None),
            ("loose.wav", "mine", "loose.wav", None),
        ]
        assert found.name == "mine"
        assert found.labels == ("cat", "dog", "mine")
        assert found.folds == ()

    def test_a_name_of_esc50_tells_its_recording(self, tmp_path: Path) -> None:
        sounds(tmp_path, "dog/1-100032-A-0.wav", "dog/1-100032-B-0.wav", "dog/2-5-A.wav")
        assert [clip.group for clip in folder.load(tmp_path).clips] == ["100032", "100032", "dog/2-5-A.wav"]

    @pytest.mark.skipif(sys.platform == "win32", reason="such names are not possible there")
    def test_any_name_will_do(self, tmp_path: Path) -> None:
        sounds(tmp_path, '<b>"x"/a\'&.wav', "🐶/<script>.wav")
        broken = os.fsencode(tmp_path) + b"/\xff.wav"
        Path(os.fsdecode(broken)).write_bytes((tmp_path / "🐶/<script>.wav").read_bytes())
        found = folder.load(tmp_path)
        assert {clip.id for clip in found.clips} == {'<b>"x"/a\'&.wav', "🐶/<script>.wav", "\\xff.wav"}
        assert found.unreadable() == []
        for clip in found.clips:
            (clip.id + clip.label).encode()  # text that every file can hold

    def test_without_a_sound_it_says_what_is_looked_for(self, tmp_path: Path) -> None:
        (tmp_path / "notes.txt").write_text("no sound")
        with pytest.raises(AudioError, match=r"no sound files in the folder .*\.wav"):
            folder.load(tmp_path)

    def test_sounds_are_not_opened(self, tmp_path: Path) -> None:
        (tmp_path / "dog").mkdir()
        for index in range(2000):
            (tmp_path / "dog" / f"{index}.wav").touch()
        assert len(folder.load(tmp_path).clips) == 2000


class TestTable:
    def test_labels_recordings_and_folds(self, tmp_path: Path) -> None:
        table(tmp_path, "file_name,label,recording,fold,note\nb.wav,dog,r1,2,x\nsub/a.wav,cat,,1,\n")
        assert [(clip.id, clip.label, clip.group, clip.fold) for clip in folder.load(tmp_path).clips] == [
            ("b.wav", "dog", "r1", 2),
            ("sub/a.wav", "cat", "sub/a.wav", 1),
        ]

    def test_esc50s_labels_have_categories(self, tmp_path: Path) -> None:
        table(tmp_path, "file_name,label\na.wav,siren\nb.wav,cow\n")
        assert folder.load(tmp_path).categories == {"cow": "animals", "siren": "urban"}
        table(tmp_path, "file_name,label\na.wav,siren\nb.wav,applause\n")
        assert folder.load(tmp_path).categories == {}

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("file_name\na.wav\n", "line 1: has no column label"),
            ("file_name,label\n", "lists no sound"),
            ("file_name,label\na.wav,dog\na.wav,cat\n", "line 3: lists a.wav again"),
            ("file_name,label\na.wav,\n", "line 2: has no file_name or no label"),
            ("file_name,label\n../a.wav,dog\n", "line 2: '../a.wav' lies outside"),
            ("file_name,label\n/etc/a.wav,dog\n", "line 2: '/etc/a.wav' lies outside"),
            ("file_name,label,fold\na.wav,dog,0\n", "line 2: fold '0' is not a whole number"),
        ],
    )
    def test_a_damaged_table_names_the_line(self, text: str, problem: str, tmp_path: Path) -> None:
        with pytest.raises(DataError, match=problem):
            folder.load(table(tmp_path, text))

    def test_a_missing_sound_is_a_problem_of_its_file(self, tmp_path: Path) -> None:
        problems = folder.load(table(tmp_path, "file_name,label\ngone.wav,dog\n")).unreadable()
        assert len(problems) == 1
        assert "gone.wav" in problems[0]
