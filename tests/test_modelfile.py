import base64
import dataclasses
import hashlib
import json
import math
import struct
from pathlib import Path
from typing import Any

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import tinymodel
from hubbub import modelfile
from hubbub.errors import ModelFileError, RefusedError
from hubbub.evaluate.openset import KNOWN_SCORES
from hubbub.logmel import LogMelSpec
from hubbub.modelfile import KnownScore, ModelMeta, PackedArray, TrainingRecord, open_session


def hashed(*parts: str) -> str:
    """What a digest is said to be: SHA-256 of each part after its length, the first 16 digits."""
    framed = b"".join(len(part.encode()).to_bytes(8, "big") + part.encode() for part in parts)
    return hashlib.sha256(framed).hexdigest()[:16]


def stored(path: Path, entry: str | None, graph: bytes | None = None) -> Path:
    """A model file with `entry` as hubbub's metadata."""
    model = onnx.load_from_string(graph or tinymodel.graph())
    helper.set_model_props(model, {"other": "kept"} | ({"hubbub": entry} if entry is not None else {}))
    path.write_bytes(model.SerializeToString())
    return path


def changed(**changes: Any) -> str:
    """The metadata entry with some values changed; ... removes one."""
    values = json.loads(tinymodel.meta().to_json()) | changes
    return json.dumps({key: value for key, value in values.items() if value is not ...})


# --- the training record ----------------------------------------------------------------------------------------------

SAMPLES = ("00112233445566aa", "ffeeddccbbaa9988")


@pytest.fixture
def record() -> TrainingRecord:
    return TrainingRecord.of("esc50", ["1-2-A-0.wav", "1-2-B-0.wav"], ["2", "2"], SAMPLES)


def test_a_record_holds_hashes_and_no_names(record: TrainingRecord) -> None:
    assert record.clips == {hashed("esc50", "1-2-A-0.wav"), hashed("esc50", "1-2-B-0.wav")}
    assert record.recordings == {hashed("esc50", "2")}
    assert record.samples == set(SAMPLES)
    assert "1-2-A" not in json.dumps(record.to_dict())


@pytest.mark.parametrize(
    ("clip", "recording", "samples", "heard"),
    [
        ("1-2-A-0.wav", "9", "", True),
        ("new.wav", "2", "", True),
        ("new.wav", "9", "ffeeddccbbaa9988", True),
        ("new.wav", "9", "ffeeddccbbaa9989", False),
        ("new.wav", "9", "", False),
        ("2", "1-2-A-0.wav", "", False),  # a clip's name is not a recording's
    ],
)
def test_what_has_been_heard(record: TrainingRecord, clip: str, recording: str, samples: str, heard: bool) -> None:
    assert record.has_heard(clip, recording, samples) is heard
    assert TrainingRecord.from_dict(record.to_dict()).has_heard(clip, recording, samples) is heard


def test_an_empty_record_has_heard_nothing() -> None:
    assert not TrainingRecord().has_heard("", "", "")


def test_records_of_other_datasets_share_no_names(record: TrainingRecord) -> None:
    other = TrainingRecord.of("mine", ["1-2-A-0.wav"], ["2"], [])
    assert not record.clips & other.clips and not record.recordings & other.recordings


def test_a_record_is_packed_into_eight_bytes_a_digest(record: TrainingRecord) -> None:
    packed = json.loads(json.dumps(record.to_dict()))
    assert base64.b64decode(packed["samples"]) == bytes.fromhex("00112233445566aaffeeddccbbaa9988")
    assert len(base64.b64decode(packed["clips"])) == 16
    assert TrainingRecord.from_dict(packed) == record


# --- round trips ------------------------------------------------------------------------------------------------------


def test_metadata_survives_json(record: TrainingRecord) -> None:
    meta = tinymodel.meta(training=record, figures={"accuracy": 0.9, "of": ["fold 1"]}, labels=("Hütte", "b", "c"))
    assert ModelMeta.from_json(meta.to_json()) == meta
    assert json.loads(meta.to_json())["format_version"] == 2


