import shutil
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path

import numpy as np
import pytest
import yaml

import tinymodel
from hubbub import audio, modelfile
from hubbub.data.dataset import Clip
from hubbub.data.folder import load
from hubbub.errors import DataError, HubbubError, RefusedError, UsageError
from hubbub.features.cache import sample_digest
from hubbub.listen.classifier import Classifier
from hubbub.modelfile import TrainingRecord
from hubbub.report.terminal import overview
from hubbub.runs.run import Run
from hubbub.studies.evaluation import evaluate, unknown_figures

RATE = 8000
PITCH = {"low": 300, "middle": 1100, "high": 2800}  # Hz, in each third of the tiny model's mel axis


def tone(pitch: float, turn: float = 0.0) -> np.ndarray:
    return 0.3 * np.sin(2 * np.pi * pitch * np.arange(RATE) / RATE + turn)


@pytest.fixture
def sounds(tmp_path: Path) -> Path:
    """Four clips that sound like their label, a high one that is called low, and a silent one that is called high."""
    root = tmp_path / "sounds"
    for label, pitch in PITCH.items():
        audio.write_wav(root / label / "a.wav", tone(pitch), RATE)
    audio.write_wav(root / "low" / "1-77-A-0.wav", tone(300, 1.0), RATE)
    audio.write_wav(root / "low" / "1-77-B-0.wav", tone(2800, 1.0), RATE)
    audio.write_wav(root / "high" / "silent.wav", np.zeros(RATE), RATE)
    return root


def model(folder: Path, record: TrainingRecord | None = None) -> Path:
    path = folder / "tiny.onnx"
    modelfile.write(path, tinymodel.graph(), tinymodel.meta(training=record or TrainingRecord()))
    return path


@pytest.fixture
def run(tmp_path: Path) -> Run:
    return Run(tmp_path / "run")


