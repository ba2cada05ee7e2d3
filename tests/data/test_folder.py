import os
import sys
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import folder
from hubbub.errors import AudioError, DataError, UsageError


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

    def test_spaces_around_a_folders_name_are_no_part_of_the_class(self, tmp_path: Path) -> None:
        sounds(tmp_path, "dog/a.wav", "dog /b.wav", " dog/c.wav", "Dog/d.wav", "sea waves/e.wav", "sea_waves/f.wav")
        loaded = folder.load(tmp_path)
        assert loaded.labels == ("Dog", "dog", "sea waves", "sea_waves")
        assert loaded.warnings == (
            "the classes Dog and dog look alike: if they are one, give them one name",
            "the classes sea waves and sea_waves look alike: if they are one, give them one name",
        )
        with pytest.raises(DataError, match="names no class: rename it"):
            folder.load(sounds(tmp_path / "nameless", " /a.wav"))

    def test_what_is_no_sound_is_counted(self, tmp_path: Path) -> None:
        sounds(tmp_path, "dog/a.wav")
        for number in range(12):
            (tmp_path / "dog" / f"{number}.xyz").touch()
        assert folder.load(tmp_path).warnings == (f"12 .xyz files not read in '{tmp_path}'",)

    @pytest.mark.parametrize(
        "names",
        [
            ("train/dog/a.wav", "test/dog/b.wav"),
            ("Train/a.wav", "valid/b.wav", "extra/c.wav"),
            ("fold1/a.wav", "fold_2/b.wav"),
            ("train/dog/a.wav",),
        ],
    )
    def test_the_parts_of_a_split_are_no_classes(self, names: tuple[str, ...], tmp_path: Path) -> None:
        example = tmp_path / names[0].split("/")[0]
        said = f"are parts of a split, not classes: give one of them .{example.parent}/.*metadata.csv with the columns"
        with pytest.raises(UsageError, match=said):
            folder.load(sounds(tmp_path, *names))

    def test_a_train_is_a_class_among_others(self, tmp_path: Path) -> None:
        assert folder.load(sounds(tmp_path, "train/a.wav", "airplane/b.wav")).labels == ("airplane", "train")


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

    def test_spaces_around_values_are_no_part_of_them(self, tmp_path: Path) -> None:
        table(tmp_path, "file_name, label ,recording\na.wav, dog , r1\n b.wav,dog,r2\n")
        assert [(clip.id, clip.label, clip.group) for clip in folder.load(tmp_path).clips] == [
            ("a.wav", "dog", "r1"),
            ("b.wav", "dog", "r2"),
        ]

    @pytest.mark.parametrize(
        ("name", "text"),
        [
            ("Metadata.CSV", "file_name,label\na.wav,dog\n"),
            ("metadata.csv", "file_name;label\na.wav;dog\n"),
            ("metadata.csv", "\ufefffile_name\tlabel\r\na.wav\tdog\r\n"),
            ("metadata.jsonl", '{"file_name": "a.wav", "label": "dog", "fold": null, "note": [1]}\n\n'),
        ],
    )
    def test_tables_as_programs_write_them(self, name: str, text: str, tmp_path: Path) -> None:
        (sounds(tmp_path, "a.wav") / name).write_text(text, newline="")
        assert [(clip.id, clip.label) for clip in folder.load(tmp_path).clips] == [("a.wav", "dog")]
        assert folder.load(tmp_path).warnings == ()

    def test_numbers_in_json_are_read_as_in_csv(self, tmp_path: Path) -> None:
        (tmp_path / "metadata.jsonl").write_text('{"file_name": "a.wav", "label": 3, "recording": "r", "fold": 2}\n')
        (clip,) = folder.load(tmp_path).clips
        assert (clip.label, clip.group, clip.fold) == ("3", "r", 2)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ('{"file_name": "a.wav", "label": "dog"}\n{"file_name"', "line 2: .*; correct the table"),
            ('["a.wav", "dog"]', "line 1: is not an object such as"),
            ('{"file_name": "a.wav", "label": ["dog"]}', "line 1: label is not text"),
            ('{"file_name": "a.wav", "label": true}', "line 1: label is not text"),
            ('\n{"file_name": "a.wav"}', "line 2: has no file_name or no label"),
            ('{"file_name": "a.wav", "label": "\\ud800"}', "line 1: .*surrogates not allowed"),
            ("[" * 100_000, "line 1: .*recursion"),
        ],
    )
    def test_damaged_json_names_the_line(self, text: str, problem: str, tmp_path: Path) -> None:
        (tmp_path / "metadata.jsonl").write_text(text)
        with pytest.raises(DataError, match=rf"metadata\.jsonl, {problem}"):
            folder.load(tmp_path)

    def test_two_tables_are_one_too_many(self, tmp_path: Path) -> None:
        for name in ("metadata.csv", "metadata.jsonl"):
            (tmp_path / name).touch()
        with pytest.raises(DataError, match=r"has metadata\.csv and metadata\.jsonl: keep the one"):
            folder.load(tmp_path)

    def test_sounds_that_the_table_lacks_are_counted(self, tmp_path: Path) -> None:
        table(sounds(tmp_path, "a.wav", "b.wav", "sub/c.wav"), "file_name,label\na.wav,dog\n")
        assert folder.load(tmp_path).warnings == (f"2 sound files in {tmp_path} not in metadata.csv, such as b.wav",)

    @pytest.mark.parametrize(
        ("text", "problem"),
        [
            ("file_name\na.wav\n", "line 1: has no column label; the table takes file_name and label, and where known"),
            ("slice_file_name,class\na.wav,dog\n", "line 1: has no column file_name and label; the table takes file_n"),
            ("file_name,label,label\na.wav,dog,cat\n", "line 1: has the column label twice"),
            ("file_name,label\na.wav,dog, barking\n", "line 2: has 3 fields, the header 2"),
            ('file_name,label\na.wav,dog\nb.wav,"dog\nc.wav,cat\n', "line 3: unexpected end of data"),
            (
                'file_name,label\na.wav,"dog\nb.wav,cat"\n',
                "line 3: has the label .* over several lines: a quote is not",
            ),
            ("file_name,label\na.wav,  \n", "line 2: has no file_name or no label"),
            ("file_name,label\na\0.wav,dog\n", "line 2: "),
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
