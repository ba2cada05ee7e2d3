import dataclasses
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import torch

import tinylearning as tiny
from hubbub.errors import RefusedError
from hubbub.runs import read_csv
from hubbub.train import finetune
from hubbub.train.fit import predict
from hubbub.train.material import Material
from hubbub.train.networks.classifier import Classifier
from hubbub.train.settings import Recipe, Stage


class Stop(RuntimeError):
    pass


def fit(folder: Path, recipe: Recipe = tiny.FINETUNE, seed: int = 0, **facts: object) -> Classifier:
    """A fine-tuning in `folder`; `facts` may hold material and say."""
    given: Material = facts.get("material", tiny.material())  # type: ignore[assignment]
    say: Callable[[str], None] = facts.get("say", lambda _: None)  # type: ignore[assignment]
    place = finetune.Place(folder / "run", folder / "cache", say)
    return finetune.fit(given, tiny.split(tiny.material()), recipe, tiny.trunk(), seed, place)


def rows(folder: Path) -> list[dict[str, str]]:
    return read_csv(folder / "run" / "epochs.csv")


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Classifier]:
    """An uninterrupted run: its folder and what it found."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(folder)


Whole = tuple[Path, Classifier]


def validation_loss(classifier: Classifier) -> float:
    given = tiny.material()
    found = predict(classifier, given, tiny.split(given).validation)
    return float(-np.log(found.probabilities[np.arange(len(found.targets)), found.targets]).mean())


def test_every_epoch_of_every_stage_has_a_row_and_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    fit(tmp_path, say=said.append)
    found = rows(tmp_path)
    assert list(found[0]) == ["stage", "epoch", "train_loss", "val_loss", "val_accuracy"]
    assert [(row["stage"], row["epoch"]) for row in found] == [(str(s), str(e)) for s in (1, 2, 3) for e in (1, 2)]
    assert all(np.isfinite(float(value)) for row in found for value in row.values())
    assert len(said) == 6 and said[3].startswith("stage 2, epoch 2 of 2: training loss ")
    assert f"validation loss {float(found[3]['val_loss']):.3f}" in said[3]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(whole: Whole, tmp_path: Path) -> None:
    again, other = fit(tmp_path / "a"), fit(tmp_path / "b", seed=1)
    assert tiny.same(again, whole[1]) and rows(tmp_path / "a") == rows(whole[0])
    assert not tiny.same(other, whole[1])


def test_training_learns_and_leaves_the_trunk_that_it_was_given_alone(tmp_path: Path) -> None:
    given, trunk = tiny.material(), tiny.trunk()
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 12, 1e-2), Stage(0, 1, 1e-4)), weight_average=0.8)
    place = finetune.Place(tmp_path / "run", tmp_path / "cache", lambda _: None)
    found = finetune.fit(given, tiny.split(given), recipe, trunk, 0, place)
    assert not found.training and tiny.same(trunk, tiny.trunk())
    losses = [float(row["val_loss"]) for row in rows(tmp_path)]
    assert min(losses) < 0.7 * losses[0]


def test_the_chosen_weights_have_the_least_validation_loss_of_all_epochs(whole: Whole) -> None:
    losses = sorted(float(row["val_loss"]) for row in rows(whole[0]))
    assert validation_loss(whole[1]) == pytest.approx(losses[0], abs=2e-3)
    assert losses[-1] - losses[0] > 0.01


@pytest.mark.parametrize("lr", [0.02, 1e4])
def test_a_later_stage_that_makes_it_worse_is_not_taken(tmp_path: Path, lr: float) -> None:
    stages = (Stage(17, 3, 3e-3), Stage(0, 2, lr))
    found = fit(tmp_path, tiny.changed(tiny.FINETUNE, stages=stages, weight_average=0.0))
    losses = [float(row["val_loss"]) for row in rows(tmp_path)]
    assert all(not loss < min(losses[:3]) for loss in losses[3:])  # NaN among them
    assert validation_loss(found) == pytest.approx(min(losses[:3]), abs=2e-3)
    for ours, theirs in zip(found.trunk.parameters(), tiny.trunk().parameters(), strict=True):
        assert torch.equal(ours, theirs)  # the first stage trains the head alone


def test_a_first_stage_that_diverges_is_refused(tmp_path: Path) -> None:
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(0, 1, 1e30),), weight_average=0.0)
    with pytest.raises(RefusedError, match=r"stage 1 of tiny-finetune diverged.*lower its lr"):
        fit(tmp_path, recipe)


def test_a_stage_starts_from_the_best_epoch_of_the_stages_before(tmp_path: Path) -> None:
    ruined = Stage(17, 2, 50.0)  # the first epoch is bad, the second worse
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 3, 3e-3), ruined, Stage(17, 1, 1e-9)), weight_average=0.0)
    fit(tmp_path, recipe)
    losses = [float(row["val_loss"]) for row in rows(tmp_path)]
    assert min(losses[3:5]) > min(losses[:3]) + 0.1
    assert losses[5] == pytest.approx(min(losses[:3]), abs=1e-4)


def test_blocks_before_the_stage_and_batch_norm_statistics_stay_as_they_were(tmp_path: Path) -> None:
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(7, 2, 1e-2),), weight_average=0.0)
    found, before = fit(tmp_path, recipe).trunk, tiny.trunk()
    trained = {name for name, value in found.named_parameters() if not torch.equal(value, before.get_parameter(name))}
    assert trained and {int(name.split(".")[1]) for name in trained} == set(range(7, 17))
    for name, value in found.named_buffers():
        assert torch.equal(value, before.get_buffer(name)), name


def test_without_a_later_stage_the_trunk_stays_and_the_standardisation_is_that_of_the_training_clips(
    tmp_path: Path,
) -> None:
    given, trunk = tiny.material(), tiny.trunk()
    found = fit(tmp_path, tiny.changed(tiny.FINETUNE, stages=(Stage(17, 1, 1e-2),)))
    assert tiny.same(found.trunk, trunk)
    with torch.inference_mode():
        embeddings = trunk(torch.from_numpy(given.arrays[tiny.split(given).train][:, None])).numpy()
    np.testing.assert_allclose(found.head[0].mean, embeddings.mean(0), atol=1e-3)
    np.testing.assert_allclose(
        found.head[0].std[embeddings.std(0) > 0.1], embeddings.std(0)[embeddings.std(0) > 0.1], rtol=0.02
    )


# --- interruptions ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("broken", [1, 2, 3, 4, 6])
def test_an_interrupted_run_ends_as_an_uninterrupted_one(whole: Whole, tmp_path: Path, broken: int) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == broken:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, say=say)
    before = len(said)
    found = fit(tmp_path, say=said.append)
    assert tiny.same(found, whole[1])
    assert (tmp_path / "run" / "epochs.csv").read_bytes() == (whole[0] / "run" / "epochs.csv").read_bytes()
    assert len(said) - before == 7 - broken  # the interrupted epoch again, then the rest; nothing before it


def test_a_run_interrupted_again_and_again(whole: Whole, tmp_path: Path) -> None:
    def broken(line: str) -> None:
        if line not in heard:
            heard.append(line)
            raise Stop

    heard: list[str] = []
    for _ in range(6):
        with pytest.raises(Stop):
            fit(tmp_path, say=broken)
    assert tiny.same(fit(tmp_path, say=broken), whole[1]) and len(heard) == 6


# --- what must not matter ---------------------------------------------------------------------------------------------


def test_test_clips_do_not_matter(whole: Whole, tmp_path: Path) -> None:
    given = tiny.material()
    test = tiny.split(given).test
    arrays, targets = given.arrays.copy(), given.targets.copy()
    arrays[test] = 7.0
    targets[test] = 0
    found = fit(tmp_path, material=dataclasses.replace(given, arrays=arrays, targets=targets))
    assert tiny.same(found, whole[1]) and rows(tmp_path) == rows(whole[0])


def test_validation_clips_choose_and_nothing_else(whole: Whole, tmp_path: Path) -> None:
    """Other validation clips change validation figures, and not one training loss of the first stage."""
    given = tiny.material()
    targets = given.targets.copy()
    targets[tiny.split(given).validation] = 0
    fit(tmp_path, material=dataclasses.replace(given, targets=targets))
    for one, other in zip(rows(tmp_path)[:2], rows(whole[0])[:2], strict=True):
        assert one["train_loss"] == other["train_loss"] and one["val_loss"] != other["val_loss"]
