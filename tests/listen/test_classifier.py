import dataclasses
import io
import math
import subprocess
import sys
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import PIL.Image
import pytest
import soundfile

import hubbub
import reference
import tinymodel
from hubbub import audio, modelfile
from hubbub.errors import ModelFileError, UsageError
from hubbub.listen import classifier as listener
from hubbub.listen.backend import Backend
from hubbub.listen.classifier import Classifier

RATE = tinymodel.SPEC.sample_rate
TONES = {"low": 150, "middle": 900, "high": 2800}  # Hz, in the middle of each third of the mel axis


@pytest.fixture(scope="module")
def model(tiny_model: Path) -> Classifier:
    return Classifier(tiny_model, threads=1)


@pytest.fixture
def altered(tmp_path: Path) -> Callable[..., Classifier]:
    """The tiny model with other metadata."""

    def make(**changes: Any) -> Classifier:
        modelfile.write(tmp_path / "altered.onnx", tinymodel.graph(), tinymodel.meta(**changes))
        return Classifier(tmp_path / "altered.onnx", threads=1)

    return make


def tone(name: str, seconds: float = 5.0, amplitude: float = 0.5, rate: int = RATE) -> np.ndarray:
    angle = 2 * np.pi * TONES[name] * np.arange(round(seconds * rate)) / rate
    return (amplitude * np.sin(angle)).astype(np.float32)


def noise(seconds: float, seed: int = 0) -> np.ndarray:
    """Noise that swells, so that each of its windows differs."""
    count = round(seconds * RATE)
    return np.random.default_rng(seed).standard_normal(count).astype(np.float32) * np.linspace(0.01, 0.3, count)