def test_what_is_written_is_read(tmp_path: Path, record: TrainingRecord) -> None:
    meta = tinymodel.meta(training=record)
    modelfile.write(tmp_path / "new" / "x.onnx", tinymodel.graph(), meta)
    session, found = open_session(tmp_path / "new" / "x.onnx", threads=1)
    assert found == meta
    array = np.random.default_rng(0).standard_normal((4, 1, 15, 7)).astype(np.float32)
    logits, embedding = session.run(["logits", "embedding"], {"logmel": array})
    np.testing.assert_allclose(embedding, array.mean((1, 3)), atol=1e-6)
    np.testing.assert_allclose(logits, array.mean((1, 3)).reshape(4, 3, 5).sum(2), atol=1e-5)


def test_writing_replaces_older_metadata_and_keeps_opset_and_ir(tmp_path: Path) -> None:
    path = stored(tmp_path / "x.onnx", "old")
    modelfile.write(path, path.read_bytes(), tinymodel.meta())
    model = onnx.load(path)
    assert [entry.key for entry in model.metadata_props] == ["hubbub"]
    assert (model.ir_version, [(entry.domain, entry.version) for entry in model.opset_import]) == (8, [("", 17)])
    assert model.producer_name == "hubbub"


def test_writing_twice_gives_the_same_bytes(tmp_path: Path, record: TrainingRecord) -> None:
    for name in ("a", "b"):
        modelfile.write(tmp_path / name, tinymodel.graph(), tinymodel.meta(training=record))
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()


def test_a_graph_that_is_none_is_not_written(tmp_path: Path) -> None:
    (tmp_path / "x.onnx").write_bytes(b"old")
    broken = onnx.load_from_string(tinymodel.graph())
    broken.graph.node[1].input[0] = "nowhere"
    with pytest.raises(onnx.checker.ValidationError, match="nowhere"):
        modelfile.write(tmp_path / "x.onnx", broken.SerializeToString(), tinymodel.meta())
    assert (tmp_path / "x.onnx").read_bytes() == b"old"


def test_writing_without_onnx_names_the_extra(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "onnx", None)
    with pytest.raises(RefusedError, match=r"needs the extra 'train'"):
        modelfile.write(tmp_path / "x.onnx", b"", tinymodel.meta())


# --- a known score with arrays ----------------------------------------------------------------------------------------


def expected_cosine(classes: int = 3, size: int = 15, **changes: Any) -> KnownScore:
    """A known score that fits `tinymodel.graph()`."""
    rng = np.random.default_rng(0)
    arrays: dict[str, Any] = {
        "origin": rng.standard_normal(6),
        "scale": rng.uniform(1, 2, 6),
        "prototypes": rng.random((classes, 6)),
        "weights": rng.standard_normal(size),
        "bias": np.array(0.5),
    }
    return KnownScore.of("expected_cosine", arrays | changes, 0.25)


def test_arrays_are_little_endian_floats_in_base_64() -> None:
    packed = PackedArray.of(np.array([[1.0, 2.0, -0.5]]))
    assert base64.b64decode(packed.floats) == struct.pack("<3f", 1, 2, -0.5)
    assert packed.shape == (1, 3) and packed.values.dtype == np.float32
    np.testing.assert_array_equal(packed.values, [[1, 2, -0.5]])
    with pytest.raises(ValueError, match="read-only"):
        packed.values[0, 0] = 7


def test_a_known_score_with_arrays_survives_the_file(tmp_path: Path) -> None:
    meta = tinymodel.meta(known_score=expected_cosine())
    modelfile.write(tmp_path / "x.onnx", tinymodel.graph(), meta)
    read = open_session(tmp_path / "x.onnx")[1]
    assert read == meta and read.known_score.numbers == 6 + 6 + 18 + 15 + 1
    rng = np.random.default_rng(1)
    scores, embeddings = rng.dirichlet(np.ones(3), 4), rng.standard_normal((4, 15))
    values = {name: getattr(value, "values", value) for name, value in meta.known_score.parameters.items()}
    wanted = KNOWN_SCORES["expected_cosine"](scores, embeddings, **values)
    np.testing.assert_array_equal(read.known_score.score(scores, embeddings), wanted)


