"""Every registered dataset, small, and the real ESC-50 where it lies here."""

from pathlib import Path

import pytest

from hubbub.data import esc50, sources
from hubbub.data.dataset import Dataset
from hubbub.data.synth import synthetic


@pytest.fixture(scope="session", params=[*sources.SOURCES, "real esc50", "real esc10"])
def dataset(request: pytest.FixtureRequest, tiny_original: Path, tmp_path_factory: pytest.TempPathFactory) -> Dataset:
    name = request.param.removeprefix("real ")
    if name == "synthetic":
        return synthetic.dataset(tmp_path_factory.mktemp("synthetic"), synthetic.LABELS[:3], per_fold=1, folds=5)
    root = tiny_original if name == request.param else request.getfixturevalue("esc50_root")
    return {"esc50": esc50.load, "esc10": esc50.load_esc10}[name](root)
