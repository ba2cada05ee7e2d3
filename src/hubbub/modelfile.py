"""The model file: one `.onnx` that carries all that a listener needs, in its metadata.

The graph takes `logmel` (batch, channels, rows, columns) and gives `logits` (batch, classes; before temperature) and
`embedding` (batch, size); batch and frames are free. The head reads nothing but `embedding`, so
that it can be replaced.

A model file may come from anywhere. It is read whole, its metadata checked against the types and limits below and its
operators against a list, before anything of it runs; what is wrong is a ModelFileError of one line that names the file.
"""

import base64
import json
import math
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import asdict, dataclass, field
from functools import cached_property
from inspect import signature
from pathlib import Path
from typing import Annotated, Any, ClassVar, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import AfterValidator, BeforeValidator, Field

from hubbub import onnxgraph
from hubbub.errors import ModelFileError, missing_extra
from hubbub.evaluate import openset
from hubbub.evaluate.calibration import CALIBRATIONS
from hubbub.formatting import printable
from hubbub.logmel import LogMelSpec
from hubbub.storage import digest, write_bytes
from hubbub.types import Doubles, Floats
from hubbub.validation import STRICT, from_json, from_values

os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")  # before onnxruntime is imported, anywhere

FORMAT_VERSION: Literal[2] = 2
INPUT, OUTPUTS = "logmel", ("logits", "embedding")

#: What a graph may hold: arithmetic on arrays. Nothing that loops, branches, draws, keeps state, or handles texts.
OPERATORS = frozenset(
    [
        *("Abs", "Add", "Cast", "Ceil", "Clip", "Cos", "Div", "Equal", "Erf", "Exp", "Floor", "Greater", "Less", "Log"),
        *("Max", "Min", "Mul", "Neg", "Not", "Pow", "Reciprocal", "Sin", "Sqrt", "Sub", "Tanh", "Where"),
        *("Elu", "Gelu", "HardSigmoid", "HardSwish", "LeakyRelu", "LogSoftmax", "PRelu", "Relu", "Sigmoid", "Softmax"),
        *("Softplus", "BatchNormalization", "InstanceNormalization", "LayerNormalization"),
        *("AveragePool", "Conv", "Gemm", "GlobalAveragePool", "GlobalMaxPool", "MatMul", "MaxPool"),
        *("ReduceMax", "ReduceMean", "ReduceMin", "ReduceSum", "Concat", "Constant", "ConstantOfShape", "Expand"),
        *("Flatten", "Gather", "Identity", "Pad", "Range", "Reshape", "Shape", "Slice", "Split", "Squeeze"),
        *("Transpose", "Unsqueeze"),
    ]
)

_KEY = "hubbub"
_MOST_BYTES = 500_000_000  # of a file
_MOST_FIGURES = 20_000  # characters of JSON
_MOST_VALUES = 2**24  # of the spectrum of one window
_MOST_PACKED = 150_000  # numbers of an array in the metadata
_LARGEST = 1e6  # magnitude of a number in such an array
_TEMPERATURES = (1e-3, 1e3)  # `fit_temperature` gives 0.1 to 10

Name = Annotated[str, Field(min_length=1, max_length=500)]


def _pack(digests: Iterable[str]) -> str:
    return base64.b64encode(b"".join(bytes.fromhex(name) for name in sorted(digests))).decode()


def _unpack(text: Any) -> frozenset[str]:
    if not isinstance(text, str):
        raise ValueError("digests must be a text in base 64")
    raw = np.frombuffer(base64.b64decode(text, validate=True), np.uint8).reshape(-1, 8)
    return frozenset(row.tobytes().hex() for row in raw)


Digests = Annotated[frozenset[str], BeforeValidator(_unpack)]  #: in a file, eight bytes each, in base 64


@dataclass(frozen=True)
class TrainingRecord:
    """What a model has heard, validation included, as hashes and never as names.

    Each of `clips`, `recordings` and `samples` holds digests of 16 hexadecimal digits (`storage.digest`) of clip ids,
    source-recording ids and decoded samples.
    """

    __pydantic_config__: ClassVar = STRICT
    dataset: str = ""
    clips: Digests = frozenset()
    recordings: Digests = frozenset()
    samples: Digests = frozenset()

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
        """The inverse of `to_dict`. Raises ValueError if something is of the wrong type."""
        return from_values(cls, values)


@dataclass(frozen=True)
class Calibration:
    """How logits become scores: a function of `hubbub.evaluate.calibration.CALIBRATIONS`, and its parameters."""

    __pydantic_config__: ClassVar = STRICT
    name: str
    parameters: dict[str, float]

    def __post_init__(self) -> None:
        _require_call(CALIBRATIONS, self.name, 1, self.parameters)
        least, most = _TEMPERATURES
        if not least <= self.parameters["temperature"] <= most:
            raise ValueError(f"temperature must be in {least:g}..{most:g}, got {self.parameters['temperature']:g}")


