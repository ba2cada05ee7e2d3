import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import audio, modelfile
from hubbub.augment.corruptions import CONDITIONS, RATE, corrupt
from hubbub.data.dataset import Clip, Dataset
from hubbub.data.folder import load
from hubbub.errors import AudioError, DataError, ModelFileError, RefusedError, UsageError
from hubbub.listen.classifier import Classifier
from hubbub.logmel import LogMelSpec
from hubbub.modelfile import TrainingRecord
from hubbub.runs.condition_predictions import CLEAN, ConditionPredictions
from hubbub.studies import condition_hearing, robustness
from hubbub.studies.measured_model import MeasuredModel
from hubbub.studies.robustness import Pass, backgrounds, conditions_of
from hubbub.types import Floats

PITCH = {"low": 300, "middle": 1100, "high": 2800}  # Hz, in each third of the tiny model's mel axis
SOME = (("gain", 5), ("lowpass", 5), ("background_snr", 5))


@pytest.fixture
def dataset(tmp_path: Path) -> Dataset:
    """Four clips of each pitch, of two recordings each, long and short, and one of another rate."""
    for label, pitch in PITCH.items():
        for number in range(4):
            rate = 16_000 if (label, number) == ("low", 3) else RATE
            times = np.arange(round(rate * (0.7, 1.0, 5.5, 0.3)[number])) / rate
            samples = 0.3 * np.sin(2 * np.pi * pitch * times) * (times % 0.5 < 0.3)
            audio.write_wav(
                tmp_path / "sounds" / label / f"1-{number // 2}{pitch}-{'AB'[number % 2]}-0.wav", samples, rate
            )
    return load(tmp_path / "sounds")


def model(path: Path, **changes: object) -> Path:
    modelfile.write(path, tinymodel.graph(), tinymodel.meta(**changes))  # type: ignore[arg-type]
    return path


@pytest.fixture
def tiny(tmp_path: Path, dataset: Dataset) -> MeasuredModel:
    return MeasuredModel.of_file(model(tmp_path / "tiny.onnx"), dataset)


def folded(tmp_path: Path, dataset: Dataset) -> MeasuredModel:
    """As of a cross-validation: the second file hears every other clip, and has another temperature."""
    files = (model(tmp_path / "1.onnx"), model(tmp_path / "2.onnx", temperature=2.0))
    return MeasuredModel("folds", files, {clip.id: n % 2 for n, clip in enumerate(dataset.clips)}, "d", "test", "folds")


