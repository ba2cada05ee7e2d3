"""The model file: one `.onnx` that carries all that a listener needs, in its metadata.

The graph takes `logmel` (batch, channels, rows, columns) and gives `logits` (batch, classes; before temperature) and
`embedding` (batch, size); batch and frames are free. The head reads nothing but `embedding`, so
that it can be replaced.
"""

import base64
import json
import math
import os
from collections.abc import Iterable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from hubbub.errors import ModelFileError, missing_extra
from hubbub.evaluate.calibration import CALIBRATIONS
from hubbub.evaluate.openset import KNOWN_SCORES
from hubbub.logmel import LogMelSpec
from hubbub.storage import digest, write_bytes

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported, anywhere

FORMAT_VERSION = 2
INPUT, OUTPUTS = "logmel", ("logits", "embedding")
_KEY = "hubbub"


@dataclass(frozen=True)
class TrainingRecord:
    """What a model has heard, validation included, as hashes and never as names.

    Each of `clips`, `recordings` and `samples` holds digests of 16 hexadecimal digits (`storage.digest`) of clip ids,
    source-recording ids and decoded samples.
    """

    dataset: str = ""
    clips: frozenset[str] = frozenset()
    recordings: frozenset[str] = frozenset()
    samples: frozenset[str] = frozenset()

    @classmethod
    def of(
        cls, dataset: str, clips: Iterable[str], recordings: Iterable[str], samples: Iterable[str]
    ) -> "TrainingRecord":
        """A record from names; `samples` are digests already."""
        hashed = [frozenset(digest(dataset, name) for name in names) for names in (clips, recordings)]
        return cls(dataset, hashed[0], hashed[1], frozenset(samples))

    def has_heard(self, clip: str, recording: str, samples: str = "") -> bool:
        """Whether the clip id, its source recording or its samples' digest is on record."""
        return (
            digest(self.dataset, clip) in self.clips
            or digest(self.dataset, recording) in self.recordings
            or samples in self.samples
        )

    def to_dict(self) -> dict[str, Any]:
        """As JSON values, eight bytes a digest."""
        packed = {name: _pack(getattr(self, name)) for name in ("clips", "recordings", "samples")}
        return {"dataset": self.dataset, **packed}

    @classmethod
    def from_dict(cls, values: dict[str, Any]) -> "TrainingRecord":
        """The inverse of `to_dict`."""
        return cls(values["dataset"], *(_unpack(values[name]) for name in ("clips", "recordings", "samples")))


@dataclass(frozen=True)
class Calibration:
    """How logits become scores: a function of `hubbub.evaluate.calibration.CALIBRATIONS`, and its parameters."""

    name: str
    parameters: dict[str, float]


@dataclass(frozen=True)
class KnownScore:
    """How like the classes that the model knows a sound is: a function of `hubbub.evaluate.openset.KNOWN_SCORES`.

    A sound whose score is under `threshold` counts as unknown.
    """

    name: str
    parameters: dict[str, float]
    threshold: float


