from pathlib import Path

import numpy as np
import pytest

import tinymodel
from hubbub import modelfile
from hubbub.errors import ModelFileError
from hubbub.listen.backend import OnnxRuntime, open_onnx, run_pictures
from hubbub.listen.classifier import Classifier


class Given:
    """A backend that gives the same whatever it is shown."""

    def __init__(self, logits: list[float], embedding: list[float]):
        self.logits, self.embedding = np.float32([logits]), np.float32([embedding])

    def run(self, inputs: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        return self.logits, self.embedding


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_outputs_that_are_not_finite_are_refused(bad: float) -> None:
    picture = np.zeros((1, 15, 3), np.float32)
    for broken in (Given([0, bad, 0], [1]), Given([0, 1, 0], [bad])):
        with pytest.raises(ModelFileError, match="NaN or infinity") as caught:
            run_pictures(broken, tinymodel.SPEC, picture)
        assert "\n" not in str(caught.value)


def test_a_damaged_model_names_and_embeds_nothing(tmp_path: Path) -> None:
    weights = tinymodel.WEIGHTS.copy()
    weights[0, 0] = np.nan
    modelfile.write(tmp_path / "x.onnx", tinymodel.graph(weights=weights), tinymodel.meta())
    with pytest.raises(ModelFileError, match=r"NaN|damaged"):
        Classifier(tmp_path / "x.onnx").classify(np.ones(8000), 8000)


def test_what_the_runtime_cannot_run_is_one_line(tiny_model: Path) -> None:
    backend, _ = open_onnx(tiny_model, 1)
    assert isinstance(backend, OnnxRuntime)
    with pytest.raises(ModelFileError, match="cannot be run") as caught:
        backend.run(np.zeros((1, 1), np.float32))
    assert "\n" not in str(caught.value)
