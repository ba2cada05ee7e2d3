from collections.abc import Iterable
from pathlib import Path

import numpy as np
import pytest
import soundfile

import hubbub
from hubbub import audio
from hubbub.data import esc50
from hubbub.data.dataset import Clip
from hubbub.data.folder import load
from hubbub.features.cache import sample_digest
from hubbub.logmel import Floats
from hubbub.modelfile import TrainingRecord
from hubbub.studies.contamination import compare, count_matches, describe_matches, match_names

RATE = 8000
#: Two clips of recording 100 of a dataset like ESC-50, and one of a folder.
RECORD = TrainingRecord.of("esc50", ["1-100-A-0.wav", "2-100-B-0.wav"], ["100"], [])
FOLDER = TrainingRecord.of("mine", ["dog/rex.wav"], ["dog/rex.wav"], [])


def clip(name: str, group: str | None = None, label: str = "dog", path: Path = Path(), **more: str) -> Clip:
    return Clip(name, path, label, name if group is None else group, **more)


def noise(seed: int, rate: int = RATE) -> Floats:
    return (0.1 * np.random.default_rng(seed).standard_normal(rate)).astype(np.float32)


def names_of(record: TrainingRecord, *clips: Clip) -> dict[str, tuple[str, ...]]:
    return dict(match_names(record, clips))


class TestByName:
    @pytest.mark.parametrize(
        "name",
        [
            "1-100-A-0.wav",
            "dog/fold1/1-100-A-0.wav",
            "sounds/1-100-A-0.mp3",
            "1-100-A-0.wav-copy3.flac",
            "1-100-A-0.WAV",
            "1-100-a-0.Wav",
            "1-100-A-0.wav.wav.mp3",
            "copy_of_1-100-A-0.wav.wav",
            "dog 1-100-A-0 (1).wav",
            "dog1-100-A-0_cut.flac",
            "1-100-A-0/start.wav",
        ],
    )
    def test_a_file_name_is_known_in_any_folder_and_format(self, name: str) -> None:
        assert names_of(RECORD, clip(name)) == {name: ("clip", "recording")}

    def test_another_cut_of_a_known_recording(self) -> None:
        assert names_of(RECORD, clip("5-100-F-0.wav")) == {"5-100-F-0.wav": ("recording",)}
        assert names_of(RECORD, clip("barking.wav", group="100")) == {"barking.wav": ("recording",)}

    def test_a_copy_is_known_by_what_it_was_made_of(self) -> None:
        copy = clip("warped.flac", group="?", made_from="1-100-A-0.wav")
        assert names_of(RECORD, copy) == {"warped.flac": ("clip", "recording")}

    def test_names_that_only_resemble_known_ones(self) -> None:
        others = [
            "1-1000-A-0.wav",
            "1-10-A-0.wav",
            "1-100-0.wav",
            "21-100-A-0.wav",
            "1-100-AB-0.wav",
            "100.wav",
            "1-100-A.wav",
            "rex.wav",
        ]
        assert names_of(RECORD, *map(clip, others)) == {}

    @pytest.mark.parametrize("name", ["dog/rex.ogg", "data/rex.wav", "data/rex.wav.WAV"])
    def test_a_folder_of_classes_is_known_again_as_a_table(self, name: str) -> None:
        assert "clip" in names_of(FOLDER, clip(name))[name]
        assert names_of(FOLDER, clip(name, label="cat")) == ({name: ("clip", "recording")} if "dog/" in name else {})

    def test_a_model_that_does_not_say_what_it_has_heard(self) -> None:
        assert names_of(TrainingRecord(), clip("1-100-A-0.wav")) == {}


