import csv
import os
from collections.abc import Iterable, Iterator
from itertools import islice
from pathlib import Path

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import cutting, folder
from hubbub.data.marks import Lengths, Listed, Mark
from hubbub.errors import DataError, RefusedError

RATE = 8000


def ramp(path: Path, seconds: float) -> Path:
    """A recording of which each sample tells where it is."""
    audio.write_wav(path, np.arange(round(seconds * RATE)) % 30_000 / 32_768, RATE)
    return path


def rows(out: Path) -> list[tuple[str, ...]]:
    with (out / "metadata.csv").open(newline="") as file:
        return [tuple(row.values()) for row in csv.DictReader(file)]


@pytest.fixture
def recordings(tmp_path: Path) -> Path:
    """Twelve seconds of a dog, four of a cat in a file of the same name, and one that is no sound."""
    ramp(tmp_path / "rec" / "dog" / "walk.wav", 12)
    ramp(tmp_path / "rec" / "cat" / "walk.wav", 4)
    (tmp_path / "rec" / "dog" / "broken.wav").write_bytes(b"no sound")
    return tmp_path / "rec"


def test_clips_of_a_length_are_a_dataset_that_knows_its_recordings(recordings: Path, tmp_path: Path) -> None:
    outcome = cutting.cut([recordings], tmp_path / "out", Lengths(5))
    assert outcome[:4] == (2, 0, 3, 14.0)
    assert len(outcome.problems) == 1 and "broken.wav" in outcome.problems[0]
    dataset = folder.load(tmp_path / "out")
    assert [clip.label for clip in dataset.clips] == ["cat", "dog", "dog"] and dataset.warnings == ()
    assert len({clip.group for clip in dataset.clips}) == 2 and dataset.grouped_by == "the column recording"
    assert [row[3:] for row in rows(tmp_path / "out")] == [("0.000", "4.000"), ("0.000", "5.000"), ("5.000", "10.000")]
    whole, rate = audio.read(recordings / "dog" / "walk.wav")
    clip, clip_rate = audio.read(dataset.clips[2].path)
    assert rate == clip_rate and np.array_equal(clip, whole[5 * RATE : 10 * RATE])


def test_overlapping_clips_hold_what_the_sound_has_there(tmp_path: Path) -> None:
    whole, _ = audio.read(ramp(tmp_path / "a" / "r.wav", 25.3))
    cutting.cut([tmp_path / "a"], tmp_path / "out", Lengths(4, 1.7), file_format="flac")
    for name, label, _, start, end in rows(tmp_path / "out"):
        clip, _ = audio.read(tmp_path / "out" / name)
        assert label == "a" and np.array_equal(clip, whole[round(float(start) * RATE) : round(float(end) * RATE)])
    assert len(rows(tmp_path / "out")) == 14  # the last ones, of 3.2 and 1.5 s, are half a clip and less


def test_marks_name_classes_whatever_signs_these_have(recordings: Path, tmp_path: Path) -> None:
    dog = recordings / "dog" / "walk.wav"
    labels = ("a/b", "..", "犬", "x" * 300, "", 'c:"?\n')
    rule = Listed({dog: [*(Mark(number, number + 1, label) for number, label in enumerate(labels)), Mark(13, 14)]})
    outcome = cutting.cut([dog], tmp_path / "out", rule, label="else")
    assert outcome.problems == (f"{dog}: 1 of 7 marks begin after its end",)
    assert sorted(row[1] for row in rows(tmp_path / "out")) == sorted(label or "else" for label in labels)
    assert all(path.resolve().is_relative_to(tmp_path / "out") for path in (tmp_path / "out").rglob("*.wav"))
    assert len(list((tmp_path / "out").rglob("*.wav"))) == 6


def test_an_interruption_is_gone_on_from(recordings: Path, tmp_path: Path) -> None:
    def interrupted(sounds: Iterable[Path]) -> Iterator[Path]:
        yield from islice(sounds, 1)
        raise KeyboardInterrupt

    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        cutting.cut([recordings], out, Lengths(5), track=interrupted)  # type: ignore[arg-type]
    (cat,) = out.rglob("*.wav")
    stamp = cat.stat().st_mtime_ns
    assert len(folder.load(out).clips) == 1
    outcome = cutting.cut([recordings], out, Lengths(5))
    assert outcome[:3] == (1, 1, 2) and len(folder.load(out).clips) == 3 and cat.stat().st_mtime_ns == stamp