@dataclass(frozen=True)
class ModelMeta:
    """All that a listener must know beside the graph.

    Attributes:
        name: the model's, with its version.
        labels: the classes, in the order of the logits.
        frontend: how samples become the graph's input.
        trunk: name and version of what makes the embedding; embeddings of two trunks are never mixed.
        calibration: how logits become scores.
        known_score: how a sound of no class that the model knows is told.
        licence: of the weights.
        window_seconds: what is heard at once. hop_seconds: between the starts of two windows of a longer sound.
        training: what the model has heard.
        figures: accuracy and the like, with the protocol that gave them; for the reader, not for the code.
    """

    name: str
    labels: tuple[str, ...]
    frontend: LogMelSpec
    trunk: str
    calibration: Calibration
    known_score: KnownScore
    licence: str
    window_seconds: float = 5.0
    hop_seconds: float = 2.5
    training: TrainingRecord = field(default_factory=TrainingRecord)
    figures: dict[str, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        """The metadata entry of a model file."""
        values = {**asdict(self), "training": self.training.to_dict(), "format_version": FORMAT_VERSION}
        return json.dumps(values)

    @classmethod
    def from_json(cls, text: str) -> "ModelMeta":
        """The inverse of `to_json`. Raises ModelFileError if something is missing or makes no sense."""
        try:
            values = json.loads(text)
            version = values.pop("format_version")
            if version == 1:
                raise ModelFileError(
                    f"the model file has format version 1, this hubbub reads {FORMAT_VERSION}: export its run again"
                )
            if version != FORMAT_VERSION:
                raise ModelFileError(
                    f"the model file has format version {version}, this hubbub reads {FORMAT_VERSION}: update hubbub"
                )
            values["labels"] = tuple(values["labels"])
            values["frontend"] = LogMelSpec(**values["frontend"])
            values["calibration"] = Calibration(**values["calibration"])
            values["known_score"] = KnownScore(**values["known_score"])
            values["training"] = TrainingRecord.from_dict(values["training"])
            meta = cls(**values)
            sound = meta._makes_sense()
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            raise ModelFileError(f"the model file's metadata is damaged ({error}): export the model again") from error
        if not sound:
            raise ModelFileError("the model file's metadata makes no sense: export the model again")
        return meta

    def _makes_sense(self) -> bool:
        return (
            len(set(self.labels)) == len(self.labels) > 0
            and all(isinstance(label, str) for label in self.labels)
            and self.calibration.name in CALIBRATIONS
            and 0 < self.calibration.parameters["temperature"] < math.inf
            and self.known_score.name in KNOWN_SCORES
            and 0 <= self.known_score.threshold <= 1
            and 0 < self.hop_seconds <= self.window_seconds < math.inf
        )


def open_session(path: Path, threads: int = 0) -> tuple[Any, ModelMeta]:
    """An onnxruntime session and the metadata of the model file at `path`; `threads` 0 lets the library choose.

    Raises ModelFileError if the file is not there, is not ONNX, or was not written by hubbub.
    """
    import onnxruntime

    if not path.is_file():
        raise ModelFileError(f"no model file at {path}: check the path, or leave it out for the built-in model")
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 3
    try:
        session = onnxruntime.InferenceSession(str(path), options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds of its own for a file it cannot read
        raise ModelFileError(f"{path} is not a model file that onnxruntime can read: export the model again") from error
    text = session.get_modelmeta().custom_metadata_map.get(_KEY)
    if text is None:
        raise ModelFileError(f"{path} is an ONNX file, but not one that hubbub wrote: use `hubbub export`")
    meta = ModelMeta.from_json(text)
    _check_graph(session, meta, path)
    return session, meta


def write(path: Path, graph: bytes, meta: ModelMeta) -> None:
    """Write an ONNX graph with its metadata to `path`, whole or not at all. Needs the package onnx."""
    try:
        import onnx
    except ImportError as error:
        raise missing_extra("train", "writing a model file") from error
    model = onnx.load_from_string(graph)
    del model.metadata_props[:]
    onnx.helper.set_model_props(model, {_KEY: meta.to_json()})
    model.producer_name = "hubbub"
    onnx.checker.check_model(model)
    write_bytes(path, model.SerializeToString())


def _check_graph(session: Any, meta: ModelMeta, path: Path) -> None:
    inputs = [(node.name, node.shape) for node in session.get_inputs()]
    outputs = {node.name: node.shape for node in session.get_outputs()}
    if [name for name, _ in inputs] != [INPUT] or set(OUTPUTS) - set(outputs):
        raise ModelFileError(f"{path}: the graph must take {INPUT} and give {' and '.join(OUTPUTS)}")
    axes, logits = inputs[0][1], outputs["logits"]
    fits = len(axes) == 4 and len(logits) == 2 and len(outputs["embedding"]) == 2
    channels, rows, _ = meta.frontend.shape(0)
    if not fits or axes[1:3] != [channels, rows] or logits[1] != len(meta.labels):
        raise ModelFileError(f"{path}: the graph does not fit its {len(meta.labels)} labels or its front end")
    if isinstance(axes[0], int) or isinstance(axes[3], int):
        raise ModelFileError(f"{path}: the graph's batch and frames must be free axes: export the model again")


def _pack(digests: Iterable[str]) -> str:
    return base64.b64encode(b"".join(bytes.fromhex(name) for name in sorted(digests))).decode()


def _unpack(text: str) -> frozenset[str]:
    raw = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(-1, 8)
    return frozenset(row.tobytes().hex() for row in raw)