def test_a_known_score_for_other_labels(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="known_score is not for 3 labels"):
        tinymodel.meta(known_score=expected_cosine(classes=4))


def test_a_known_score_for_another_embedding(tmp_path: Path) -> None:
    path = stored(tmp_path / "x.onnx", tinymodel.meta(known_score=expected_cosine(size=14)).to_json())
    with pytest.raises(ModelFileError, match="known_score is not for the graph's embedding"):
        open_session(path)


def packed(shape: object = (2, 3), floats: object = base64.b64encode(bytes(24)).decode()) -> str:
    """A metadata entry with one array as given, in a score that would take it."""
    values = json.loads(tinymodel.meta(known_score=expected_cosine()).to_json())
    values["known_score"]["parameters"]["prototypes"] = {"shape": shape, "floats": floats}
    return json.dumps(values)


@pytest.mark.parametrize(
    ("entry", "said"),
    [
        (packed(shape=[2, 2]), "length of an array is not that of its shape"),
        (packed(shape=[0, 6]), "greater than or equal to 1"),
        (packed(shape=[]), "at least 1 item"),
        (packed(shape=[1, 2, 3]), "at most 2 items"),
        (packed(shape=[10**6, 10**6]), "too large, 150,000 are allowed"),
        (packed(shape=[6.0]), "valid integer"),
        (packed(floats="!" * 32), "base64|base-64|non-base64|Only base64"),
        (packed(floats=base64.b64encode(struct.pack("<6f", *[math.nan] * 6)).decode()), "a number that is none"),
        (packed(floats=base64.b64encode(struct.pack("<6f", *[1e7] * 6)).decode()), "beyond 1e"),
        (packed(floats=7), "valid string"),
        (packed(), "prototypes of expected_cosine has 3 features, another parameter 6"),
    ],
)
def test_arrays_that_are_damaged(tmp_path: Path, entry: str, said: str) -> None:
    assert_refused(stored(tmp_path / "x.onnx", entry), rf"x\.onnx: the metadata is damaged \(.*({said})")


# --- what is refused --------------------------------------------------------------------------------------------------


def assert_refused(path: Path, match: str) -> None:
    with pytest.raises(ModelFileError, match=match) as caught:
        open_session(path)
    assert str(caught.value).isprintable() and len(str(caught.value)) < 500 + len(str(path))


def test_a_missing_file(tmp_path: Path) -> None:
    assert_refused(tmp_path / "x.onnx", r"no model file at .*x\.onnx: check the path")
    assert_refused(tmp_path, "no model file at")


@pytest.mark.parametrize("content", [b"", b"Dear hubbub,\n" * 100, b"\x08\x08\x12"])
def test_a_file_that_is_not_onnx(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "x.onnx").write_bytes(content)
    assert_refused(tmp_path / "x.onnx", r"x\.onnx is not a model file .*: export the model again")