def by_the_book(window: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """The tiny model's logits and embedding of one window of five seconds."""
    embedding = reference.logmel(window.astype(np.float32), RATE, 256, 200, 80, 15, 0, 3900).mean(1)
    return np.array([embedding[:5].sum(), embedding[5:10].sum(), embedding[10:].sum()]), embedding


def shares(logits: np.ndarray, temperature: float = 0.5) -> list[float]:
    powers = [math.exp((value - max(logits)) / temperature) for value in logits]
    return [power / sum(powers) for power in powers]


# --- what is heard ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TONES)
def test_a_tone_gets_its_name(model: Classifier, tmp_path: Path, name: str) -> None:
    path = tmp_path / "tone.wav"
    soundfile.write(path, tone(name, rate=44_100), 44_100)
    answer = model.classify(path)
    assert answer.label == name and not answer.unknown and answer.known_score > tinymodel.THRESHOLD
    assert answer.path == str(path) and answer.duration == pytest.approx(5.0)
    assert model.classify(str(path)) == answer


@pytest.mark.parametrize("channels", [1, 3])
def test_a_picture_is_heard_as_it_was_learned(tmp_path: Path, channels: int) -> None:
    """Decibels in a range, in rows and columns of another number, in one channel or three; by way of Pillow."""
    spec = dataclasses.replace(
        tinymodel.SPEC, n_mels=40, height=15, width=64, range_db=50.0, mean=-25.0, std=10.0, channels=channels
    )
    graph = tinymodel.graph(channels=channels)
    modelfile.write(tmp_path / "x.onnx", graph, tinymodel.meta(frontend=spec))
    samples = noise(5.0)
    mel = reference.logmel(samples.astype(np.float32), RATE, 256, 200, 80, 40, 0, 3900)
    decibels = 10 / np.log(10) * (5 * mel - 4.5)
    limited = np.maximum(decibels - decibels.max(), -50).astype(np.float32)
    picture = PIL.Image.fromarray((limited + 25) / 10).resize((64, 15), PIL.Image.Resampling.BILINEAR)
    embedding = np.asarray(picture).mean(1)  # the mean over equal channels is that of one
    model = Classifier(tmp_path / "x.onnx", threads=1)
    np.testing.assert_allclose(model.embed(samples, RATE), embedding, atol=2e-3)
    scores = {p.label: p.score for p in model.classify(samples, RATE).predictions}
    expected = shares(embedding.reshape(3, 5).sum(1))
    assert scores == pytest.approx(dict(zip(tinymodel.LABELS, expected, strict=True)), abs=5e-3)


@pytest.mark.parametrize("seconds", [5.0, 5.001, 7.5, 10.0, 11.3, 31.0])
def test_logits_are_averaged_over_windows(model: Classifier, seconds: float) -> None:
    samples = noise(seconds)
    last = len(samples) - 5 * RATE
    starts = sorted({*range(0, last + 1, 5 * RATE // 2), last})  # every 2.5 s, and one that ends with the sound
    logits, embeddings = zip(*(by_the_book(samples[start : start + 5 * RATE]) for start in starts), strict=True)
    expected = dict(zip(tinymodel.LABELS, shares(np.mean(logits, axis=0)), strict=True))
    answer = model.classify(samples, RATE)
    assert {p.label: p.score for p in answer.predictions} == pytest.approx(expected, abs=1e-4)
    assert answer.known_score == pytest.approx(max(expected.values()), abs=1e-4)
    assert answer.duration == pytest.approx(seconds) and answer.path is None
    np.testing.assert_allclose(model.embed(samples, RATE), np.mean(embeddings, axis=0), atol=1e-4)


@pytest.mark.parametrize("seconds", [1 / RATE, 0.01, 1.0, 4.999])
def test_a_short_sound_is_zero_padded(model: Classifier, seconds: float) -> None:
    samples = noise(seconds)
    logits, embedding = by_the_book(np.pad(samples, (0, 5 * RATE - len(samples))))
    answer = model.classify(samples, RATE)
    assert [p.score for p in answer.predictions] == pytest.approx(sorted(shares(logits), reverse=True), abs=1e-4)
    assert answer.duration == pytest.approx(seconds)
    np.testing.assert_allclose(model.embed(samples, RATE), embedding, atol=1e-4)


def test_files_and_samples_are_heard_alike(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    stereo = np.stack([noise(12.0), noise(12.0, seed=1)], axis=1)
    soundfile.write(path, stereo, RATE, subtype="FLOAT")
    from_file, from_samples = model.classify(path), model.classify(stereo, RATE)
    assert [p.score for p in from_file.predictions] == pytest.approx([p.score for p in from_samples.predictions])
    soundfile.write(tmp_path / "integers.wav", stereo, RATE, subtype="PCM_16")
    integers, _ = soundfile.read(tmp_path / "integers.wav", dtype="int16")
    scores = [p.score for p in model.classify(integers, RATE).predictions]
    assert scores == pytest.approx([p.score for p in from_file.predictions], abs=1e-3)


def test_samples_of_another_rate(model: Classifier) -> None:
    answer = model.classify(tone("middle", rate=48_000), 48_000)
    assert answer.label == "middle" and answer.duration == pytest.approx(5.0)


def test_the_model_files_window_and_hop_count(altered: Callable[..., Classifier]) -> None:
    """A window of 1 s every 1 s hears a low and a high tone after each other as often as each lasts."""
    samples = np.concatenate([tone("low", 3.0), tone("high", 1.0)])
    parts = [by_the_book(samples[start : start + RATE])[0] for start in range(0, 4 * RATE, RATE)]
    answer = altered(window_seconds=1.0, hop_seconds=1.0).classify(samples, RATE)
    assert [p.score for p in answer.predictions] == pytest.approx(
        sorted(shares(np.mean(parts, axis=0)), reverse=True), abs=1e-4
    )


def test_the_temperature_is_what_logits_are_divided_by(altered: Callable[..., Classifier]) -> None:
    logits, _ = by_the_book(noise(5.0))
    scores = [p.score for p in altered(temperature=3.0).classify(noise(5.0), RATE).predictions]
    assert scores == pytest.approx(sorted(shares(logits, 3.0), reverse=True), abs=1e-4)


# --- known or not -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("amplitude", [0.0, 2.0**-19])
def test_silence_is_unknown(altered: Callable[..., Classifier], amplitude: float) -> None:
    answer = altered(threshold=0.0).classify(tone("low", 6.0, amplitude), RATE)
    assert answer.unknown and answer.known_score == 0.0 and answer.label is None
    assert len(answer.predictions) == 3 and sum(p.score for p in answer.predictions) == pytest.approx(1)


def test_what_is_quiet_is_not_silent(altered: Callable[..., Classifier]) -> None:
    loud = altered(threshold=0.0)
    assert not loud.classify(tone("low", 6.0, 2.0**-13), RATE).unknown
    click = np.zeros(12 * RATE, np.float32)
    click[-1] = 0.5  # one sample that is not silent, in the last window only
    assert not loud.classify(click, RATE).unknown


@pytest.mark.parametrize("seconds", [2.0, 12.0])
def test_a_softer_sound_is_named_as_its_loud_copy(altered: Callable[..., Classifier], seconds: float) -> None:
    """By a model whose front end takes the level out, in every window of a long sound as well."""
    levelled = altered(frontend=dataclasses.replace(tinymodel.SPEC, level_db=20.0))
    sound = np.concatenate([noise(seconds - 1), tone("high", 1.0, 0.3)]).astype(np.float32)
    loud, soft = (levelled.classify(sound * np.float32(gain), RATE) for gain in (1.0, 10 ** (-50 / 20)))
    assert [p.label for p in soft.predictions] == [p.label for p in loud.predictions]
    assert [p.score for p in soft.predictions] == pytest.approx([p.score for p in loud.predictions], abs=1e-3)
    assert soft.known_score == pytest.approx(loud.known_score, abs=1e-3)
    for one, other in zip(levelled.windows(sound, RATE), levelled.windows(sound * np.float32(0.01), RATE), strict=True):
        np.testing.assert_allclose(one.logits, other.logits, atol=1e-3)


def test_a_score_under_the_threshold_is_unknown(altered: Callable[..., Classifier]) -> None:
    score = max(shares(by_the_book(noise(5.0))[0]))
    below, above = (altered(threshold=score + step).classify(noise(5.0), RATE) for step in (-1e-3, 1e-3))
    assert (below.unknown, above.unknown) == (False, True)
    assert above.predictions == below.predictions and above.known_score == below.known_score


@pytest.mark.parametrize(("top", "given"), [(1, 1), (2, 2), (3, 3), (99, 3)])
def test_top(model: Classifier, top: int, given: int) -> None:
    answer = model.classify(tone("high"), RATE, top=top)
    scores = [p.score for p in answer.predictions]
    assert len(scores) == given and scores == sorted(scores, reverse=True) and answer.label == "high"
    assert answer.known_score == scores[0]
    assert sum(scores) == pytest.approx(1) if given == 3 else sum(scores) < 1


# --- windows ----------------------------------------------------------------------------------------------------------


def test_each_window_has_its_time_and_result(model: Classifier) -> None:
    samples = noise(11.3)
    results = list(model.windows(samples, RATE))
    assert [result.start for result in results] == pytest.approx([0, 2.5, 5, 6.3])
    assert [result.end for result in results] == pytest.approx([5, 7.5, 10, 11.3])
    for result in results:
        window = samples[round(result.start * RATE) : round(result.end * RATE)]
        logits, embedding = by_the_book(window)
        np.testing.assert_allclose(result.logits, logits, atol=1e-3)
        np.testing.assert_allclose(result.embedding, embedding, atol=1e-4)
        assert result.peak == pytest.approx(np.abs(window).max(), rel=1e-6)


def test_the_window_of_a_short_sound_ends_with_it(model: Classifier) -> None:
    assert [(result.start, result.end) for result in model.windows(tone("low", 2.0), RATE)] == [(0.0, 2.0)]


def test_another_backend_may_run_the_network(tiny_model: Path) -> None:
    class Constant:
        def run(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
            return np.tile(np.float32([0, 9, 0]), (len(inputs), 1)), np.zeros((len(inputs), 2), np.float32)

    def open_constant(path: Path, threads: int) -> tuple[Backend, modelfile.ModelMeta]:
        return Constant(), modelfile.open_session(path, threads)[1]

    fixed = Classifier(tiny_model, open_model=open_constant)
    assert fixed.classify(tone("low"), RATE).label == "middle"
    assert fixed.embed(tone("low"), RATE).tolist() == [0, 0]


# --- sources and lists of them ----------------------------------------------------------------------------------------


def test_what_the_audio_door_warns_of_is_in_the_answer(model: Classifier, tmp_path: Path, caplog: Any) -> None:
    whole = tmp_path / "whole.wav"
    soundfile.write(whole, noise(2.0), RATE, subtype="PCM_16", format="FLAC")
    cut = tmp_path / "cut.flac"
    cut.write_bytes(whole.read_bytes()[: whole.stat().st_size // 2])
    answer = model.classify(cut)
    assert answer.duration < 2 and answer.warnings and all("cut.flac" in line for line in answer.warnings)
    assert answer.to_dict()["warnings"] == list(answer.warnings)
    lines: list[str] = []
    list(model.windows(cut, log=lines.append))
    assert tuple(lines) == answer.warnings and not caplog.messages
    assert model.classify(whole).warnings == ()


def test_paths_bytes_file_objects_and_samples_are_heard_alike(model: Classifier, tmp_path: Path) -> None:
    path = tmp_path / "noise.wav"
    soundfile.write(path, noise(6.0), RATE, subtype="FLOAT")
    with path.open("rb") as handle:
        answers = model.classify([path, str(path), path.read_bytes(), handle, io.BytesIO(path.read_bytes())])
    assert [answer.path for answer in answers] == [str(path), str(path), None, None, None]
    (alone,) = {(answer.predictions, answer.duration) for answer in answers}
    from_samples = model.classify(noise(6.0), RATE)
    assert (from_samples.predictions, from_samples.duration) == alone
    np.testing.assert_array_equal(model.embed(path.read_bytes()), model.embed(noise(6.0), RATE))


def test_a_list_gives_a_list(model: Classifier) -> None:
    sounds = [tone(name) for name in TONES]
    answers = model.classify(sounds, RATE, top=1)
    assert answers == [model.classify(samples, RATE, top=1) for samples in sounds]
    assert model.classify(tuple(sounds), rate=RATE, top=1) == answers
    np.testing.assert_array_equal(model.embed(sounds, RATE), [model.embed(samples, RATE) for samples in sounds])
    assert model.classify([]) == [] and model.embed([]) == []


def test_a_list_of_numbers_is_samples(model: Classifier) -> None:
    samples = tone("high").astype(float)
    alone = model.classify(samples, RATE)
    assert model.classify(samples.tolist(), RATE) == alone
    assert model.classify(list(samples), RATE) == alone  # NumPy's own numbers
    assert model.classify(np.stack([samples] * 2, axis=1).tolist(), RATE) == alone


def test_a_list_of_numbers_and_files_is_refused(model: Classifier) -> None:
    with pytest.raises(UsageError, match="no sound"):
        model.classify([0.5, "dog.wav"], RATE)  # type: ignore[call-overload]


# --- what cannot be heard ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("top", [0, -1, True, "3", 2.0, None])
def test_a_top_that_makes_no_sense(model: Classifier, top: Any) -> None:
    with pytest.raises(UsageError, match=f"top must be a whole number, at least 1, got {top!r}"):
        model.classify(tone("low"), RATE, top=top)


@pytest.mark.parametrize("rate", ["44100", 44100.0, math.nan, True, 0, -8000, [8000]])
def test_a_rate_that_makes_no_sense(model: Classifier, rate: Any) -> None:
    with pytest.raises(UsageError, match="rate must be a whole number"):
        model.classify(tone("low"), rate)
    with pytest.raises(UsageError, match="rate must be a whole number"):
        model.embed(tone("low"), rate)


def test_whole_numbers_of_numpy_are_whole_numbers(model: Classifier) -> None:
    assert model.classify(tone("low"), np.int64(RATE), top=np.uint8(2)) == model.classify(tone("low"), RATE, top=2)


@pytest.mark.parametrize("source", [None, 3, {"a": 1}, bytearray(b"RIFF")])
def test_what_is_no_sound_at_all(model: Classifier, source: Any) -> None:
    with pytest.raises(UsageError, match=f"a {type(source).__name__} is no sound: give a path"):
        model.classify(source)


def test_samples_without_rate(model: Classifier) -> None:
    with pytest.raises(UsageError, match=r"samples need their rate: classify\(samples, rate=44100\)"):
        model.classify(tone("low"))
    with pytest.raises(UsageError, match="samples need their rate"):
        model.embed(tone("low"))


def test_samples_that_are_no_sound(model: Classifier) -> None:
    with pytest.raises(audio.EmptyAudioError, match="not one sample"):
        model.classify(np.zeros(0), RATE)
    with pytest.raises(audio.InvalidSamplesError, match="NaN"):
        model.classify(np.full(100, np.nan), RATE)
    with pytest.raises(UsageError, match="shape"):
        model.classify(np.zeros((2, 2, 2)), RATE)
    with pytest.raises(UsageError, match="4000 to 384000 Hz"):
        model.classify(np.zeros(100), 1)


def test_files_that_are_no_sound(model: Classifier, tmp_path: Path) -> None:
    with pytest.raises(audio.MissingAudioError, match=r"gone\.wav"):
        model.classify(tmp_path / "gone.wav")
    (tmp_path / "letter.wav").write_text("Dear hubbub,\n" * 50)
    with pytest.raises(audio.UnreadableAudioError, match=r"letter\.wav"):
        model.embed(tmp_path / "letter.wav")


# --- sharing ----------------------------------------------------------------------------------------------------------


def test_threads_share_a_classifier(model: Classifier) -> None:
    sounds = [noise(7.0, seed) for seed in range(4)] * 3
    alone = [model.classify(samples, RATE) for samples in sounds]
    with ThreadPoolExecutor(4) as pool:
        together = list(pool.map(lambda samples: model.classify(samples, RATE), sounds))
    assert together == alone and len({answer.known_score for answer in alone}) == 4


def test_loading_is_done_once(tiny_model: Path) -> None:
    assert listener.load(tiny_model) is listener.load(tiny_model)
    assert listener.load(tiny_model).labels == tinymodel.LABELS
    assert hubbub.load is listener.load


def test_a_model_file_that_changed_is_read_again(tmp_path: Path, tiny_model: Path, monkeypatch: Any) -> None:
    path = tmp_path / "x.onnx"
    path.write_bytes(tiny_model.read_bytes())
    assert listener.load(path) is listener.load(str(path))
    modelfile.write(path, tinymodel.graph(), tinymodel.meta(labels=("a", "b", "c")))
    assert listener.load(path).labels == ("a", "b", "c")
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "elsewhere" / "x.onnx").write_bytes(tiny_model.read_bytes())
    monkeypatch.chdir(tmp_path)
    assert listener.load("x.onnx").labels == ("a", "b", "c")
    monkeypatch.chdir(tmp_path / "elsewhere")
    assert listener.load("x.onnx").labels == tinymodel.LABELS
    path.unlink()
    with pytest.raises(ModelFileError, match="no model file at"):
        listener.load(path)


def test_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelFileError, match=r"no model file at .*gone\.onnx"):
        Classifier(tmp_path / "gone.onnx")


def test_the_short_ways_use_the_built_in_model(model: Classifier, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "load", lambda: model)
    assert hubbub.classify(tone("low"), RATE, top=1) == model.classify(tone("low"), RATE, top=1)
    np.testing.assert_array_equal(hubbub.embed(tone("low"), RATE), model.embed(tone("low"), RATE))


def test_listening_needs_no_torch(tiny_model: Path) -> None:
    code = (
        "import sys, numpy, hubbub; answer = hubbub.load(sys.argv[1]).classify(numpy.ones(9000), 8000)\n"
        "heavy = {'torch', 'sklearn', 'onnx', 'yaml', 'matplotlib', 'scipy.signal'} & set(sys.modules)\n"
        "assert answer.predictions and not heavy, heavy"
    )
    done = subprocess.run([sys.executable, "-c", code, str(tiny_model)], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr


def test_importing_hubbub_imports_next_to_nothing() -> None:
    code = "import sys, hubbub; assert not {'numpy', 'onnxruntime', 'soundfile'} & set(sys.modules); hubbub.classify"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    with pytest.raises(AttributeError, match="module 'hubbub' has no attribute 'listen_to'"):
        hubbub.listen_to  # noqa: B018


def test_the_public_names_are_shown_and_there() -> None:
    assert dir(hubbub) == sorted([*hubbub.__all__, "__version__"])
    assert all(getattr(hubbub, name).__name__ == name for name in hubbub.__all__)
    with pytest.raises(hubbub.HubbubError, match="gone"):
        hubbub.classify("gone.wav")
