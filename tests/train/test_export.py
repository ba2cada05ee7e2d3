import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
import torch

import tinylearning as tiny
from hubbub.errors import ModelFileError, RefusedError
from hubbub.evaluate.calibration import fit_temperature, known_threshold
from hubbub.listen.classifier import Classifier as Listener
from hubbub.logmel import Floats, LogMelSpec, logmel
from hubbub.modelfile import ModelMeta, open_session
from hubbub.runs.predictions import Predictions
from hubbub.runs.record import DatasetRecord, SplitRecord
from hubbub.runs.run import Run
from hubbub.storage import digest
from hubbub.train import crossval, export, fit
from hubbub.train.arrays import RowSplit
from hubbub.train.config import Recipe, Stage
from hubbub.train.job import TrainingJob

QUICK = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 2, 1e-2), Stage(7, 1, 1e-3)))


def sounds(rate: int, seconds: float) -> Sequence[Floats]:
    rng = np.random.default_rng(0)
    return [(rng.normal(0, 0.1, round(rate * seconds)) * (0.1 + n)).astype(np.float32) for n in range(12)]


def job(folder: Path, recipe: Recipe) -> TrainingJob:
    return TrainingJob(
        arrays=tiny.clip_arrays(),
        dataset=DatasetRecord("tiny"),
        recipe=recipe,
        trunk=tiny.trunk(),
        seed=0,
        cache=folder / "cache",
        log=lambda _: None,
    )