def heard_by(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Names of the files that are classified from now on."""
    names: list[str] = []
    plain = Classifier.classify

    def classify(self: Classifier, source: Path, rate: int | None = None, top: int = 3) -> object:
        names.append(source.name)
        return plain(self, source, rate, top)

    monkeypatch.setattr(Classifier, "classify", classify)
    return names


def interrupted_after(count: int) -> Callable[[str], Callable[[Iterable[Clip]], Iterator[Clip]]]:
    """Ctrl-C when so many clips have been listened to."""

    def name(step: str) -> Callable[[Iterable[Clip]], Iterator[Clip]]:
        def walk(clips: Iterable[Clip]) -> Iterator[Clip]:
            for number, clip in enumerate(clips):
                if step == "listening" and number == count:
                    raise KeyboardInterrupt
                yield clip

        return walk

    return name


class TestFigures:
    def test_are_those_of_the_clips(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        outcome = evaluate(model(tmp_path), load(sounds), run)
        test = run.metrics["test"]
        assert test["clips"] == 6 and test["accuracy"] == pytest.approx(4 / 6)
        assert test["recall"] == {"low": pytest.approx(2 / 3), "middle": 1.0, "high": 0.5}
        unknown = run.metrics["unknown"]
        assert unknown | {"interval": None} == {
            "clips": 1,
            "share": pytest.approx(1 / 6),
            "spared": 1.0,
            "accuracy": pytest.approx(4 / 5),
            "interval": None,
        }
        assert unknown["interval"][0] < 0.8 < unknown["interval"][1]
        assert outcome.to_dict()["accuracy"] == test["accuracy"] and outcome.to_dict()["in_training"] == {"clips": 0}
        assert not outcome.recorded and not outcome.unreadable

    def test_probabilities_are_those_of_the_listener(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        path = model(tmp_path)
        evaluate(path, load(sounds), run)
        predictions = run.predictions
        answer = Classifier(path).classify(sounds / "middle" / "a.wav")
        row = predictions.probabilities[predictions.clips.index("middle/a.wav")]
        scores = {prediction.label: prediction.score for prediction in answer.predictions}
        assert row == pytest.approx([scores[label] for label in predictions.classes], rel=1e-5)

    def test_the_run_says_what_it_is_of(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        path = model(tmp_path)
        evaluate(path, load(sounds), run, reference="my/sounds", command="hubbub evaluate tiny.onnx my/sounds")
        record, recipe = run.record, yaml.safe_load((run.folder / "recipe.yaml").read_text())
        assert run.finished and record.kind == "evaluation" and record.dataset.reference == "my/sounds"
        assert record.command.startswith("hubbub evaluate") and record.environment["versions"]["numpy"]
        assert (recipe["name"], recipe["file"]) == ("evaluation of tiny 1", "tiny.onnx")
        assert len(recipe["sha256"]) == 64 and recipe["known_score"]["threshold"] == tinymodel.THRESHOLD
        rows = {row["clip"]: row for row in run.clips}
        assert rows["low/1-77-A-0.wav"]["recording"] == "77" and rows["high/silent.wav"]["unknown"] == "1"
        assert rows["low/a.wav"]["samples"] == sample_digest(*audio.read(sounds / "low" / "a.wav"))
        assert overview(run)

    @pytest.mark.parametrize(
        ("clips", "said"),
        [([], "all clips, which are not known to have been heard"), (["x.wav"], "none of which the model has heard")],
    )
    def test_that_clips_are_new_is_said_only_of_a_model_with_a_record(
        self, sounds: Path, run: Run, tmp_path: Path, clips: list[str], said: str
    ) -> None:
        outcome = evaluate(model(tmp_path, TrainingRecord.of("other", clips, clips, [])), load(sounds), run)
        assert said in str(run.record.split) and outcome.recorded is bool(clips)

    def test_a_model_whose_outputs_are_no_numbers_is_not_scored(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        damaged = tinymodel.graph(weights=np.full_like(tinymodel.WEIGHTS, np.nan))
        modelfile.write(tmp_path / "tiny.onnx", damaged, tinymodel.meta())
        with pytest.raises(HubbubError, match=r"damaged|finite"):
            evaluate(tmp_path / "tiny.onnx", load(sounds), run)
        assert not run.finished and not (run.folder / "metrics.json").exists()

    def test_a_model_of_any_name(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        meta = tinymodel.meta(name="a: #b\x7f", figures={"deep": {"of": ["- x", None]}})
        modelfile.write(tmp_path / "tiny.onnx", tinymodel.graph(), meta)
        for _ in range(2):
            evaluate(tmp_path / "tiny.onnx", load(sounds), run)
        assert run.recipe["name"] == "evaluation of a: #b\x7f" and run.recipe["figures"] == meta.figures

    def test_of_all_or_none_unknown(self) -> None:
        right, groups = np.array([True, False]), ["a", "b"]
        every = unknown_figures(right, np.array([True, True]), groups)
        assert every == {"clips": 2, "share": 1.0, "spared": 0.5, "accuracy": None, "interval": None}
        none = unknown_figures(right, np.array([False, False]), groups)
        assert (none["clips"], none["spared"], none["accuracy"]) == (0, None, 0.5)


class TestRefusal:
    def test_by_name_before_anything_is_decoded(
        self, sounds: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = model(tmp_path, TrainingRecord.of("other", ["1-77-A-0.wav"], ["77"], []))
        monkeypatch.setattr(audio, "read", lambda *_: pytest.fail("decoded"))
        with pytest.raises(RefusedError, match=r"2 of the 6 clips .*1 by clip id, 2 by source.*scores the other 4"):
            evaluate(path, load(sounds), run)
        assert not run.folder.exists()

    def test_by_samples(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        digest = sample_digest(*audio.read(sounds / "high" / "a.wav"))
        path = model(tmp_path, TrainingRecord.of("other", [], [], [digest]))
        with pytest.raises(RefusedError, match=r"1 of the 6 clips .*\(1 by decoded samples\)"):
            evaluate(path, load(sounds), run)
        assert not run.folder.exists()

    def test_unseen_only_scores_the_rest(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        digest = sample_digest(*audio.read(sounds / "high" / "a.wav"))
        path = model(tmp_path, TrainingRecord.of("other", ["1-77-A-0.wav"], ["77"], [digest]))
        outcome = evaluate(path, load(sounds), run, unseen_only=True)
        assert run.predictions.clips == ("high/silent.wav", "low/a.wav", "middle/a.wav")
        assert outcome.to_dict()["in_training"] == {"clips": 3, "clip": 1, "recording": 2, "samples": 1}
        assert run.record.outcome["heard"] == 3 and "not heard" in str(run.record.split)

    def test_an_empty_rest(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        data = load(sounds)
        path = model(tmp_path, TrainingRecord.of("other", [clip.id for clip in data.clips], [], []))
        with pytest.raises(RefusedError, match=r"6 of the 6 clips .*: score it on other sounds"):
            evaluate(path, data, run, unseen_only=True)

    def test_a_run_of_another_model(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        evaluate(model(tmp_path, TrainingRecord.of("other", ["y.wav"], ["y"], [])), load(sounds), run)
        other = model(tmp_path / "b", TrainingRecord.of("other", ["x.wav"], ["x"], []))
        with pytest.raises(RefusedError, match=r"holds a run .*recipe"):
            evaluate(other, load(sounds), run)


class TestBadInput:
    def test_labels_that_the_model_does_not_know(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        audio.write_wav(sounds / "kazoo" / "a.wav", tone(500), RATE)
        with pytest.raises(UsageError, match="tiny 1 does not know 1 of the 4 classes of sounds: 'kazoo'; its own are"):
            evaluate(model(tmp_path), load(sounds), run)

    def test_some_of_the_labels_are_enough(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        shutil.rmtree(sounds / "middle")
        shutil.rmtree(sounds / "high")
        evaluate(model(tmp_path), load(sounds), run)
        predictions = run.predictions
        assert predictions.classes == tinymodel.LABELS and len(predictions.clips) == 3
        assert predictions.classes[predictions.predicted[predictions.clips.index("low/1-77-B-0.wav")]] == "high"

    def test_unreadable_clips_are_named_and_the_others_scored(self, sounds: Path, run: Run, tmp_path: Path) -> None:
        (sounds / "low" / "broken.wav").write_bytes(b"no sound")
        outcome = evaluate(model(tmp_path), load(sounds), run)
        assert list(outcome.unreadable) == ["low/broken.wav"]
        assert "does not decode" in outcome.unreadable["low/broken.wav"]
        assert run.metrics["test"]["clips"] == 6 and run.record.outcome["unreadable"] == outcome.unreadable

    def test_none_that_can_be_read(self, run: Run, tmp_path: Path) -> None:
        (tmp_path / "sounds" / "low").mkdir(parents=True)
        (tmp_path / "sounds" / "low" / "broken.wav").write_bytes(b"no sound")
        with pytest.raises(DataError, match=r"no clip of sounds can be read: .*does not decode"):
            evaluate(model(tmp_path), load(tmp_path / "sounds"), run)
        assert not run.finished


class TestInterruption:
    def test_goes_on_where_it_was(
        self, sounds: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path, data = model(tmp_path), load(sounds)
        with pytest.raises(KeyboardInterrupt):
            evaluate(path, data, run, progress=interrupted_after(4))
        with pytest.raises(KeyboardInterrupt):  # among what is done already: nothing of it is lost
            evaluate(path, data, run, progress=interrupted_after(1))
        assert not run.finished
        names = heard_by(monkeypatch)
        evaluate(path, data, run)
        assert names == [clip.path.name for clip in data.clips[4:]]
        whole = Run(tmp_path / "whole")
        evaluate(path, data, whole)
        assert run.metrics == whole.metrics and run.clips == whole.clips

    def test_only_what_has_changed_is_heard_again(
        self, sounds: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        path = model(tmp_path)
        evaluate(path, load(sounds), run)
        run.finish(listened=90.0)
        audio.write_wav(sounds / "low" / "1-77-B-0.wav", tone(300, 2.0), RATE)
        names = heard_by(monkeypatch)
        evaluate(path, load(sounds), run)
        assert names == ["1-77-B-0.wav"]
        assert run.metrics["test"]["accuracy"] == pytest.approx(5 / 6) and run.record.outcome["listened"] == 90.0
