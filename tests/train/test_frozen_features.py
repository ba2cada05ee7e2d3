import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tinymodel
from hubbub.augment.plan import Augment
from hubbub.train.arrays import ClipArrays, augmented, clean
from hubbub.train.config import Network, Recipe
from hubbub.train.frozen_features import FrozenFeatures
from hubbub.train.networks.mobilenet import MobileNetV3

ON, OFF = Augment(roll=True, gain_db=8, tilt_db=4, repeat_over_silence=0.5), Augment()
RECIPE = Recipe("x", "y", "gradient", frontend=tinymodel.SPEC, augment=ON)


def arrays(clips: int = 5, frames: int = 40, mels: int = 16) -> ClipArrays:
    arrays = np.random.default_rng(0).normal(0, 0.5, (clips, mels, frames)).astype(np.float32)
    numbers = np.arange(clips)
    names = tuple(f"clip {number}" for number in numbers)
    return ClipArrays("tiny", ("a", "b"), names, arrays, numbers % 2, numbers.astype(str), numbers % 3, names)


@pytest.fixture
def trunk() -> MobileNetV3:
    return lively(0)


def lively(seed: int) -> MobileNetV3:
    """A small trunk with random weights whose signals do not die out on the way."""
    torch.manual_seed(seed)
    network = MobileNetV3(0.25, pool_from=12)
    for module in network.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_var.fill_(0.2)
    return network.eval()


def frozen(folder: Path, trunk: MobileNetV3, /, **changes: Any) -> FrozenFeatures:
    defaults: dict[str, Any] = {"arrays": arrays(), "recipe": RECIPE, "trunk": trunk, "stop": 3, "seed": 0}
    return FrozenFeatures(**defaults | changes, folder=folder)


@pytest.mark.parametrize("stop", [0, 17])
def test_features_are_what_the_first_blocks_make_of_each_clip(tmp_path: Path, trunk: MobileNetV3, stop: int) -> None:
    features = frozen(tmp_path, trunk, stop=stop)
    rows = np.arange(5)
    with torch.inference_mode():
        as_they_are = trunk.prefix(clean(arrays(), rows), stop)
        varied = trunk.prefix(augmented(arrays(), rows, RECIPE, 0, 6), stop)
    assert features.variant(None).dtype == np.float16
    np.testing.assert_allclose(features.variant(None), as_they_are, rtol=2e-3, atol=1e-3)
    np.testing.assert_allclose(features.variant(6), varied, rtol=2e-3, atol=1e-3)
    assert np.abs(features.variant(6).astype(float) - features.variant(None)).max() > 0.01


def test_features_are_computed_once(tmp_path: Path, trunk: MobileNetV3, monkeypatch: pytest.MonkeyPatch) -> None:
    first = frozen(tmp_path, trunk).variant(2).copy()

    def never(*_: object) -> None:
        raise AssertionError("computed again")

    monkeypatch.setattr(FrozenFeatures, "_compute", never)
    np.testing.assert_array_equal(frozen(tmp_path, trunk).variant(2), first)
    with pytest.raises(AssertionError, match="computed again"):
        frozen(tmp_path, trunk).variant(3)


def test_every_cause_of_other_features_has_a_folder_of_its_own(tmp_path: Path, trunk: MobileNetV3) -> None:
    other = lively(1)
    renamed = dataclasses.replace(arrays(), digests=("new", *arrays().digests[1:]))
    changes: list[dict[str, Any]] = [
        {},
        {"trunk": other},
        {"stop": 4},
        {"seed": 1},
        {"arrays": renamed},
        {"arrays": dataclasses.replace(arrays(), logmels=arrays().logmels[:, :, :32])},  # fewer seconds of a clip
        {"recipe": dataclasses.replace(RECIPE, augment=OFF)},
        {"recipe": dataclasses.replace(RECIPE, frontend=dataclasses.replace(tinymodel.SPEC, std=4.0))},
        {"stop": MobileNetV3.BLOCKS},
        {"stop": MobileNetV3.BLOCKS, "recipe": dataclasses.replace(RECIPE, network=Network(pool_from=15))},
    ]
    no_causes: list[dict[str, Any]] = [
        {"recipe": dataclasses.replace(RECIPE, network=Network(pool_from=15))},  # of what comes after those blocks
        {"recipe": dataclasses.replace(RECIPE, batch_size=7, mixup=0.2)},
    ]
    for change in [*changes, *no_causes]:
        frozen(tmp_path, trunk, **change).variant(None)
    assert len(list(tmp_path.iterdir())) == len(changes)


def test_features_are_read_from_disk_as_they_are_used(tmp_path: Path, trunk: MobileNetV3) -> None:
    features = frozen(tmp_path, trunk).variant(None)
    assert isinstance(features.base, np.memmap) and not features.flags.writeable


def test_what_no_file_can_hold_is_held_in_memory(tmp_path: Path, trunk: MobileNetV3) -> None:
    (tmp_path / "file").write_text("no folder")
    held = frozen(tmp_path / "file", trunk)
    np.testing.assert_array_equal(held.variant(1), frozen(tmp_path / "cache", trunk).variant(1))
    assert held.variant(1) is held.variant(1)


def test_acoustic_rules_make_other_features_of_other_labels(tmp_path: Path, trunk: MobileNetV3) -> None:
    """They follow a clip's category, which its samples do not tell."""
    acoustic = dataclasses.replace(RECIPE, augment=dataclasses.replace(ON, rules="acoustic"))
    dogs = dataclasses.replace(arrays(), categories=("Animals", "Interior"))
    rain = dataclasses.replace(dogs, targets=1 - dogs.targets)
    keys = {FrozenFeatures(one, acoustic, trunk, 7, 0, tmp_path)._key for one in (dogs, rain)}
    plain = {FrozenFeatures(one, RECIPE, trunk, 7, 0, tmp_path)._key for one in (dogs, rain)}
    assert (len(keys), len(plain)) == (2, 1)


def test_rows_are_some_clips(tmp_path: Path, trunk: MobileNetV3) -> None:
    features = frozen(tmp_path, trunk)
    some = features.rows(np.array([4, 1]), 2)
    assert some.dtype == torch.float16
    np.testing.assert_array_equal(some, features.variant(2)[[4, 1]])


@pytest.mark.parametrize(("stop", "number"), [(12, None), (17, 1)])
def test_what_fewer_blocks_made_is_gone_on_from(
    tmp_path: Path, trunk: MobileNetV3, stop: int, number: int | None
) -> None:
    base = frozen(tmp_path / "base", trunk, stop=7)
    continued = frozen(tmp_path / "on", trunk, stop=stop, base=base).variant(number)
    expected = frozen(tmp_path / "whole", trunk, stop=stop).variant(number)
    assert continued.shape == expected.shape and len(list((tmp_path / "base").rglob("*.npy"))) == 1
    np.testing.assert_allclose(continued.astype(float), expected, rtol=1e-2, atol=5e-3)