@pytest.fixture(scope="module")
def tuned(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A run with validation clips."""
    folder = tmp_path_factory.mktemp("tuned")
    return fit.run(job(folder, QUICK), tiny.split(tiny.clip_arrays()), Run(folder / "tuned"))


@pytest.fixture(scope="module")
def probed(tmp_path_factory: pytest.TempPathFactory) -> Run:
    """A cross-validation with a final model that two clips were kept from."""
    folder = tmp_path_factory.mktemp("probed")
    splits = {fold: tiny.split(tiny.clip_arrays(), fold, None) for fold in (1, 2)}
    run = crossval.cross_validate(job(folder, tiny.PROBE), splits, Run(folder / "probed"))
    every = np.arange(24)
    crossval.final_model(
        job(folder, tiny.PROBE), RowSplit(SplitRecord("all-but"), every[:-2], every[:0], every[-2:]), run
    )
    return run


Exported = tuple[Path, ModelMeta]


@pytest.fixture(scope="module")
def exported(tuned: Run, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("exported") / "tuned.onnx"
    return path, export.export(tuned, path, sounds, "tuned 1", "CC0")


@pytest.fixture(scope="module")
def from_cv(probed: Run, tmp_path_factory: pytest.TempPathFactory) -> Exported:
    path = tmp_path_factory.mktemp("exported") / "probed.onnx"
    return path, export.export(probed, path, sounds, "probed 1", "CC0")


def test_the_listener_answers_as_torch_does_for_any_batch_and_length(tuned: Run, exported: Exported) -> None:
    classifier, recipe = export.load_classifier(tuned)
    listener = Listener(exported[0])
    rng = np.random.default_rng(1)
    for batch, seconds in ((3, 1.0), (2, 0.4), (1, 5.3)):
        waveforms = rng.normal(0, 0.2, (batch, round(seconds * recipe.frontend.sample_rate))).astype(np.float32)
        logits, embedding = listener.run(waveforms)
        with torch.no_grad():
            wanted = classifier(torch.from_numpy(logmel(waveforms, recipe.frontend))[:, None])
        np.testing.assert_allclose(logits, wanted[0], atol=1e-3)
        np.testing.assert_allclose(embedding, wanted[1], atol=1e-3)
        assert logits.shape == (batch, 3) and np.ptp(logits) > 0.01


def test_the_axes_of_the_graph_are_free_and_its_names_are_the_contract(exported: Exported) -> None:
    session, _ = open_session(exported[0])
    [given] = session.get_inputs()
    assert given.name == "logmel" and given.shape[1:3] == [1, 32]
    assert isinstance(given.shape[0], str) and isinstance(given.shape[3], str)
    assert [node.name for node in session.get_outputs()] == ["logits", "embedding"]
    assert not list(exported[0].parent.glob("*.data"))


def test_the_head_reads_nothing_but_the_embedding(exported: Exported) -> None:
    graph = onnx.load(exported[0]).graph
    made_by = {name: node for node in graph.node for name in node.output}
    reached, waiting = set(), ["logits"]
    while waiting:
        name = waiting.pop()
        reached.add(name)
        if name != "embedding" and name in made_by:
            waiting.extend(made_by[name].input)
    assert "embedding" in reached and "logmel" not in reached


def test_what_the_file_says_about_itself(tuned: Run, exported: Exported) -> None:
    path, meta = exported
    _, kept = open_session(path)
    assert kept == meta and meta.name == "tuned 1" and meta.labels == tiny.LABELS and meta.licence == "CC0"
    assert meta.frontend == tiny.SPEC and (meta.window_seconds, meta.hop_seconds) == (1.0, 0.5)
    assert meta.trunk == "mn04_as/12/tuned 1"  # tuned blocks are a trunk of their own
    test = tuned.metrics["test"]
    assert meta.figures["accuracy"] == test["accuracy"] and meta.figures["interval"] == test["interval"]
    assert meta.figures["protocol"] == "tiny-fold4" and meta.figures["recipe"] == "tiny-finetune"


def test_a_frozen_trunk_keeps_its_name(from_cv: Exported) -> None:
    assert from_cv[1].trunk == "mn04_as/12" and from_cv[1].figures["protocol"] == "tiny folds 1 2"


def test_the_record_holds_training_and_validation_but_not_test(exported: Exported) -> None:
    given, rows, record = tiny.clip_arrays(), tiny.split(tiny.clip_arrays()), exported[1].training
    for part, heard in ((rows.train, True), (rows.validation, True), (rows.test, False)):
        for row in part:
            name, recording, samples = given.ids[row], given.groups[row], given.digests[row]
            assert record.has_heard(name, "another recording") is heard
            assert record.has_heard("another clip", recording) is heard
            assert record.has_heard("another clip", "another recording", samples) is heard


def test_the_record_of_a_cross_validation_is_that_of_its_final_model(from_cv: Exported) -> None:
    record = from_cv[1].training
    assert record.has_heard("clip-21", "") and not record.has_heard("clip-22", "recording clip-22", digest("clip-22"))
    assert len(record.clips) == 22


def test_temperature_and_threshold_come_from_validation_clips_of_a_single_run(tuned: Run, exported: Exported) -> None:
    held = Predictions.read(tuned.folder / "validation.csv")
    temperature = fit_temperature(held.targets, held.probabilities)
    assert exported[1].calibration.parameters["temperature"] == temperature
    assert exported[1].known_score.threshold == known_threshold(held.probabilities, temperature)


def test_temperature_and_threshold_come_from_all_test_clips_of_a_cross_validation(
    probed: Run, from_cv: Exported
) -> None:
    held = probed.predictions
    temperature = fit_temperature(held.targets, held.probabilities)
    assert len(held.clips) == 12 and from_cv[1].calibration.parameters["temperature"] == temperature
    assert from_cv[1].known_score.threshold == known_threshold(held.probabilities, temperature)


# --- the gate ---------------------------------------------------------------------------------------------------------


@pytest.fixture
def graph(exported: Exported, monkeypatch: pytest.MonkeyPatch) -> onnx.ModelProto:
    """What the exporter will give next, made once; to be tampered with."""
    model = onnx.load(exported[0])
    monkeypatch.setattr(export, "to_onnx", lambda *_: model.SerializeToString())
    return model


def refused(run: Run, path: Path, match: str, error: type[Exception] = RefusedError) -> None:
    path.write_bytes(b"an older model")
    with pytest.raises(error, match=match):
        export.export(run, path, sounds, "x", "CC0")
    assert path.read_bytes() == b"an older model" and list(path.parent.iterdir()) == [path]


def test_an_honest_graph_passes(tuned: Run, tmp_path: Path, graph: onnx.ModelProto) -> None:
    assert export.export(tuned, tmp_path / "model.onnx", sounds, "x", "CC0").name == "x"
    assert open_session(tmp_path / "model.onnx")[1].name == "x"


@pytest.mark.parametrize(
    ("change", "error", "match"),
    [
        (-0.002, RefusedError, "a logit by 0.002, allowed are 0.001.: nothing was written; try other"),
        (np.nan, ModelFileError, "gives NaN or infinity"),
    ],
)
def test_a_graph_that_answers_differently_is_not_written(
    tuned: Run, tmp_path: Path, graph: onnx.ModelProto, change: float, error: type[Exception], match: str
) -> None:
    [bias] = [part for part in graph.graph.initializer if list(part.dims) == [len(tiny.LABELS)]]
    changed = onnx.numpy_helper.to_array(bias) + np.array([0, change, 0], np.float32)
    bias.CopyFrom(onnx.numpy_helper.from_array(changed, bias.name))
    refused(tuned, tmp_path / "model.onnx", match, error)


def test_a_front_end_that_hears_differently_is_not_written(
    tuned: Run, tmp_path: Path, graph: onnx.ModelProto, monkeypatch: pytest.MonkeyPatch
) -> None:
    def tampered(session: Any, spec: LogMelSpec, waveforms: Floats) -> Any:
        return honest(session, dataclasses.replace(spec, preemphasis=0.5), waveforms)

    honest = export.run_waveforms
    monkeypatch.setattr(export, "run_waveforms", tampered)
    refused(tuned, tmp_path / "model.onnx", "answers differently from the trained one")


def test_a_cross_validation_without_a_final_model(tmp_path: Path) -> None:
    splits = {fold: tiny.split(tiny.clip_arrays(), fold, None) for fold in (1, 2)}
    run = crossval.cross_validate(job(tmp_path, tiny.PROBE), splits, Run(tmp_path / "cv"))
    (tmp_path / "out").mkdir()
    message = "holds no finished final model: `hubbub cv` without --no-final makes one"
    refused(run, tmp_path / "out" / "model.onnx", message)
