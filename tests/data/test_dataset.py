import os
from pathlib import Path

import pytest

import tinyesc50
from hubbub.data import esc50, sources
from hubbub.data.dataset import Clip, Dataset


def clip(name: str, group: str = "g", fold: int | None = 1, label: str = "dog", path: str = "gone.wav") -> Clip:
    return Clip(name, Path(path), label, group, fold)


def made_of(*clips: Clip) -> Dataset:
    return Dataset("some", "Some", ("dog", "cat"), clips, "CC0", "nobody", "nowhere")


# --- the contract, which every dataset keeps --------------------------------------------------------------------------


def test_it_says_what_it_is(dataset: Dataset) -> None:
    assert dataset.name in sources.SOURCES
    assert all([dataset.title, dataset.licence, dataset.citation, dataset.source])


def test_its_labels_are_those_of_its_clips(dataset: Dataset) -> None:
    assert len(set(dataset.labels)) == len(dataset.labels) > 1
    assert {clip.label for clip in dataset.clips} == set(dataset.labels)


def test_its_labels_have_categories(dataset: Dataset) -> None:
    assert list(dataset.categories) == list(dataset.labels)


def test_its_ids_are_unique_sorted_and_without_a_place(dataset: Dataset) -> None:
    ids = [clip.id for clip in dataset.clips]
    assert ids == sorted(set(ids)) and set(dataset.showcase) <= set(ids)
    assert not any(os.sep in name for name in ids)


def test_its_folds_count_from_one(dataset: Dataset) -> None:
    assert dataset.folds == tuple(range(1, len(dataset.folds) + 1))
    assert all(clip.fold is not None for clip in dataset.clips) or not dataset.folds


def test_its_clips_know_their_recording(dataset: Dataset) -> None:
    assert all(clip.group for clip in dataset.clips)
    assert all(len({clip.fold for clip in clips}) > 1 for clips in dataset.spanning.values())


def test_every_class_is_in_every_fold(dataset: Dataset) -> None:
    assert len({(clip.label, clip.fold) for clip in dataset.clips}) == len(dataset.labels) * len(dataset.folds)


def test_its_files_are_there_and_can_be_checked(dataset: Dataset) -> None:
    if not dataset.clips[0].path.is_file():
        pytest.skip("HUBBUB_ESC50 has no WAV files, it is not laid out as the release")
    walked = []
    assert dataset.unreadable(lambda clips: (walked.append(clip) or clip for clip in clips)) == []  # type: ignore[func-returns-value]
    assert walked == list(dataset.clips)


# --- what a dataset knows of itself -----------------------------------------------------------------------------------


def test_folds() -> None:
    assert made_of(clip("a", fold=2), clip("b", fold=1), clip("c", fold=2)).folds == (1, 2)
    assert made_of(clip("a", fold=None)).folds == ()


def test_spanning_lists_recordings_in_several_folds() -> None:
    a, b, c, d = clip("a", "x", 1), clip("b", "y", 1), clip("c", "x", 2), clip("d", "y", 1)
    assert made_of(a, b, c, d).spanning == {"x": (a, c)}
    assert made_of(clip("a", fold=None), clip("b", fold=None)).spanning == {}


def test_the_tiny_release_has_one_spanning_recording(tiny_original: Path) -> None:
    spanning = esc50.load(tiny_original).spanning
    assert {name: [(c.fold, c.label) for c in clips] for name, clips in spanning.items()} == {
        "100000": [(1, "dog"), (1, "dog"), (2, "rooster")]
    }


def test_a_clip_that_is_cut_off_is_named_with_both_lengths(tmp_path: Path) -> None:
    tinyesc50.write_clip(tmp_path / "cut.wav", frames=44_100)
    (tmp_path / "cut.wav").write_bytes((tmp_path / "cut.wav").read_bytes()[:44_144])
    (problem,) = made_of(clip("cut", path=str(tmp_path / "cut.wav"))).unreadable()
    assert "cut.wav" in problem and "0.50 s" in problem and "1.00 s" in problem


def test_each_unreadable_clip_is_named(tmp_path: Path) -> None:
    tinyesc50.write_clip(tmp_path / "fine.wav")
    (tmp_path / "text.wav").write_text("no sound\n")
    paths = [str(tmp_path / name) for name in ("fine.wav", "gone.wav", "text.wav")]
    problems = made_of(*(clip(path, path=path) for path in paths)).unreadable()
    assert len(problems) == 2 and paths[1] in problems[0] and paths[2] in problems[1]
