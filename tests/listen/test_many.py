from pathlib import Path

import numpy as np
import pytest
import soundfile

import tinymodel
from hubbub import audio
from hubbub.errors import AudioError, ModelFileError
from hubbub.listen.answer import Answer
from hubbub.listen.classifier import Classifier
from hubbub.listen.many import Embedding, answers, embeddings

RATE = tinymodel.SPEC.sample_rate


@pytest.fixture
def sounds(tmp_path: Path) -> list[Path]:
    """A low and a high tone, and between them what cannot be heard."""
    time = np.arange(RATE) / RATE
    soundfile.write(tmp_path / "low.wav", 0.5 * np.sin(2 * np.pi * 150 * time), RATE)
    soundfile.write(tmp_path / "high.wav", 0.5 * np.sin(2 * np.pi * 2800 * time), RATE)
    soundfile.write(tmp_path / "nan.wav", np.full(100, np.nan), RATE, subtype="FLOAT")
    (tmp_path / "empty.wav").touch()
    (tmp_path / "letter.wav").write_text("Dear hubbub,\n" * 50)
    return [tmp_path / name for name in ("low.wav", "gone.wav", "empty.wav", "letter.wav", "nan.wav", "high.wav")]


@pytest.mark.parametrize("jobs", [1, 2])
def test_answers_and_errors_come_in_order(sounds: list[Path], tiny_model: Path, jobs: int) -> None:
    results = list(answers(sounds, tiny_model, top=1, jobs=jobs))
    errors = [audio.MissingAudioError, audio.EmptyAudioError, audio.UnreadableAudioError, audio.InvalidSamplesError]
    assert [type(result) for result in results] == [Answer, *errors, Answer]
    assert [p.label for result in results if isinstance(result, Answer) for p in result.predictions] == ["low", "high"]
    named = zip(sounds, results, strict=True)
    assert all(path.name in str(result) for path, result in named if isinstance(result, AudioError))


def test_results_come_one_by_one(sounds: list[Path], tiny_model: Path) -> None:
    walk = answers(sounds[:2], tiny_model)
    assert isinstance(next(walk), Answer)
    sounds[1].write_bytes(sounds[0].read_bytes())  # it was not there when the walk began
    assert isinstance(next(walk), Answer)


def test_embeddings_are_those_of_the_classifier(sounds: list[Path], tiny_model: Path) -> None:
    first, missing = embeddings(sounds[:2], tiny_model)
    assert isinstance(first, Embedding) and isinstance(missing, audio.MissingAudioError)
    np.testing.assert_array_equal(first.values, Classifier(tiny_model).embed(sounds[0]))


def test_a_model_that_cannot_be_opened_ends_it(sounds: list[Path], tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"gone\.onnx"):
        next(answers(sounds, tmp_path / "gone.onnx"))
