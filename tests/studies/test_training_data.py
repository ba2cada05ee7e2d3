"""Training on a folder of one's own sounds: what is said before the work, what is refused, and what a run is."""

import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from hubbub import audio
from hubbub.errors import AudioError, DataError, RefusedError, UsageError
from hubbub.studies.experiment import Experiment
from hubbub.studies.training_data import Unreadable, settle

RATE = 8000
OVERRIDES = {"network.width": 0.1, "stages.0.epochs": 1, "seconds": 0.5, "validation": 0.3}


def write(path: Path, pitch: float, seconds: float = 0.4, seed: int = 0) -> None:
    """A hum in noise."""
    noise = np.random.default_rng(seed).normal(0, 0.05, round(seconds * RATE))
    audio.write_wav(path, 0.3 * np.sin(2 * np.pi * pitch * np.arange(len(noise)) / RATE) + noise, RATE)


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Four recordings of each of two classes, one clip each, and an empty folder to work in."""
    monkeypatch.setenv("HUBBUB_CACHE", str(tmp_path / "cache"))
    monkeypatch.chdir(tmp_path)
    for label, pitch in (("hiss", 3000), ("hum", 200)):
        for number, name in enumerate(("ash", "elm", "fir", "oak")):
            write(tmp_path / "mine" / label / f"{label} {name}.wav", pitch + 40 * number, seed=number)
    return tmp_path / "mine"


def prepared(**request: Any) -> tuple[Experiment, list[str]]:
    """An experiment on that folder, and what was said on the way."""
    lines: list[str] = []
    usual: dict[str, Any] = {"recipe": "cnn", "budget": "quick", "dataset": "mine", "overrides": OVERRIDES}
    return Experiment.prepare(**usual | {"log": lines.append} | request), lines


# --- the split --------------------------------------------------------------------------------------------------------


def test_a_folder_without_folds_is_split_by_recording_and_says_so(mine: Path) -> None:
    experiment, lines = prepared()
    assert experiment.recipe.split.kind == "grouped" and experiment.recipe.split.folds == 4
    assert lines == ["grouped: 8 clips of 8 recordings (by each file), 4 folds"]
    run = experiment.train()
    assert run.folder.name == "cnn-quick-mine-grouped-fold1" and len(run.predictions.clips) == 2


def test_fewer_folds_can_be_asked_for_without_naming_the_split(mine: Path) -> None:
    experiment, lines = prepared(overrides=OVERRIDES | {"split.folds": 2})
    assert (experiment.recipe.split.kind, experiment.recipe.split.folds) == ("grouped", 2)
    experiment, lines = prepared(split="grouped")
    assert experiment.recipe.split.folds == 5
    assert lines[1] == (
        "fewer recordings than folds, so that not every fold tests them: hiss 4, hum 4;"
        " add recordings, or give fewer folds (--set split.folds=4)"
    )


def test_patterns_for_other_names_give_way_to_recordings(mine: Path) -> None:
    request = {"recipe": "resnet50-imagenet", "budget": None, "split": None, "overrides": None, "pictures": None}
    recipe, _ = settle(request | {"allow_leaky": False}, "mine", Unreadable(lambda line: None, strict=False))
    assert (recipe.split.kind, recipe.split.folds, recipe.split.patterns) == ("grouped", 4, None)


@pytest.mark.parametrize("recipe", ["cnn", "probe"])
@pytest.mark.parametrize(
    ("clips", "said"),
    [
        (["hum/hum ash.wav"], r"mine has one class, hum \(1 clip\)"),
        (["hum/hum ash.wav", "hum/hum elm.wav"], r"mine has one class, hum \(2 clips\)"),
        (["hum/hum ash.wav", "hiss/hiss ash.wav"], "one recording alone of hiss, hum, which cannot be both"),
        (["hum/hum ash.wav", "hiss/hiss ash.wav", "hiss/hiss elm.wav"], "one recording alone of hum, which cannot"),
    ],
)
def test_too_few_recordings_are_named_in_a_line(mine: Path, recipe: str, clips: list[str], said: str) -> None:
    for path in mine.rglob("*.wav"):
        if path.relative_to(mine).as_posix() not in clips:
            path.unlink()
    for path in mine.iterdir():
        if not any(path.iterdir()):
            path.rmdir()
    with pytest.raises(UsageError, match=said):
        prepared(recipe=recipe, overrides={"network.width": 0.1})


def test_a_probe_learns_from_two_recordings_of_a_class(mine: Path) -> None:
    for path in mine.rglob("* [fo]*.wav"):
        path.unlink()
    overrides = {"network.width": 0.1, "network.weights": None, "seconds": 0.5, "c_grid": [0.01, 0.1, 1.0]}
    run = prepared(recipe="probe", budget=None, overrides=overrides)[0].cross_validate(final=False)
    assert len(run.predictions.clips) == 4 and run.folds[0].record.outcome["c"] == 0.1
    with pytest.raises(UsageError, match=r"leaves no recording to choose a checkpoint by \(.*hiss 2 and hum 2\)"):
        prepared()[0].train()


# --- what cannot be read ----------------------------------------------------------------------------------------------


def test_a_broken_file_is_named_at_once_and_the_rest_goes_on(mine: Path) -> None:
    (mine / "hum" / "hum zzz.wav").write_bytes(b"no sound")
    experiment, lines = prepared()
    assert lines[0].startswith("left out: ") and "hum zzz.wav" in lines[0] and lines[1].startswith("grouped: 8 clips")
    run = experiment.train()
    assert list(run.record.outcome["unreadable"]) == ["hum/hum zzz.wav"]
    assert all(row["clip"] != "hum/hum zzz.wav" for row in run.clips)
    with pytest.raises(AudioError, match=r"hum zzz\.wav"):
        prepared(strict=True)


def test_samples_that_turn_bad_on_the_way_leave_a_clip_out_too(mine: Path) -> None:
    import soundfile

    bad = np.full(4000, np.nan, np.float32)
    soundfile.write(mine / "hum" / "hum zzz.wav", bad, RATE, subtype="FLOAT")
    experiment, lines = prepared()
    assert any(line.startswith("left out: ") and "hum zzz.wav" in line for line in lines)
    assert len(experiment.dataset.clips) == len(experiment.job.arrays.ids) == 8
    for path in (mine / "hiss").iterdir():
        path.write_bytes(b"no sound")
    with pytest.raises(DataError, match="no clip of the class hiss of mine can be read"):
        prepared()


# --- how much is heard ------------------------------------------------------------------------------------------------


def test_how_much_of_long_clips_is_heard_is_said(mine: Path) -> None:
    write(mine / "hum" / "hum oak.wav", 200, seconds=2.1)
    line = prepared()[1][1]
    assert line == "hears the first 0.5 s of each clip: 3 of 5 s (1 clip is longer); --set crop=all hears all"
    assert prepared(overrides=OVERRIDES | {"crop": "all"})[1][1] == "hears all of each clip: 5 s in windows of 0.5 s"


@pytest.mark.parametrize("crop", ["all", "random"])
def test_every_window_of_a_long_clip_is_heard_and_its_prediction_is_one(mine: Path, crop: str) -> None:
    for path in (mine / "hum").iterdir():
        write(path, 200, seconds=2.1)
    experiment, _ = prepared(overrides=OVERRIDES | {"crop": crop, "augment.gain_db": 6, "network.dropout": 0.0})
    arrays, split = experiment.job.arrays, experiment.split(1)
    long = next(name for name in split.train if name.startswith("hum"))
    assert len(arrays.rows([long])) == (5 if crop == "all" else 8)
    trained = [arrays.ids[row] for row in experiment.rows(split).train]
    assert trained.count(long) == (5 if crop == "all" else 1)
    run = experiment.cross_validate()
    assert sorted(run.predictions.clips) == sorted(clip.id for clip in experiment.dataset.clips)
    assert experiment.predict(run.child("final"), [long]).clips == (long,)


def test_pictures_hear_the_beginning_alone(mine: Path) -> None:
    with pytest.raises(UsageError, match=r"pictures show the first 0\.5 s of each clip alone: leave out crop"):
        prepared(pictures=mine, overrides=OVERRIDES | {"crop": "all"})


def test_a_probe_has_no_epochs_to_draw_windows_in(mine: Path) -> None:
    with pytest.raises(UsageError, match="crop random is for training in epochs: a probe takes first or all"):
        prepared(recipe="probe", overrides={"crop": "random"})


# --- a run is what its content says -----------------------------------------------------------------------------------


def more_clips(mine: Path) -> None:
    write(mine / "hum" / "hum yew.wav", 300)


def moved(mine: Path) -> None:
    (mine / "hum" / "hum ash.wav").rename(mine / "hiss" / "hum ash.wav")


def other_audio(mine: Path) -> None:
    write(mine / "hum" / "hum ash.wav", 400)


def table(recordings: str, label: str = "hum", fold: int = 1) -> Callable[[Path], None]:
    """Lists the same clips in a table, with these recordings, a label for the first hum and a fold for the rest."""

    def write_table(mine: Path) -> None:
        lines = ["file_name,label,recording,fold"]
        for number, path in enumerate(sorted(mine.rglob("*.wav"))):
            name = path.relative_to(mine).as_posix()
            lines.append(
                f"{name},{label if number == 4 else path.parent.name},{recordings[number]},{number % 4 // fold + 1}"
            )
        (mine / "metadata.csv").write_text("\n".join(lines) + "\n")

    return write_table


@pytest.mark.parametrize(
    ("before", "change", "said"),
    [
        (None, more_clips, "clips"),
        (None, moved, "clips"),
        (None, other_audio, "samples"),
        (table("abcdefgh"), table("abcdefgh", label="hiss"), "labels of clips"),
        (table("abcdefgh"), table("aacdefgh"), "recordings"),
        (table("abcdefgh"), table("abcdefgh", fold=2), r"split|parts"),
    ],
)
def test_changed_sounds_under_the_same_name_are_another_run(
    mine: Path, before: Callable[[Path], None] | None, change: Callable[[Path], None], said: str
) -> None:
    split = {"split": "grouped", "overrides": OVERRIDES | {"split.folds": 2}} if before is None else {}
    if before:
        before(mine)
    experiment, lines = prepared(**split)
    done = experiment.train()
    first = done.record.content
    assert not any(line.startswith("already finished") for line in lines)
    experiment, lines = prepared(**split)
    experiment.train()
    assert f"already finished: {done.folder}" in lines
    change(mine)
    with pytest.raises(RefusedError, match=rf"holds a run that differs in .*({said}).*--fresh starts over"):
        prepared(**split)[0].train()
    again = prepared(**split)[0].train(fresh=True)
    assert again.folder == done.folder and again.finished
    assert again.record.content != first


def test_starting_over_removes_run_folders_only(mine: Path) -> None:
    experiment, _ = prepared()
    run = experiment.cross_validate(final=False)
    (run.folder / "old.txt").write_text("of the run before")
    Path("runs/diary.txt").write_text("mine")
    again = experiment.cross_validate(final=False, fresh=True)
    assert again.finished and not (run.folder / "old.txt").exists() and Path("runs/diary.txt").is_file()
    Path("runs/notes").mkdir()
    Path("runs/notes/diary.txt").write_text("mine")
    with pytest.raises(RefusedError, match="notes is not the folder of a run, and is left as it is"):
        experiment.train(name="notes", fresh=True)
    assert Path("runs/notes/diary.txt").is_file()


def test_folds_side_by_side_are_not_begun_beside_those_of_other_sounds(mine: Path) -> None:
    run = prepared()[0].cross_validate(final=False)
    shutil.rmtree(run.folder / "fold2")
    other_audio(mine)
    with pytest.raises(RefusedError, match="differs in samples"):
        prepared()[0].cross_validate(final=False, jobs=2)
    assert not (run.folder / "fold2").exists()