class TestCompare:
    def test_samples_are_known_under_any_name_and_in_any_lossless_format(self, tmp_path: Path) -> None:
        audio.write_wav(tmp_path / "a" / "known.wav", noise(1), RATE)
        known, _ = audio.read(tmp_path / "a" / "known.wav")
        record = TrainingRecord.of("mine", [], [], [sample_digest(known, RATE)])
        soundfile.write(tmp_path / "a" / "renamed.flac", known, RATE, subtype="PCM_16")
        soundfile.write(tmp_path / "a" / "stereo.wav", np.stack([known, known], 1), RATE, subtype="PCM_16")
        audio.write_wav(tmp_path / "a" / "new.wav", noise(2), RATE)
        audio.write_wav(tmp_path / "a" / "resampled.wav", audio.resample(known, RATE, 16_000), 16_000)
        comparison = compare(record, load(tmp_path).clips, {})
        assert comparison.matches == dict.fromkeys(["a/known.wav", "a/renamed.flac", "a/stereo.wav"], ("samples",))
        assert comparison.digests.keys() == {"a/new.wav", "a/resampled.wav"} and not comparison.unreadable
        assert comparison.digests["a/new.wav"] == sample_digest(*audio.read(tmp_path / "a" / "new.wav"))

    def test_the_recording_of_what_was_heard_is_heard(self, tmp_path: Path) -> None:
        for seed in range(3):
            audio.write_wav(tmp_path / f"{seed}.wav", noise(seed), RATE)
        record = TrainingRecord.of("mine", [], [], [sample_digest(*audio.read(tmp_path / "0.wav"))])
        clips = [clip(f"{seed}.wav", group, path=tmp_path / f"{seed}.wav") for seed, group in enumerate("rrs")]
        copy = clip("0-copy.wav", "r", path=tmp_path / "missing.wav", made_from="0.wav")
        comparison = compare(record, [*clips, copy], {})
        assert comparison.matches == {"0.wav": ("samples",), "1.wav": ("recording",), "0-copy.wav": ("recording",)}
        assert comparison.digests.keys() == {"2.wav"} and not comparison.unreadable

    def test_what_names_tell_is_not_opened_and_what_cannot_be_read_is_named(self, tmp_path: Path) -> None:
        (tmp_path / "bad.wav").write_text("no sound")
        audio.write_wav(tmp_path / "new.wav", noise(0), RATE)
        clips = [clip("1-100-A-0.wav", path=tmp_path / "missing"), clip("bad.wav", path=tmp_path / "bad.wav")]
        clips.append(clip("new.wav", path=tmp_path / "new.wav"))
        walked: list[Clip] = []

        def track(some: Iterable[Clip]) -> Iterable[Clip]:
            walked.extend(some)
            return walked

        comparison = compare(RECORD, clips, match_names(RECORD, clips), track)
        assert walked == clips[1:]
        assert comparison.matches == {"1-100-A-0.wav": ("clip", "recording")}
        assert comparison.digests.keys() == {"new.wav"}
        assert list(comparison.unreadable) == ["bad.wav"] and "does not decode" in comparison.unreadable["bad.wav"]


class TestTheBuiltInModel:
    def test_it_has_heard_all_of_esc50_but_the_showcase(self, esc50_root: Path) -> None:
        clips = esc50.load(esc50_root).clips
        comparison = match_names(hubbub.load().meta.training, clips)
        assert set(comparison.values()) == {("clip", "recording")}
        assert {one.id for one in clips} - set(comparison) == set(esc50.SHOWCASE)

    def test_it_knows_a_resampled_copy_in_other_folders(self, esc50_root: Path, tmp_path: Path) -> None:
        for one in esc50.load(esc50_root).clips[::400]:
            sound, _ = audio.read(one.path, 16_000)
            audio.write_wav(tmp_path / one.label / "deeper" / one.id, sound, 16_000)
        copies = load(tmp_path).clips
        assert len(match_names(hubbub.load().meta.training, copies)) == len(copies) == 5

    def test_it_knows_renamed_clips_by_their_samples(self, esc50_root: Path, tmp_path: Path) -> None:
        for number, one in enumerate(esc50.load(esc50_root).clips[::400]):
            audio.write_wav(tmp_path / one.label / f"sound {number}.wav", *audio.read(one.path))
        record, copies = hubbub.load().meta.training, load(tmp_path).clips
        assert not match_names(record, copies)
        assert set(compare(record, copies, {}).matches.values()) == {("samples",)}
        assert len(compare(record, copies, {}).matches) == 5


def test_how_many_match_in_which_way() -> None:
    matches = {"a": ("clip", "recording"), "b": ("recording",), "c": ("samples",)}
    assert count_matches(matches) == {"clip": 1, "recording": 2, "samples": 1}  # type: ignore[arg-type]
    assert describe_matches(matches) == "1 by clip id, 2 by source recording, 1 by decoded samples"  # type: ignore[arg-type]
    assert count_matches({}) == {}
