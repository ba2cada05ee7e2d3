from pathlib import Path

import pytest

from hubbub.data import recordings
from hubbub.data.dataset import Clip


def groups(*names: str, told: tuple[str, ...] = ()) -> tuple[list[str], str]:
    """The groups of clips of two classes or more, `LABEL/NAME`, of which the table tells the first ones'."""
    given = dict(zip(names, told, strict=False))
    clips = [Clip(name, Path(name), name.split("/")[0], given.get(name, "")) for name in names]
    result, grouped_by = recordings.assigned(clips)
    return [clip.group for clip in result], grouped_by


def test_the_stem_before_its_number_names_the_recording() -> None:
    names = ("dog/kitchen_01.wav", "dog/kitchen_02.m4a", "dog/kitchen (3).wav", "dog/garden-1.wav", "dog/garden-2.wav")
    assert groups(*names) == (["kitchen", "kitchen", "kitchen", "garden", "garden"], "file names")
    names = ("dog/2024-05-01_kitchen_002.m4a", "dog/2024-05-01_kitchen_003.m4a", "dog/bark.wav", "dog/bark (2).wav")
    assert groups(*names)[0] == ["2024-05-01_kitchen", "2024-05-01_kitchen", "bark", "bark"]
    assert groups("dog/Rec 001-01.wav", "dog/Rec 001-02.wav", "dog/Rec 002-01.wav")[0][:2] == ["Rec 001", "Rec 001"]


def test_one_recording_may_have_given_clips_of_two_classes() -> None:
    assert groups("dog/walk_1.wav", "cat/walk_2.wav", "dog/b.wav", "cat/c.wav")[0][:2] == ["walk", "walk"]


@pytest.mark.parametrize(
    "stem",
    [
        *(
            "New Recording {}",
            "Recording ({})",
            "Voice 00{}",
            "IMG_123{}",
            "AUD-20240101-WA000{}",
            "track{}",
            "{}",
            "00{}",
        ),
        *("dog_{}", "dogs {}", "DR0000_012{}", "2024-05-0{}", "2024-05-01 10.20.3{}", "20240501_10150{}", "take-{}"),
        *("WhatsApp Audio 2024-01-01 at 10.20.3{}", "41735{}"),
    ],
)
def test_numbers_that_devices_and_people_count_with_tell_nothing(stem: str) -> None:
    names = [f"dog/{stem.format(number)}.m4a" for number in range(1, 5)] + ["dog/other.wav"]
    assert groups(*names) == (names, "each file")


def test_a_class_keeps_at_least_two_recordings() -> None:
    names = ("dog/yard_1.wav", "dog/yard_2.wav", "cat/sofa_1.wav", "cat/sofa_2.wav", "cat/roof_1.wav")
    assert groups(*names) == (["dog/yard_1.wav", "dog/yard_2.wav", "sofa", "sofa", "cat/roof_1.wav"], "file names")


def test_what_the_table_says_holds() -> None:
    names = ("dog/yard_1.wav", "dog/yard_2.wav", "dog/yard_3.wav")
    assert groups(*names, told=("r1", "r2", "r2")) == (["r1", "r2", "r2"], "the column recording")
    assert groups(*names, "dog/x.wav", told=("r1",)) == (["r1", "yard", "yard", "dog/x.wav"], "the column recording")


def test_names_of_esc50() -> None:
    assert groups("dog/1-100-A-0.wav", "dog/1-100-B-0.wav") == (["100", "100"], "ESC-50's names")
    assert groups("dog/1-100-A-0.wav", "dog/1-100-B-0.wav", "dog/rex.wav")[1] == "file names"