def test_half_a_model_file(tmp_path: Path, tiny_model: Path) -> None:
    raw = tiny_model.read_bytes()
    (tmp_path / "x.onnx").write_bytes(raw[: len(raw) // 2])
    assert_refused(tmp_path / "x.onnx", "not a model file|not one that hubbub wrote")


def test_onnx_without_our_metadata(tmp_path: Path) -> None:
    assert_refused(stored(tmp_path / "x.onnx", None), "is an ONNX file, but not one that hubbub wrote")


@pytest.mark.parametrize("version", [0, 3, "1", None])
def test_another_format_version(tmp_path: Path, version: object) -> None:
    path = stored(tmp_path / "x.onnx", changed(format_version=version))
    assert_refused(path, f"format version {version}, this hubbub reads 2: update hubbub")


def test_a_file_of_format_1(tmp_path: Path) -> None:
    path = stored(tmp_path / "x.onnx", changed(format_version=1))
    assert_refused(path, "format version 1, this hubbub reads 2: export its run again")


@pytest.mark.parametrize(
    "entry",
    [
        "",
        "{",
        "[]",
        "7",
        "null",
        "{}",
        changed(labels=...),
        changed(labels=None),
        changed(labels=[["a"], "b", "c"]),
        changed(frontend={"sample_rate": 8000, "colour": "blue"}),
        changed(frontend=[1]),
        changed(frontend=tinymodel.SPEC.to_dict() | {"hop_length": 0}),
        changed(frontend=tinymodel.SPEC.to_dict() | {"win_length": "200"}),
        changed(calibration=...),
        changed(calibration={"name": "temperature"}),
        changed(calibration={"name": "temperature", "parameters": {"temperature": "hot"}}),
        changed(calibration={"name": "temperature", "parameters": {}}),
        changed(known_score={"name": "max_softmax", "parameters": {}, "threshold": "low"}),
        changed(window_seconds=None),
        changed(extra=1),
        changed(training=7),
        changed(training={"dataset": "x", "clips": "AAA", "recordings": "", "samples": ""}),
        changed(training={"dataset": "x", "clips": "AAAA", "recordings": "", "samples": ""}),
        changed(training={"dataset": "x", "clips": "AAAAAAAAAAA=\t!", "recordings": "", "samples": ""}),
        changed(format_version=...),
        changed(frontend=tinymodel.SPEC.to_dict() | {"n_mels": 15.0}),
        changed(frontend=tinymodel.SPEC.to_dict() | {"sample_rate": 10**30}),
        changed(frontend=tinymodel.SPEC.to_dict() | {"decibels": 1}),
        changed(frontend=tinymodel.SPEC.to_dict() | {"fmin": 1000.0, "fmax": 1000.0000001}),
        changed(window_seconds="5"),
        changed(window_seconds=600, frontend=tinymodel.SPEC.to_dict() | {"hop_length": 1}),
        changed(window_seconds=0.01, hop_seconds=0.01),
        changed(trunk=None),
        changed(name="x" * 1000),
        changed(labels="abc"),
        changed(labels=["a", "b", ""]),
        changed(calibration={"name": "temperature", "parameters": {"temperature": 1.0, "axis": 0.0}}),
        changed(calibration={"name": "temperature", "parameters": {"temperature": True}}),
        changed(calibration={"name": ["temperature"], "parameters": {"temperature": 1.0}}),
        changed(known_score={"name": "max_softmax", "parameters": {"scores": 1.0}, "threshold": 0.5}),
        changed(figures=[]),
        changed(figures={"accuracy": math.nan}),
        changed(figures={"text": "x" * 50_000}),
        changed(name="\ud800"),
        changed().replace('"tiny 1"', '"\x1b[31m\n"'),
        changed().replace('"tiny 1"', "[" * 100_000),
        changed().replace("5.0", "1" * 10_000),
    ],
)
def test_damaged_metadata(tmp_path: Path, entry: str) -> None:
    assert_refused(
        stored(tmp_path / "x.onnx", entry), r"x\.onnx: the metadata is damaged \(.+\): export the model again"
    )


@pytest.mark.parametrize(
    "changes",
    [
        {"labels": []},
        {"labels": ["a", "b", "a"]},
        {"labels": ["a", "b", 3]},
        {"calibration": {"name": "isotonic", "parameters": {"temperature": 1.0}}},
        {"known_score": {"name": "energy", "parameters": {}, "threshold": 0.5}},
        {"calibration": {"name": "temperature", "parameters": {"temperature": 0}}},
        {"calibration": {"name": "temperature", "parameters": {"temperature": -1.0}}},
        {"calibration": {"name": "temperature", "parameters": {"temperature": math.nan}}},
        {"calibration": {"name": "temperature", "parameters": {"temperature": math.inf}}},
        {"known_score": {"name": "max_softmax", "parameters": {}, "threshold": math.nan}},
        {"known_score": {"name": "max_softmax", "parameters": {}, "threshold": -0.1}},
        {"known_score": {"name": "max_softmax", "parameters": {}, "threshold": 1.5}},
        {"window_seconds": 0.0},
        {"window_seconds": math.inf},
        {"hop_seconds": 0.0},
        {"window_seconds": 1.0, "hop_seconds": 2.0},
    ],
)
def test_metadata_that_makes_no_sense(tmp_path: Path, changes: dict[str, Any]) -> None:
    assert_refused(stored(tmp_path / "x.onnx", changed(**changes)), r"x\.onnx: the metadata is damaged \(.+\): export")


@pytest.mark.parametrize(
    "graph",
    [
        tinymodel.graph(inputs="samples"),
        tinymodel.graph(outputs=("scores", "embedding")),
        tinymodel.graph(outputs=("logits", "features")),
    ],
)
def test_a_graph_with_other_names(tmp_path: Path, graph: bytes) -> None:
    path = stored(tmp_path / "x.onnx", tinymodel.meta().to_json(), graph)
    assert_refused(path, r"x\.onnx: the graph must take logmel and give logits and embedding")


def test_a_graph_with_a_name_that_is_no_text(tmp_path: Path) -> None:
    path = tmp_path / "x.onnx"
    modelfile.write(path, tinymodel.graph(), tinymodel.meta())
    path.write_bytes(path.read_bytes().replace(b"logmel", b"\xe6ogmel"))
    assert_refused(path, r"x\.onnx: a name in its graph is damaged: export the model again")


@pytest.mark.parametrize(
    "meta",
    [
        tinymodel.meta(labels=("a", "b")),
        tinymodel.meta(labels=("a", "b", "c", "d")),
        tinymodel.meta(frontend=LogMelSpec()),
        tinymodel.meta(frontend=dataclasses.replace(tinymodel.SPEC, n_mels=16)),
        tinymodel.meta(frontend=dataclasses.replace(tinymodel.SPEC, channels=3)),
        tinymodel.meta(frontend=dataclasses.replace(tinymodel.SPEC, height=16)),
    ],
)
def test_a_graph_that_does_not_fit(tmp_path: Path, meta: ModelMeta) -> None:
    path = stored(tmp_path / "x.onnx", meta.to_json())
    assert_refused(path, f"does not fit its {len(meta.labels)} labels or its front end")


def from_nodes(*nodes: onnx.NodeProto, kind: int = TensorProto.FLOAT, **more: Any) -> bytes:
    """A graph with the right names whose outputs are of a `kind`."""
    values = [
        helper.make_tensor_value_info("logmel", TensorProto.FLOAT, ["batch", 1, 15, "frames"]),
        helper.make_tensor_value_info("logits", kind, ["batch", 3]),
        helper.make_tensor_value_info("embedding", kind, ["batch", 15]),
    ]
    return tinymodel.with_opset(helper.make_graph(nodes, "g", values[:1], values[1:], **more))


def endless() -> onnx.NodeProto:
    """A loop that never ends."""
    kinds = {"i": TensorProto.INT64, "on": TensorProto.BOOL, "x": TensorProto.FLOAT}
    inputs = [helper.make_tensor_value_info(name, kind, []) for name, kind in kinds.items()]
    outputs = [
        helper.make_tensor_value_info(name, kinds[name[0] if name == "x2" else "on"], []) for name in ("on2", "x2")
    ]
    nodes = [helper.make_node("Identity", [name], [f"{name}2"]) for name in ("on", "x")]
    return helper.make_node("Loop", ["", "on", "x"], ["y"], body=helper.make_graph(nodes, "body", inputs, outputs))


@pytest.mark.parametrize(
    ("graph", "said"),
    [
        (from_nodes(endless()), "what a model file must not: Loop;"),
        (from_nodes(helper.make_node("Gelu", ["logmel"], ["logits"], domain="com.microsoft")), "com.microsoft.Gelu"),
        (from_nodes(helper.make_node("RandomNormalLike", ["logmel"], ["logits"])), "RandomNormalLike"),
        (
            from_nodes(
                *(
                    helper.make_node("Cast", [name], [output], to=TensorProto.STRING)
                    for name, output in (("a", "logits"), ("b", "embedding"))
                ),
                helper.make_node("ReduceMean", ["logmel"], ["b"], axes=[1, 3], keepdims=0),
                helper.make_node("Slice", ["b", "from", "to", "axis"], ["a"]),
                kind=TensorProto.STRING,
                initializer=[
                    helper.make_tensor(name, TensorProto.INT64, [1], [value])
                    for name, value in {"from": 0, "to": 3, "axis": 1}.items()
                ],
            ),
            "must take and give arrays of 32 bit floats",
        ),
    ],
)
def test_a_graph_that_could_do_other_things(tmp_path: Path, graph: bytes, said: str) -> None:
    assert_refused(stored(tmp_path / "x.onnx", tinymodel.meta().to_json(), graph), rf"x\.onnx: .*{said}")


def test_data_beside_the_file(tmp_path: Path) -> None:
    stored(tmp_path / "x.onnx", tinymodel.meta().to_json())
    model = onnx.load(tmp_path / "x.onnx")
    onnx.save(model, tmp_path / "x.onnx", save_as_external_data=True, location="x.bin", size_threshold=0)
    assert (tmp_path / "x.bin").stat().st_size
    assert_refused(tmp_path / "x.onnx", "with all its numbers in the file")


def test_a_file_with_two_metadata_entries(tmp_path: Path) -> None:
    content = stored(tmp_path / "x.onnx", tinymodel.meta().to_json()).read_bytes()
    (tmp_path / "x.onnx").write_bytes(content + content)
    assert_refused(tmp_path / "x.onnx", "not one that hubbub wrote")


def test_a_file_too_large_to_be_read(tmp_path: Path) -> None:
    with (tmp_path / "x.onnx").open("wb") as handle:
        handle.truncate(2_000_000_000)
    assert_refused(tmp_path / "x.onnx", r"x\.onnx has more than 500 MB, too many for a model file")


@pytest.mark.parametrize(
    "changes",
    [{"channels": 3}, {"n_mels": 40, "height": 15}, {"n_mels": 40, "height": 15, "width": 30, "channels": 3}],
)
def test_rows_and_channels_of_the_graph_are_those_of_the_picture(tmp_path: Path, changes: dict[str, Any]) -> None:
    meta = tinymodel.meta(frontend=dataclasses.replace(tinymodel.SPEC, **changes))
    graph = tinymodel.graph(channels=changes.get("channels", 1))
    modelfile.write(tmp_path / "x.onnx", graph, meta)
    assert open_session(tmp_path / "x.onnx")[1] == meta
    other = tinymodel.graph(channels=3 if changes.get("channels", 1) == 1 else 1)
    assert_refused(stored(tmp_path / "y.onnx", meta.to_json(), other), "does not fit its 3 labels or its front end")


@pytest.mark.parametrize("changes", [{"channels": 2}, {"normalise": "loud"}, {"height": -1}])
def test_a_front_end_that_makes_no_sense(tmp_path: Path, changes: dict[str, Any]) -> None:
    frontend = tinymodel.SPEC.to_dict() | changes
    assert_refused(stored(tmp_path / "x.onnx", changed(frontend=frontend)), "metadata is damaged")


def test_a_front_end_from_before_pictures(tmp_path: Path) -> None:
    """Files that say nothing of decibels, range, size and channels keep their meaning."""
    old = dict(list(tinymodel.SPEC.to_dict().items())[:11])
    assert list(old)[-1] == "std"
    assert open_session(stored(tmp_path / "x.onnx", changed(frontend=old)))[1].frontend == tinymodel.SPEC


def test_a_graph_of_other_dimensions(tmp_path: Path) -> None:
    """Passes its input on: three axes where four are needed, and logits of three."""
    axes = ["batch", 3, "frames"]
    nodes = [helper.make_node("Identity", ["logmel"], [name]) for name in ("logits", "embedding")]
    values = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, axes) for name in ("logmel", "logits", "embedding")
    ]
    graph = tinymodel.with_opset(helper.make_graph(nodes, "flat", values[:1], values[1:]))
    path = stored(tmp_path / "x.onnx", tinymodel.meta().to_json(), graph)
    assert_refused(path, "does not fit its 3 labels or its front end")


@pytest.mark.parametrize("fixed", [{"batch": 1}, {"frames": 500}])
def test_axes_that_are_not_free(tmp_path: Path, fixed: dict[str, int]) -> None:
    path = stored(tmp_path / "x.onnx", tinymodel.meta().to_json(), tinymodel.graph(**fixed))
    assert_refused(path, "batch and frames must be free axes: export the model again")