def test_what_was_killed_within_a_recording_is_made_again(
    recordings: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Killed(BaseException):
        pass

    def killed(self: cutting._Folder, sound: Path, note: cutting._Note) -> None:
        raise Killed

    out = tmp_path / "out"
    with monkeypatch.context() as patch, pytest.raises(Killed):
        patch.setattr(cutting._Folder, "end", killed)
        cutting.cut([recordings / "dog" / "walk.wav"], out, Lengths(5))
    assert rows(out) == [] and len(list(out.rglob("*.wav"))) == 2
    assert cutting.cut([recordings / "dog" / "walk.wav"], out, Lengths(5)).clips == 2
    assert len(list(out.rglob("*.wav"))) == len(rows(out)) == 2


def test_what_a_user_deleted_or_changed_stays_so(recordings: Path, tmp_path: Path) -> None:
    out = tmp_path / "out"
    cutting.cut([recordings / "dog" / "walk.wav"], out, Lengths(5))
    (out / "dog" / "walk-0001.wav").unlink()
    table = out / "metadata.csv"
    table.write_text(
        table.read_text().replace("dog,walk", "wolf,walk").replace("end\n", "end,note\n").replace("0\n", "0,!\n")
    )
    assert cutting.cut([recordings / "cat" / "walk.wav"], out, Lengths(5)).clips == 1
    assert [row[1] for row in rows(out)] == ["cat", "wolf"] and [row[5] for row in rows(out)] == ["", "!"]


def test_another_rule_or_a_changed_recording_is_refused(recordings: Path, tmp_path: Path) -> None:
    dog, out = recordings / "dog" / "walk.wav", tmp_path / "out"
    cutting.cut([dog], out, Lengths(5))
    (problem,) = cutting.cut([dog], out, Lengths(4)).problems
    assert problem == f"{dog} was cut into {out} in another way: give a new folder"
    ramp(dog, 6)
    (problem,) = cutting.cut([dog], out, Lengths(5)).problems
    assert problem == f"{dog} was cut into {out} and has changed since: give a new folder"
    assert len(rows(out)) == 2


def test_a_folder_of_something_else_is_left_alone(recordings: Path) -> None:
    with pytest.raises(RefusedError, match="is not an empty folder: give a new one"):
        cutting.cut([recordings], recordings / "cat", Lengths())
    assert [path.name for path in (recordings / "cat").iterdir()] == ["walk.wav"]


def test_clips_are_not_cut_again_where_they_lie_among_the_recordings(recordings: Path) -> None:
    for _ in range(2):
        cutting.cut([recordings], recordings / "clips", Lengths(1))
    assert len(rows(recordings / "clips")) == 16


@pytest.mark.skipif(os.name == "nt", reason="such names are not possible there")
def test_names_of_every_kind(tmp_path: Path) -> None:
    source = ramp(tmp_path / "r.wav", 1)
    names = (
        "my dog.wav",
        "-x.wav",
        "🐶é.wav",
        "$a$.wav",
        "a\nb\x1b[31m.wav",
        "l" * 251 + ".wav",
        "a-0001.wav",
        "a.wav",
    )
    (tmp_path / "in").mkdir()
    for name in map(os.fsencode, names):
        (Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/" + name))).write_bytes(source.read_bytes())
    Path(os.fsdecode(os.fsencode(tmp_path / "in") + b"/\xff.wav")).write_bytes(source.read_bytes())
    outcome = cutting.cut([tmp_path / "in"], tmp_path / "out", Lengths(5))
    assert (outcome.clips, outcome.problems) == (9, ())
    dataset = folder.load(tmp_path / "out")
    assert len({clip.group for clip in dataset.clips}) == 9 and dataset.unreadable() == []


@pytest.mark.parametrize("content", ["{}", '{"source": 1}', "[]", "{", '{"rows": [[1]]}'])
def test_a_damaged_note_is_named(content: str, recordings: Path, tmp_path: Path) -> None:
    cutting.cut([recordings / "cat"], tmp_path / "out", Lengths())
    (note,) = (tmp_path / "out" / ".cut").glob("*.json")
    note.write_text(content)
    with pytest.raises(DataError, match=f"{note.name} is "):
        cutting.cut([recordings / "cat"], tmp_path / "out", Lengths())
