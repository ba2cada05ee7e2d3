"""Texts that people write or rename: recipes, values of --set, names of files, tables of splits and of predictions."""

import json
from pathlib import Path, PurePosixPath

import numpy as np
import pytest
import yaml

import tinymodel
import tinyruns
from fuzzing import changed, damaged, refused, seeds
from hubbub.cli.options import overrides
from hubbub.data.dataset import Clip
from hubbub.errors import DataError, ModelFileError, UsageError
from hubbub.modelfile import ModelMeta, TrainingRecord
from hubbub.runs.predictions import Predictions
from hubbub.studies import contamination
from hubbub.train import recipe_file

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("name", ["finetune", "resnet34-classaware"])
def test_recipes(tmp_path: Path, name: str) -> None:
    resolved = recipe_file.to_yaml(recipe_file.load(name)).encode()
    path, ends = tmp_path / "mine.yaml", set()
    for _, rng in seeds(60):
        content = damaged(rng, resolved)
        if rng.random() < 0.7:
            try:
                content = yaml.safe_dump(changed(rng, yaml.safe_load(resolved)), allow_unicode=True).encode()
            except (UnicodeEncodeError, RecursionError):  # what the writer itself will not write
                continue
        path.write_bytes(content)
        try:
            recipe = recipe_file.load(str(path))
        except UsageError as error:
            refused(error, path)
            ends.add(False)
        else:
            path.write_text(recipe_file.to_yaml(recipe), encoding="utf-8")
            assert recipe_file.load(str(path)) == recipe
            ends.add(True)
    assert ends == {True, False}


def test_values_that_are_set() -> None:
    values = [b"0.5", b"[1, 2]", b"{a: b}", b"2024-01-01", b"&a [*a]", b"!!binary x", b"1:2:3", b"'", b"0x1f", b"\t"]
    for _, rng in seeds(200):
        text = damaged(rng, values[int(rng.integers(len(values)))]).decode("utf-8", "surrogateescape")
        key = str(rng.choice(["network.dropout", "stages.0.lr", "stages", "name", "", "a.b.c", "frontend"]))
        try:
            recipe_file.load("cnn", overrides([f"{key}={text}"]))
        except UsageError as error:
            refused(error)


def test_names_of_files() -> None:
    record = TrainingRecord.of("esc50", ["1-100-A-0.wav"], ["100"], [])
    for _, rng in seeds(700):
        name = damaged(rng, b"dog/1-100-A-0.wav").decode("utf-8", "backslashreplace")
        clip = Clip(name, PurePosixPath(), "dog", name)  # type: ignore[arg-type]
        assert set(contamination.match_names(record, [clip])) <= {name}
        renamed = Clip(f"{name} 1-100-a-0 (1).WAV", PurePosixPath(), "dog", name)  # type: ignore[arg-type]
        assert contamination.match_names(record, [renamed])


def test_tables_of_predictions(tmp_path: Path) -> None:
    tinyruns.predictions().write(tmp_path / "p.csv")
    content, ends = (tmp_path / "p.csv").read_bytes(), set()
    for _, rng in seeds(800):
        (tmp_path / "p.csv").write_bytes(damaged(rng, content))
        try:
            table = Predictions.read(tmp_path / "p.csv")
        except DataError as error:
            refused(error, tmp_path / "p.csv")
            ends.add(False)
        else:
            assert np.isfinite(table.probabilities).all() and len(set(table.clips)) == len(table.clips)
            ends.add(True)
    assert ends == {True, False}


def test_what_metadata_says_is_what_was_written() -> None:
    """Any metadata that is taken is written and read again as it was."""
    values = json.loads(tinymodel.meta(figures={"a": [1, {"b": None}]}).to_json())
    for _, rng in seeds(500):
        try:
            meta = ModelMeta.from_json(json.dumps(changed(rng, values)))
        except ModelFileError as error:
            refused(error, "the model file")
        else:
            assert ModelMeta.from_json(meta.to_json()) == meta
