"""The built-in model's record of what it was trained on, against the real ESC-50."""

import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from hubbub import audio
from hubbub.data import esc50
from hubbub.features.cache import sample_digest
from hubbub.listen.classifier import load
from hubbub.storage import digest

Hubbub = Callable[..., tuple[int, str, str]]


def test_a_renamed_training_clip_is_refused_by_its_samples(
    hubbub: Hubbub, esc50_clip: Callable[[str], Path], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine" / "dog").mkdir(parents=True)
    shutil.copy(esc50_clip("1-100032-A-0"), tmp_path / "mine" / "dog" / "rex.wav")  # in training
    shutil.copy(esc50_clip("5-208030-A-0"), tmp_path / "mine" / "dog" / "new.wav")  # a showcase clip, held out
    code, out, err = hubbub("evaluate", "built-in", "mine")
    assert (code, out) == (3, "")
    assert "has heard 1 of the 2 clips of mine" in err and "1 by decoded samples" in err


@pytest.mark.slow
def test_the_record_holds_the_digest_of_every_clip_but_the_showcase(esc50_root: Path) -> None:
    record = load().meta.training
    clips = [clip for clip in esc50.load(esc50_root).clips if digest("esc50", clip.id) in record.clips]
    assert {sample_digest(*audio.read(clip.path)) for clip in clips} == record.samples
    assert len(clips) == 2000 - len(esc50.SHOWCASE)
