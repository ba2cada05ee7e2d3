import csv
import itertools
import json
import os
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub import audio
from hubbub.data import augmented_copies, sources
from hubbub.data.augmented_copies import About
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.synth import synthetic
from hubbub.errors import AudioError, DataError, RefusedError, UsageError

RATE, FRAMES = 8_000, 4_000


@pytest.fixture
def four(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Dataset:
    """Four tones of half a second in two folds, which pass for the dataset `synthetic`."""
    clips = []
    for number in range(4):
        path = tmp_path / "sounds" / f"{number}.wav"
        audio.write_wav(path, 0.5 * np.sin(np.arange(FRAMES) * 0.1 * (number + 1)), RATE)
        clips.append(Clip(path.name, path, ("dog", "cat")[number % 2], f"g{number}", number // 2 + 1))
    made = Dataset("synthetic", "Tones", ("dog", "cat"), tuple(clips), "CC0", "nobody", "made by code")
    monkeypatch.setattr(synthetic, "dataset", lambda: made)
    return made


@pytest.fixture
def folder(four: Dataset, tmp_path: Path) -> Path:
    """Eleven copies of them."""
    augmented_copies.expand(four, tmp_path / "out", ABOUT)
    return tmp_path / "out"


ABOUT = About("synthetic", 15)


def contents(folder: Path) -> dict[str, bytes]:
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def table(folder: Path) -> list[dict[str, str]]:
    with (folder / augmented_copies.TABLE).open(newline="") as file:
        return list(csv.DictReader(file))


def rewrite(folder: Path, rows: list[dict[str, str]]) -> None:
    with (folder / augmented_copies.TABLE).open("w", newline="") as file:
        writer = csv.DictWriter(file, rows[0])
        writer.writeheader()
        writer.writerows(rows)


# --- what is to be made -----------------------------------------------------------------------------------------------


def test_copies_are_shared_out_evenly(four: Dataset) -> None:
    copies = augmented_copies.planned(four, ABOUT)
    assert len({copy.file for copy in copies}) == len(copies) == 11
    assert sorted(Counter(copy.source.id for copy in copies).values()) == [2, 3, 3, 3]


def test_each_change_is_as_frequent_and_in_its_range(four: Dataset) -> None:
    copies = augmented_copies.planned(four, replace(ABOUT, total=3004))
    counts = Counter(copy.transform for copy in copies)
    assert set(counts) == {"hiss", "stretch", "pitch"} and all(900 < count < 1100 for count in counts.values())
    amounts = {kind: [copy.amount for copy in copies if copy.transform == kind] for kind in counts}
    assert set(amounts["hiss"]) == {0.005}
    assert 0.8 <= min(amounts["stretch"]) < 0.82 and 1.18 < max(amounts["stretch"]) <= 1.2
    assert -2 <= min(amounts["pitch"]) < -1.9 and 1.9 < max(amounts["pitch"]) <= 2


def test_a_greater_total_adds_to_the_same_copies(four: Dataset) -> None:
    assert augmented_copies.planned(four, replace(ABOUT, total=20))[:11] == augmented_copies.planned(four, ABOUT)
    assert augmented_copies.planned(four, replace(ABOUT, seed=1)) != augmented_copies.planned(four, ABOUT)


def test_the_usual_total_is_that_of_esc50_in_proportion(four: Dataset) -> None:
    assert augmented_copies.usual_total(four) == 16
    assert augmented_copies.usual_total(replace(four, clips=four.clips * 500)) == 8143


@pytest.mark.parametrize("total", [0, 4])
def test_a_total_that_leaves_nothing_to_make(four: Dataset, total: int, tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=f"a total of {total} leaves no copies to make of 4 clips"):
        augmented_copies.expand(four, tmp_path / "out", replace(ABOUT, total=total))
    assert not (tmp_path / "out").exists()


def test_copies_of_copies(folder: Path, four: Dataset) -> None:
    with pytest.raises(UsageError, match=r"synthetic\+11 has copies already: make copies of synthetic itself"):
        augmented_copies.planned(augmented_copies.load(folder, four), replace(ABOUT, total=99))


# --- making -----------------------------------------------------------------------------------------------------------


def test_clips_and_copies_are_one_dataset(folder: Path, four: Dataset) -> None:
    dataset = sources.open_dataset(str(folder))
    assert (dataset.name, dataset.title) == ("synthetic+11", "Tones, with 11 augmented copies")
    assert dataset.originals == four.clips and len(dataset.clips) == 15
    assert [clip.id for clip in dataset.clips] == sorted({clip.id for clip in dataset.clips})
    assert sources.verify(str(folder)) == []
    by_id = {clip.id: clip for clip in four.clips}
    for copy in set(dataset.clips) - set(four.clips):
        assert copy.made_from is not None
        source = by_id[copy.made_from]
        assert (copy.label, copy.group, copy.fold) == (source.label, source.group, source.fold)


def test_a_copy_is_its_source_changed_as_the_table_says(folder: Path, four: Dataset) -> None:
    for row in table(folder):
        samples, rate = audio.read(folder / "audio" / row["file"])
        source, _ = audio.read(four.clips[int(row["source"][0])].path)
        assert (len(samples), rate) == (FRAMES, RATE)
        if row["transform"] == "hiss":
            assert np.std(samples - source) == pytest.approx(0.005, rel=0.1)
        else:
            amount = float(row["amount"])
            factor = 2 ** (amount / 12) if row["transform"] == "pitch" else 1
            assert frequency(samples[1000:3000]) == pytest.approx(frequency(source[1000:3000]) * factor, abs=12)


def frequency(samples: np.ndarray) -> float:
    """Of a tone, in Hz."""
    return float(np.argmax(np.abs(np.fft.rfft(samples * np.hanning(len(samples)), RATE))))


def test_two_processes_and_another_place_make_the_same(folder: Path, four: Dataset, tmp_path: Path) -> None:
    walked = []
    augmented_copies.expand(four, tmp_path / "twice", ABOUT, 2, lambda copies: (walked.append(c) or c for c in copies))  # type: ignore[func-returns-value]
    assert contents(tmp_path / "twice") == contents(folder) and len(walked) == 11


def test_wav(four: Dataset, tmp_path: Path) -> None:
    dataset = augmented_copies.expand(four, tmp_path / "out", replace(ABOUT, format="wav"))
    infos = [audio.probe(clip.path) for clip in dataset.clips if clip.made_from]
    assert {(info.format, info.subtype, info.rate, info.frames) for info in infos} == {("WAV", "PCM_16", RATE, FRAMES)}


def test_what_would_clip_is_made_softer(four: Dataset, tmp_path: Path) -> None:
    for clip in four.clips:
        audio.write_wav(clip.path, np.sign(np.sin(np.arange(FRAMES) * 0.1)), RATE)
    dataset = augmented_copies.expand(four, tmp_path / "out", ABOUT)
    for clip in dataset.clips:
        samples, _ = audio.read(clip.path)
        assert np.sum(np.abs(samples) >= 32767 / 32768) <= (FRAMES if clip.made_from is None else 10)


def test_what_is_whole_stays_and_what_is_not_is_made_again(folder: Path, four: Dataset) -> None:
    before = contents(folder)
    kept, gone, cut, text = sorted((folder / "audio").iterdir())[:4]
    gone.unlink()
    cut.write_bytes(cut.read_bytes()[:400])
    text.write_text("no sound")
    (folder / augmented_copies.TABLE).unlink()
    stamp = kept.stat().st_mtime_ns
    augmented_copies.expand(four, folder, ABOUT)
    assert contents(folder) == before and kept.stat().st_mtime_ns == stamp


def test_an_interruption_leaves_a_folder_to_complete(four: Dataset, tmp_path: Path) -> None:
    def interrupted(copies: Iterable[Any]) -> Iterator[Any]:
        yield from itertools.islice(copies, 5)
        raise KeyboardInterrupt

    for jobs in (1, 2):
        with pytest.raises(KeyboardInterrupt):
            augmented_copies.expand(four, tmp_path / "out", ABOUT, jobs, interrupted)
        with pytest.raises(
            DataError, match=r"is not finished: complete it with `hubbub augment synthetic --out .*out "
        ):
            sources.open_dataset(str(tmp_path / "out"))
    assert len(augmented_copies.expand(four, tmp_path / "out", ABOUT).clips) == 15


@pytest.mark.parametrize("jobs", [1, 2])
def test_a_clip_that_cannot_be_read(four: Dataset, tmp_path: Path, jobs: int) -> None:
    four.clips[2].path.unlink()
    with pytest.raises(AudioError, match=r"2\.wav"):
        augmented_copies.expand(four, tmp_path / "out", ABOUT, jobs)


@pytest.mark.parametrize("other", [{"seed": 1}, {"total": 16}, {"format": "wav"}, {"source": "esc50"}])
def test_a_folder_of_other_copies_is_left_alone(folder: Path, four: Dataset, other: dict[str, object]) -> None:
    before = contents(folder)
    said = r"holds what `hubbub augment synthetic --out \S+ --total 15 --seed 0 --format flac` makes: give another"
    with pytest.raises(RefusedError, match=said):
        augmented_copies.expand(four, folder, replace(ABOUT, **other))  # type: ignore[arg-type]
    assert contents(folder) == before


def test_a_folder_that_holds_something_else_is_left_alone(four: Dataset, tmp_path: Path) -> None:
    for place in (tmp_path / "sounds", four.clips[0].path):
        with pytest.raises(RefusedError, match="is not an empty folder"):
            augmented_copies.expand(four, place, ABOUT)
    assert len(list((tmp_path / "sounds").iterdir())) == 4


@pytest.mark.skipif(os.name == "nt", reason="such names are not possible there")
def test_names_of_every_kind(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    root = Path(os.fsdecode(os.fsencode(tmp_path) + b"/m\xff\xe9ine"))
    audio.write_wav(tmp_path / "tone.wav", 0.3 * np.sin(np.arange(800) * 0.1), RATE)
    names = ("my dog.wav", "-x.wav", "🐶é.wav", "$a$.wav", "a\nb.wav", "l" * 251 + ".wav", "s/t/u.wav")
    for name in (b"dog/" + name for name in (*map(os.fsencode, names), b"\xff.wav", b"a.wav", b"a.wav-copy1.flac")):
        path = Path(os.fsdecode(os.fsencode(root) + b"/" + name))
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes((tmp_path / "tone.wav").read_bytes())
    out = Path(os.fsdecode(os.fsencode(tmp_path) + b"/out\xff"))
    monkeypatch.chdir(tmp_path)
    relative = root.name
    for _ in range(2):
        expanded = augmented_copies.expand(sources.open_dataset(relative), out, About(relative, 30))
        assert expanded.copies == 20
    monkeypatch.chdir("/")
    assert [clip.id for clip in sources.open_dataset(str(out)).clips] == [clip.id for clip in expanded.clips]
    assert sources.verify(str(out)) == []


def test_a_link_to_a_dataset_stays_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    audio.write_wav(tmp_path / "real" / "loose.wav", 0.3 * np.sin(np.arange(800) * 0.1), RATE)
    (tmp_path / "linked").symlink_to("real")
    monkeypatch.chdir(tmp_path)
    augmented_copies.expand(sources.open_dataset("linked"), tmp_path / "out", About("linked", 3))
    assert sources.open_dataset("out").labels == ("linked",)


def test_copies_inside_the_dataset_are_refused(tmp_path: Path) -> None:
    audio.write_wav(tmp_path / "mine" / "dog" / "a.wav", np.zeros(800), RATE)
    mine = sources.open_dataset(str(tmp_path / "mine"))
    with pytest.raises(UsageError, match=r"lies in the dataset .* itself: give a folder outside of it"):
        augmented_copies.expand(mine, tmp_path / "mine" / "more", About(mine.reference, 3))
    assert not (tmp_path / "mine" / "more").exists()


# --- opening ----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("column", "value", "said"),
    [
        ("file", "../x.flac", r"'\.\./x\.flac' lies outside the folder"),
        ("file", "0.wav", "'0.wav' is an original, not a copy"),
        ("file", "0.wav-copy1.flac", "lists 0.wav-copy1.flac again"),
        ("source", "9.wav", r"the dataset has no clip '9\.wav'"),
        ("label", "cow", r"label, recording and fold \('cow', .*\) are not those of"),
    ],
)
def test_an_impossible_line_is_named(folder: Path, column: str, value: str, said: str) -> None:
    rows = table(folder)
    rows[4][column] = value
    rewrite(folder, rows)
    with pytest.raises(DataError, match=rf"augmented\.csv, line 6: .*{said}.*; complete it with"):
        sources.open_dataset(str(folder))


def test_a_missing_file_is_named(folder: Path) -> None:
    lost = sorted((folder / "audio").iterdir())[2]
    lost.unlink()
    with pytest.raises(DataError, match=f"{lost} is missing, and 0 more copies: complete it with"):
        sources.open_dataset(str(folder))


def cut(folder: Path) -> None:
    path = folder / augmented_copies.TABLE
    path.write_text(path.read_text()[:-25])


def shorten(folder: Path) -> None:
    rewrite(folder, table(folder)[:-1])


def lose_a_column(folder: Path) -> None:
    rewrite(folder, [{name: value for name, value in row.items() if name != "source"} for row in table(folder)])


def lose_the_note(folder: Path) -> None:
    (folder / augmented_copies.ABOUT).unlink()


def spoil_the_note(folder: Path) -> None:
    (folder / augmented_copies.ABOUT).write_text("{")


def change_the_note(folder: Path) -> None:
    (folder / augmented_copies.ABOUT).write_text(json.dumps({"source": "synthetic", "total": "many"}))


@pytest.mark.parametrize(
    ("damage", "said"),
    [
        (cut, r"augmented\.csv, line 12: has . fields, the header 8"),
        (shorten, r"augmented\.csv lists 10 copies instead of 11"),
        (lose_a_column, "has no column source"),
        (lose_the_note, r"augmented\.json is damaged \(.*No such file"),
        (spoil_the_note, r"augmented\.json is damaged"),
        (change_the_note, r"augmented\.json is damaged \(a value is of the wrong kind"),
    ],
)
def test_a_damaged_folder(folder: Path, damage: Callable[[Path], None], said: str) -> None:
    damage(folder)
    with pytest.raises(DataError, match=said):
        sources.open_dataset(str(folder))


@pytest.mark.parametrize(
    "change",
    [
        *({"total": True}, {"total": 1e400}, {"total": -1}, {"seed": 2**63}, {"source": None}, {"format": ["flac"]}),
        *({"format": "mp3"}, {"version": "2"}, {"other": 1}),
    ],
)
def test_a_note_of_wrong_values_is_one_line(folder: Path, change: dict[str, Any]) -> None:
    path = folder / augmented_copies.ABOUT
    path.write_text(json.dumps(json.loads(path.read_text()) | change))
    with pytest.raises(DataError, match=r"augmented\.json is damaged \(.*\): make the copies again"):
        sources.open_dataset(str(folder))


@pytest.mark.parametrize("content", ["[" * 100_000, '{"total": ' + "9" * 10_000 + "}", "[1]", "\xff", ""])
def test_a_note_that_is_none_is_one_line(folder: Path, content: str) -> None:
    (folder / augmented_copies.ABOUT).write_text(content, encoding="latin-1")
    with pytest.raises(DataError, match=r"augmented\.json is damaged"):
        sources.open_dataset(str(folder))


def test_a_folder_of_another_version(folder: Path) -> None:
    note = json.loads((folder / augmented_copies.ABOUT).read_text())
    (folder / augmented_copies.ABOUT).write_text(json.dumps(note | {"version": 99}))
    with pytest.raises(RefusedError, match="made by another version of hubbub"):
        sources.open_dataset(str(folder))
