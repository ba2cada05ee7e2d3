"""From a run folder to a model file that needs no torch, through a gate that compares the two stacks."""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import torch

from hubbub import modelfile
from hubbub.errors import DataError, RefusedError
from hubbub.evaluate.calibration import fit_temperature, known_threshold
from hubbub.listen.backend import open_onnx, run_waveforms
from hubbub.logmel import Floats
from hubbub.modelfile import Calibration, KnownScore, ModelMeta, TrainingRecord
from hubbub.runs.predictions import Predictions
from hubbub.runs.run import Run
from hubbub.storage import write_with
from hubbub.train import recipe_file as recipes
from hubbub.train import weights
from hubbub.train.config import Recipe
from hubbub.train.frontend import LogMel
from hubbub.train.networks.build import trunk as build
from hubbub.train.networks.classifier import ClassifierNetwork, head
from hubbub.train.quiet import quiet_export

TOLERANCE = 1e-3  #: most that a logit may differ between the stacks
_OPSET = 18


def load_classifier(run: Run) -> tuple[ClassifierNetwork, Recipe]:
    """The trained network of a finished run, in evaluation mode, and its recipe.

    Raises DataError if its model.pt is missing, damaged or of another network.
    """
    recipe = recipes.parse(run.recipe, str(run.folder))
    wanted, classes = recipe.network, len(run.record.labels)
    trunk = build(wanted, recipe.frontend.channels)
    classifier = ClassifierNetwork(trunk, head(trunk.embedding_size, classes, wanted.hidden, wanted.dropout))
    path = run.folder / "model.pt"
    try:
        classifier.load_state_dict(weights.load(path))
    except RuntimeError as error:  # names or shapes that differ
        raise DataError(f"{path} does not fit the network of its recipe.yaml: --fresh starts the run over") from error
    return classifier.eval(), recipe


Sounds = Callable[[int, float], Sequence[Floats]]  #: rate in Hz and seconds → waveforms, each of shape (time,)


def export(run: Run, path: Path, sounds: Sounds, name: str, licence: str) -> ModelMeta:
    """Write a run's model file; nothing is written if the listening stack would answer differently.

    Args:
        run: a training run, or a cross-validation, whose final model is taken. Temperature and unknown-sound threshold
            are read off clips that were held out: of a cross-validation the test clips of all folds, of a single run
            its validation clips (its test clips if it has none).
        path: of the model file.
        sounds: gives what to compare the stacks on, at the front end's rate and as long as its window.
        name: of the model.
        licence: of its weights.

    Raises:
        RefusedError: the run has no model, or a logit differs by more than `TOLERANCE`.
    """
    trained = run.child("final") if (run.folder / "final").is_dir() else run
    if not trained.finished or not (trained.folder / "model.pt").is_file():
        raise RefusedError(f"{run.folder} holds no finished final model: `hubbub cv` without --no-final makes one")
    classifier, recipe = load_classifier(trained)
    meta = _meta(run, trained, recipe, name, licence)
    waveforms = sounds(recipe.frontend.sample_rate, recipe.seconds)
    graph = to_onnx(classifier, recipe)
    write_with(path, lambda part: _gated(part, graph, meta, classifier, waveforms))
    return meta


def to_onnx(classifier: ClassifierNetwork, recipe: Recipe) -> bytes:
    """The network as an ONNX graph with free batch and time axes, as `hubbub.modelfile` wants it."""
    batch, frames = torch.export.Dim("batch", min=1), torch.export.Dim("frames", min=16)
    spec = recipe.frontend
    example = torch.randn(2, *spec.shape(round(recipe.seconds * spec.sample_rate)))
    with quiet_export(), torch.no_grad():
        program = torch.onnx.export(
            classifier.to(memory_format=torch.contiguous_format),  # type: ignore[call-overload]
            (example,),
            input_names=[modelfile.INPUT],
            output_names=list(modelfile.OUTPUTS),
            dynamic_shapes=({0: batch, 3: frames},),
            opset_version=_OPSET,
            dynamo=True,
            external_data=False,
            verbose=False,
        )
    assert program is not None
    return program.model_proto.SerializeToString()


def _gated(
    path: Path, graph: bytes, meta: ModelMeta, classifier: ClassifierNetwork, waveforms: Sequence[Floats]
) -> None:
    modelfile.write(path, graph, meta)
    backend, _ = open_onnx(path)
    learner = LogMel(meta.frontend)
    differences = []
    for start in range(0, len(waveforms), 10):
        batch = np.stack(waveforms[start : start + 10]).astype(np.float32)
        with torch.no_grad():
            picture = learner(torch.from_numpy(batch))[:, None].expand(-1, meta.frontend.channels, -1, -1)
            wanted = classifier(picture)[0].numpy()
        differences.append(np.abs(run_waveforms(backend, meta.frontend, batch)[0] - wanted).max())
    worst = float(np.max(differences))
    if not worst <= TOLERANCE:  # true for NaN as well
        raise RefusedError(
            f"the exported model answers differently from the trained one (a logit by {worst:.2g}, allowed are"
            f" {TOLERANCE:g}): nothing was written; try other versions of torch and onnxruntime"
        )


def _meta(run: Run, trained: Run, recipe: Recipe, name: str, licence: str) -> ModelMeta:
    metrics = run.metrics
    held = _held_out(run)
    temperature = fit_temperature(held.targets, held.probabilities)
    learnt = [row for row in trained.clips if row["part"] != "test"]
    clips, recordings = (row["clip"] for row in learnt), (row["recording"] for row in learnt)
    samples = (row["samples"] for row in learnt if trained.record.content)  # older runs have digests of another kind
    training = TrainingRecord.of(str(run.record.dataset), clips, recordings, samples)
    test = metrics["test"]
    figures: dict[str, Any] = {"accuracy": test["accuracy"], "interval": test.get("interval"), "clips": test["clips"]}
    tuned = any(stage.first_trainable_block < recipe.network.blocks for stage in recipe.stages)
    network = recipe.network
    trunk = f"{network.weights or network.kind}/{network.pool if network.pool_from is None else network.pool_from}"
    return ModelMeta(
        name=name,
        labels=run.record.labels,
        frontend=recipe.frontend,
        trunk=f"{trunk}/{name}" if tuned else trunk,
        calibration=Calibration("temperature", {"temperature": temperature}),
        known_score=KnownScore("max_softmax", {}, known_threshold(held.probabilities, temperature)),
        licence=licence,
        window_seconds=recipe.seconds,
        hop_seconds=recipe.seconds / 2,
        training=training,
        figures=figures
        | {"protocol": str(run.record.split), "dataset": str(run.record.dataset), "recipe": recipe.name},
    )


def _held_out(run: Run) -> Predictions:
    """Predictions of clips that the model, or the models of its cross-validation, did not learn from."""
    validation = run.folder / "validation.csv"
    return Predictions.read(validation) if validation.is_file() else run.predictions