def padded(clip: Clip) -> Floats:
    """A clip as the suite takes it: at its rate, and half a second at the least."""
    samples = audio.read(clip.path, RATE)[0]
    return np.pad(samples, (0, max(0, RATE // 2 - len(samples))))


def interrupted_after(count: int) -> Callable[[str], Callable[[Iterable[object]], Iterator[object]]]:
    """Ctrl-C when so many tasks are done."""

    def name(step: str) -> Callable[[Iterable[object]], Iterator[object]]:
        def walk(items: Iterable[object]) -> Iterator[object]:
            for number, item in enumerate(items):
                if number == count:
                    raise KeyboardInterrupt
                yield item

        return walk

    return name


class TestHearing:
    def test_is_that_of_the_listener(self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel) -> None:
        (kept,) = Pass.plan([tiny], dataset, tmp_path / "out").measure(SOME)
        assert kept.conditions == (CLEAN, ("background_snr", 5), ("gain", 5), ("lowpass", 5))
        classifier = Classifier(tmp_path / "tiny.onnx")
        under = backgrounds(dataset.clips, dataset)
        for row, (name, severity) in enumerate(kept.conditions):
            for column, clip in enumerate(dataset.clips):
                samples = padded(clip)
                if severity:
                    below = padded(under[clip.id]) if name == "background_snr" else None
                    samples = corrupt(samples, RATE, name, severity, clip.id, below)
                answer = classifier.classify(samples, RATE)
                scores = {prediction.label: prediction.score for prediction in answer.predictions}
                assert kept.labels[kept.predictions[row, column]] == answer.predictions[0].label
                assert kept.p_true[row, column] == np.float16(scores[clip.label])
                assert kept.p_top[row, column] == np.float16(answer.predictions[0].score)
                assert kept.known_score[row, column] == np.float16(answer.known_score)

    def test_each_fold_hears_its_own_clips(self, tmp_path: Path, dataset: Dataset) -> None:
        (kept,) = Pass.plan([folded(tmp_path, dataset)], dataset, tmp_path / "out").measure([])
        assert kept.measured.temperatures == (0.5, 2.0) and kept.measured.threshold is None
        assert kept.measured.part == "test" and kept.measured.run == "folds"
        for column, clip in enumerate(dataset.clips):
            assert kept.folds[column] == column % 2 + 1
            answer = Classifier(tmp_path / f"{column % 2 + 1}.onnx").classify(padded(clip), RATE)
            assert kept.p_top[0, column] == np.float16(answer.predictions[0].score)

    def test_sounds_are_corrupted_once_and_seen_once_by_equal_front_ends(
        self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        calls = {"corrupt": 0, "logmel": 0}

        def counted(name: str) -> Callable[..., object]:
            plain = getattr(condition_hearing, name)

            def call(*arguments: object) -> object:
                calls[name] += 1
                return plain(*arguments)

            return call

        for name in calls:
            monkeypatch.setattr(condition_hearing, name, counted(name))
        other = LogMelSpec(**tinymodel.SPEC.to_dict() | {"preemphasis": 0.5})
        models = [tiny, folded(tmp_path, dataset)]
        models.append(MeasuredModel.of_file(model(tmp_path / "other.onnx", frontend=other), dataset))
        kept = Pass.plan(models, dataset, tmp_path / "out").measure([("gain", 1)])
        clips = len(dataset.clips)
        assert calls == {"corrupt": clips, "logmel": 2 * 2 * clips}  # two conditions, two front ends
        assert [part.measured.model for part in kept] == ["tiny", "folds", "other"]
        alone = Pass.plan([tiny], dataset, tmp_path / "alone").measure([("gain", 1)])
        assert np.array_equal(alone[0].p_top, kept[0].p_top)

    def test_processes_give_the_same(self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel) -> None:
        one = Pass.plan([tiny], dataset, tmp_path / "one").measure([("gain", 1)])[0]
        two = Pass.plan([tiny], dataset, tmp_path / "two").measure([("gain", 1)], jobs=2)[0]
        assert np.array_equal(one.p_true, two.p_true) and np.array_equal(one.predictions, two.predictions)

    def test_silence_is_unknown_and_no_clip_goes_missing(self, tmp_path: Path, dataset: Dataset) -> None:
        quiet = next(clip for clip in dataset.clips if clip.label == "high")
        audio.write_wav(quiet.path, np.full(RATE, 2.0**-14), RATE)
        plan = Pass.plan([MeasuredModel.of_file(model(tmp_path / "tiny.onnx"), dataset)], dataset, tmp_path / "out")
        (kept,) = plan.measure([("gain_16bit", 5)])
        assert kept.known_score[1, kept.clips.index(quiet.id)] == 0 < kept.known_score[0].min()
        quiet.path.write_bytes(b"no sound")
        with pytest.raises(RefusedError, match="content of a sound file"):
            plan.measure([("gain_16bit", 4)])
        with pytest.raises(AudioError):
            Pass.plan(plan.models, dataset, tmp_path / "new").measure([])


class TestResuming:
    def test_goes_on_where_it_was_interrupted(
        self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(robustness, "_TOGETHER", 4)  # three tasks a condition
        plan, lines = Pass.plan([tiny], dataset, tmp_path / "out"), list[str]()
        with pytest.raises(KeyboardInterrupt):
            plan.measure(SOME, progress=interrupted_after(7), log=lines.append)  # type: ignore[arg-type]
        assert [line.split(":")[0] for line in lines] == ["clean", "background_snr 5"]
        assert "tiny " in lines[0] and lines[0].endswith("left")
        assert not (tmp_path / "out" / "tiny.npz").exists()
        (kept,) = plan.measure(SOME, log=lines.append)
        assert [line.split(":")[0] for line in lines[2:]] == ["gain 5", "lowpass 5"]
        (whole,) = Pass.plan([tiny], dataset, tmp_path / "whole").measure(SOME)
        assert np.array_equal(kept.known_score, whole.known_score)
        again = ConditionPredictions.read(tmp_path / "out" / "tiny.npz")
        assert again.measured == kept.measured and np.array_equal(again.predictions, whole.predictions)
        lines.clear()
        plan.measure(SOME[:1], log=lines.append)
        assert not lines

    def test_something_else_is_refused_by_name(
        self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        Pass.plan([tiny], dataset, tmp_path / "out").measure([])
        with pytest.raises(RefusedError, match=r"with another choice of clips: --fresh starts over"):
            Pass.plan([tiny], dataset, tmp_path / "out", sample=6).measure([])
        with pytest.raises(RefusedError, match="with another list of models"):
            Pass.plan([replace(tiny, digest="other")], dataset, tmp_path / "out").measure([])
        monkeypatch.setattr(robustness, "VERSION", 2)
        with pytest.raises(RefusedError, match="with another version of the suite and choice of clips"):
            Pass.plan([tiny], dataset, tmp_path / "out").measure([])
        fresh = Pass.plan([tiny], dataset, tmp_path / "out")
        fresh.remove()
        assert fresh.measure([])[0].measured.suite == 2

    def test_a_folder_of_something_else_is_left_alone(
        self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel
    ) -> None:
        (tmp_path / "out").mkdir()
        (tmp_path / "out" / "about.json").write_text(json.dumps({"kind": "training"}))
        plan = Pass.plan([tiny], dataset, tmp_path / "out")
        for act in (plan.remove, lambda: plan.measure([])):
            with pytest.raises(RefusedError, match="does not hold what `hubbub robustness` measured"):
                act()

    def test_a_damaged_part_is_named(self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel) -> None:
        plan = Pass.plan([tiny], dataset, tmp_path / "out")
        plan.measure([])
        (tmp_path / "out" / "conditions" / "clean-0.npz").write_bytes(b"PK")
        with pytest.raises(DataError, match=r"clean-0.npz is damaged: remove it"):
            plan.measure([])


class TestModels:
    def test_a_model_must_not_have_heard_the_clips(self, tmp_path: Path, dataset: Dataset) -> None:
        heard = dataset.clips[0]
        path = model(tmp_path / "heard.onnx", training=TrainingRecord.of("other", [heard.id], [heard.group], []))
        with pytest.raises(RefusedError, match="the model has heard 2 of the 12 clips"):
            MeasuredModel.of_file(path, dataset)
        rest = MeasuredModel.of_file(path, dataset, unseen_only=True)
        plan = Pass.plan([rest], dataset, tmp_path / "out")
        assert len(plan.clips) == 10 and heard not in plan.clips and plan.sampled is None

    def test_one_that_does_not_know_the_classes(self, tmp_path: Path, dataset: Dataset) -> None:
        with pytest.raises(UsageError, match="does not know 3 of the 3 classes"):
            MeasuredModel.of_file(model(tmp_path / "other.onnx", labels=("a", "b", "c")), dataset)
        with pytest.raises(ModelFileError, match="no model file"):
            MeasuredModel.of_file(tmp_path / "none.onnx", dataset)

    def test_names_and_clips_must_fit(self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel) -> None:
        with pytest.raises(UsageError, match="two models have one name"):
            Pass.plan([tiny, tiny], dataset, tmp_path)
        elsewhere = replace(tiny, name="elsewhere", listeners={"nowhere.wav": 0})
        with pytest.raises(UsageError, match="no clip of sounds may be asked"):
            Pass.plan([tiny, elsewhere], dataset, tmp_path)

    def test_a_sample_says_so(self, tmp_path: Path, dataset: Dataset, tiny: MeasuredModel) -> None:
        plan = Pass.plan([tiny], dataset, tmp_path / "out", sample=6, seed=3)
        assert plan.sampled == 12 and [clip.label for clip in plan.clips].count("low") == 2
        assert plan.measure([])[0].measured.sampled == 12


def test_a_background_is_of_the_same_fold_and_another_class(dataset: Dataset) -> None:
    clips = tuple(replace(clip, fold=number % 2) for number, clip in enumerate(dataset.clips))
    given = replace(dataset, clips=clips)
    under = backgrounds(clips, given)
    assert all(under[clip.id].fold == clip.fold and under[clip.id].label != clip.label for clip in clips)
    assert backgrounds(clips[3:4], given) == {clips[3].id: under[clips[3].id]}  # drawn by the clip alone
    texts = [text.encode() for text in ("ESC-50-C", "1", "background", clips[3].id)]
    hashed = hashlib.sha256(b"".join(len(text).to_bytes(8, "big") + text for text in texts)).hexdigest()
    others = sorted(clip.id for clip in clips if clip.fold == clips[3].fold and clip.label != clips[3].label)
    assert under[clips[3].id].id == others[int(hashed[:16], 16) % len(others)]
    alone = replace(dataset, clips=clips[:1])
    assert backgrounds(alone.clips, alone) == {clips[0].id: clips[0]}


def test_conditions_by_name() -> None:
    assert conditions_of([]) == CONDITIONS
    assert len(conditions_of(["excerpt", "gain", "excerpt-1"])) == 8
    for name in ("fog", "gain-6", "clean"):
        with pytest.raises(UsageError, match=f"no condition is called '{name}': they are gaussian_snr, "):
            conditions_of([name])