@dataclass(frozen=True)
class PackedArray:
    """A small array of 32 bit floats in the metadata, of one or two axes: its shape, and its numbers in base 64.

    The numbers are little-endian, row by row.
    """

    __pydantic_config__: ClassVar = STRICT
    shape: Annotated[tuple[Annotated[int, Field(ge=1)], ...], Field(min_length=1, max_length=2)]
    floats: str

    def __post_init__(self) -> None:
        count = math.prod(self.shape)
        if count > _MOST_PACKED:
            raise ValueError(f"an array of {count:,} numbers is too large, {_MOST_PACKED:,} are allowed")
        if len(self.floats) != 4 * -(-4 * count // 3):
            raise ValueError("the length of an array is not that of its shape")
        if not np.all(np.abs(self.values) <= _LARGEST):  # true for NaN as well
            raise ValueError(f"an array holds a number that is none, or beyond {_LARGEST:g}")

    @classmethod
    def of(cls, values: NDArray[np.floating]) -> "PackedArray":
        """The packed form of an array, rounded to 32 bit."""
        little = np.ascontiguousarray(values, "<f4")
        return cls(values.shape, base64.b64encode(little.tobytes()).decode())

    @cached_property
    def values(self) -> Floats:
        """The numbers, float32 of `shape`, not to be written to."""
        raw = base64.b64decode(self.floats, validate=True)
        return np.frombuffer(raw, "<f4").astype(np.float32, copy=False).reshape(self.shape)


@dataclass(frozen=True)
class KnownScore:
    """How like the classes that the model knows a sound is: a function of `hubbub.evaluate.openset.KNOWN_SCORES`.

    A sound whose score is under `threshold` counts as unknown.
    """

    __pydantic_config__: ClassVar = STRICT
    name: str
    parameters: dict[str, PackedArray | float]
    threshold: Annotated[float, Field(ge=0, le=1)]

    def __post_init__(self) -> None:
        if self.name not in openset.KNOWN_SCORES:
            raise ValueError(f"name must be one of {', '.join(openset.KNOWN_SCORES)}")
        _ = self.sizes

    @classmethod
    def of(cls, name: str, parameters: Mapping[str, float | NDArray[np.floating]], threshold: float) -> "KnownScore":
        """One whose arrays are packed; arrays without axes are taken as numbers."""
        packed = {
            parameter: PackedArray.of(value) if isinstance(value, np.ndarray) and value.ndim else float(value)
            for parameter, value in parameters.items()
        }
        return cls(name, packed, threshold)

    @property
    def sizes(self) -> dict[str, int]:
        """How many "classes", and values of the embedding ("size"), the parameters are for, where they tell."""
        shapes = {
            name: value.shape if isinstance(value, PackedArray) else () for name, value in self.parameters.items()
        }
        return openset.sizes(self.name, shapes)

    @property
    def numbers(self) -> int:
        """How many numbers the parameters are."""
        return sum(value.values.size if isinstance(value, PackedArray) else 1 for value in self.parameters.values())

    def score(self, scores: NDArray[np.floating], embedding: NDArray[np.floating]) -> Doubles:
        """Scores of sounds, shape (...), from calibrated scores (..., classes) and embeddings (..., size)."""
        values = {n: value.values if isinstance(value, PackedArray) else value for n, value in self.parameters.items()}
        return openset.KNOWN_SCORES[self.name](scores, embedding, **values)


def _require_call(
    functions: Mapping[str, Callable[..., Any]], name: str, arrays: int, parameters: Mapping[str, float]
) -> None:
    """Raises ValueError unless a function of that name takes so many arrays, and just those parameters."""
    if name not in functions:
        raise ValueError(f"name must be one of {', '.join(functions)}")
    wanted = list(signature(functions[name]).parameters)[arrays:]
    if sorted(wanted) != sorted(parameters):
        raise ValueError(f"parameters of {name} must be: {', '.join(wanted) or 'none'}")


def _bounded(figures: dict[str, Any]) -> dict[str, Any]:
    if len(json.dumps(figures, allow_nan=False)) > _MOST_FIGURES:
        raise ValueError(f"more than {_MOST_FIGURES:,} characters")
    return figures


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

    __pydantic_config__: ClassVar = STRICT
    name: Name
    labels: Annotated[tuple[Name, ...], Field(min_length=1, max_length=10_000)]
    frontend: LogMelSpec
    trunk: Name
    calibration: Calibration
    known_score: KnownScore
    licence: Annotated[str, Field(max_length=1000)]
    window_seconds: Annotated[float, Field(gt=0, le=600)] = 5.0
    hop_seconds: Annotated[float, Field(ge=0.01)] = 2.5
    training: TrainingRecord = field(default_factory=TrainingRecord)
    figures: Annotated[dict[str, Any], AfterValidator(_bounded)] = field(default_factory=dict)
    format_version: Literal[2] = FORMAT_VERSION

    def __post_init__(self) -> None:
        if len(set(self.labels)) < len(self.labels):
            raise ValueError("two labels are alike")
        if self.known_score.sizes.get("classes", len(self.labels)) != len(self.labels):
            raise ValueError(f"known_score is not for {len(self.labels)} labels")
        if self.hop_seconds > self.window_seconds:
            raise ValueError("hop_seconds must not be above window_seconds")
        spec, seconds = self.frontend, (self.window_seconds, self.hop_seconds)
        window, hop = (round(duration * spec.sample_rate) for duration in seconds)
        if hop < 1 or window < spec.n_fft // 2 + 2:
            raise ValueError("the window or its hop is too short for the front end")
        if spec.frames(window) * max(spec.n_fft, spec.n_mels) > _MOST_VALUES:
            raise ValueError("the front end makes too much of a window")

    def to_json(self) -> str:
        """The metadata entry of a model file."""
        return json.dumps({**asdict(self), "training": self.training.to_dict()})

    @classmethod
    def from_json(cls, text: str, source: Path | str = "the model file") -> "ModelMeta":
        """The inverse of `to_json`. Raises ModelFileError, which names `source`, if something is missing or wrong."""
        try:
            version = from_json(_Versioned, text).format_version
            if version == FORMAT_VERSION:
                return from_json(cls, text)
        except ValueError as error:
            raise ModelFileError(f"{source}: the metadata is damaged ({error}): export the model again") from error
        remedy = "export its run again" if version == 1 else "update hubbub"
        number = printable(str(version))[:20]
        raise ModelFileError(f"{source} has format version {number}, this hubbub reads {FORMAT_VERSION}: {remedy}")


@dataclass(frozen=True)
class _Versioned:
    format_version: Any


def open_session(path: Path, threads: int = 0) -> tuple[Any, ModelMeta]:
    """An onnxruntime session and the metadata of the model file at `path`; `threads` 0 lets the library choose.

    Raises ModelFileError if the file is not there, is not ONNX, or was not written by hubbub.
    """
    import onnxruntime

    content = _content(path)
    meta = _checked_meta(content, path)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.log_severity_level = 4  # what goes wrong is raised as well
    options.add_session_config_entry("session.load_model_format", "ONNX")
    try:
        session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    except Exception as error:  # onnxruntime raises a dozen kinds of its own for a file it cannot read
        raise ModelFileError(f"{path} is not a model file that onnxruntime can read: export the model again") from error
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


def _content(path: Path) -> bytes:
    if not path.is_file():
        raise ModelFileError(f"no model file at {path}: check the path, or leave it out for the built-in model")
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise ModelFileError(f"{path} has more than {_MOST_BYTES / 1e6:,.0f} MB, too many for a model file")
        return path.read_bytes()
    except OSError as error:
        raise ModelFileError(f"{path} cannot be read ({error.strerror or error}): check it") from error


def _checked_meta(content: bytes, path: Path) -> ModelMeta:
    """The metadata of a file whose graph holds only what it may; see `open_session`."""
    try:
        contents = onnxgraph.read(content)
    except ValueError as error:
        raise ModelFileError(f"{path} is not a model file ({error}): export the model again") from error
    if not contents.graphs:
        raise ModelFileError(f"{path} is not a model file (no graph in it): export the model again")
    texts = [value for key, value in contents.metadata if key == _KEY]
    if len(texts) != 1:
        raise ModelFileError(f"{path} is an ONNX file, but not one that hubbub wrote: use `hubbub export`")
    if foreign := sorted(contents.operators - OPERATORS):
        names = printable(", ".join(foreign))[:100]
        raise ModelFileError(f"{path}: its graph holds what a model file must not: {names}; use `hubbub export`")
    if contents.external or contents.texts or contents.graphs > 1:
        raise ModelFileError(f"{path}: its graph must be one, with all its numbers in the file: use `hubbub export`")
    return ModelMeta.from_json(texts[0], path)


def _check_graph(session: Any, meta: ModelMeta, path: Path) -> None:
    try:
        inputs = [(node.name, node.shape) for node in session.get_inputs()]
        outputs = {node.name: node.shape for node in session.get_outputs()}
    except UnicodeDecodeError as error:
        raise ModelFileError(f"{path}: a name in its graph is damaged: export the model again") from error
    if [name for name, _ in inputs] != [INPUT] or set(OUTPUTS) - set(outputs):
        raise ModelFileError(f"{path}: the graph must take {INPUT} and give {' and '.join(OUTPUTS)}")
    if {node.type for node in (*session.get_inputs(), *session.get_outputs())} != {"tensor(float)"}:
        raise ModelFileError(f"{path}: the graph must take and give arrays of 32 bit floats")
    axes, logits = inputs[0][1], outputs["logits"]
    fits = len(axes) == 4 and len(logits) == 2 and len(outputs["embedding"]) == 2
    channels, rows, _ = meta.frontend.shape(0)
    if not fits or axes[1:3] != [channels, rows] or logits[1] != len(meta.labels):
        raise ModelFileError(f"{path}: the graph does not fit its {len(meta.labels)} labels or its front end")
    size = meta.known_score.sizes.get("size")
    if size is not None and outputs["embedding"][1] != size:
        raise ModelFileError(f"{path}: known_score is not for the graph's embedding: export the model again")
    if isinstance(axes[0], int) or isinstance(axes[3], int):
        raise ModelFileError(f"{path}: the graph's batch and frames must be free axes: export the model again")
