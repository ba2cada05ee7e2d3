import dataclasses
import os
import pickle
import resource
import signal
import sys
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

import tinylearning as tiny
from hubbub.augment.plan import Augment
from hubbub.errors import DataError, RefusedError
from hubbub.runs.record import DatasetRecord
from hubbub.storage import read_csv
from hubbub.train import arrays, callbacks, stages
from hubbub.train.arrays import ClipArrays
from hubbub.train.callbacks import BatchEnd
from hubbub.train.config import Recipe, Stage
from hubbub.train.fit import predict
from hubbub.train.job import TrainingJob
from hubbub.train.networks.classifier import ClassifierNetwork, head


class Stop(RuntimeError):
    pass


def training(folder: Path, recipe: Recipe = tiny.FINETUNE, **fields: Any) -> TrainingJob:
    """A job that keeps its cache in `folder`."""
    trunk = tiny.cnn() if recipe.network == tiny.SCRATCH.network else tiny.trunk()
    usual: dict[str, Any] = {"arrays": tiny.clip_arrays(), "trunk": trunk, "seed": 0, "log": lambda _: None}
    return TrainingJob(dataset=DatasetRecord("tiny"), recipe=recipe, cache=folder / "cache", **usual | fields)


def fit(folder: Path, recipe: Recipe = tiny.FINETUNE, **fields: Any) -> ClassifierNetwork:
    """A training in `folder`."""
    return stages.fit(training(folder, recipe, **fields), tiny.split(tiny.clip_arrays()), folder / "run")


def rows(folder: Path) -> list[dict[str, str]]:
    """What epochs.csv says, without the columns that a clock fills."""
    table = read_csv(folder / "run" / "epochs.csv")
    return [{name: value for name, value in row.items() if name not in ("seconds", "waiting")} for row in table]


def column(folder: Path, name: str) -> list[float]:
    return [float(row[name]) for row in rows(folder)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, ClassifierNetwork]:
    """An uninterrupted run: its folder and what it found."""
    folder = tmp_path_factory.mktemp("whole")
    return folder, fit(folder)


Whole = tuple[Path, ClassifierNetwork]


def validation_loss(classifier: ClassifierNetwork) -> float:
    given = tiny.clip_arrays()
    found = predict(classifier, given, tiny.split(given).validation)[0]
    return float(-np.log(found.probabilities[np.arange(len(found.targets)), found.targets]).mean())


def test_every_epoch_of_every_stage_has_a_row_and_a_line(tmp_path: Path) -> None:
    said: list[str] = []
    fit(tmp_path, log=said.append)
    found = rows(tmp_path)
    assert list(found[0]) == ["stage", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"]
    assert [(row["stage"], row["epoch"]) for row in found] == [(str(s), str(e)) for s in (1, 2, 3) for e in (1, 2)]
    assert all(np.isfinite(float(value)) for row in found for value in row.values())
    assert len(said) == 6 and said[3].startswith("stage 2, epoch 2 of 2: training loss ")
    assert f"validation loss {float(found[3]['val_loss']):.3f}" in said[3]


def test_the_same_seed_gives_the_same_weights_and_another_gives_others(whole: Whole, tmp_path: Path) -> None:
    again, other = fit(tmp_path / "a"), fit(tmp_path / "b", seed=1)
    assert tiny.same(again, whole[1]) and rows(tmp_path / "a") == rows(whole[0])
    assert not tiny.same(other, whole[1])


def test_training_learns_and_leaves_the_trunk_that_it_was_given_alone(tmp_path: Path) -> None:
    given, trunk = tiny.clip_arrays(), tiny.trunk()
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 12, 1e-2), Stage(0, 1, 1e-4)), ema_decay=0.8)
    found = fit(tmp_path, recipe, arrays=given, trunk=trunk)
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
    found = fit(tmp_path, tiny.changed(tiny.FINETUNE, stages=stages, ema_decay=0.0))
    losses = [float(row["val_loss"]) for row in rows(tmp_path)]
    assert all(not loss < min(losses[:3]) for loss in losses[3:])  # NaN among them
    assert validation_loss(found) == pytest.approx(min(losses[:3]), abs=2e-3)
    for ours, theirs in zip(found.trunk.parameters(), tiny.trunk().parameters(), strict=True):
        assert torch.equal(ours, theirs)  # the first stage trains the head alone


def test_a_first_stage_that_diverges_is_refused(tmp_path: Path) -> None:
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(0, 1, 1e30),), ema_decay=0.0)
    with pytest.raises(RefusedError, match=r"stage 1 of tiny-finetune diverged.*lower its lr"):
        fit(tmp_path, recipe)


def test_a_stage_starts_from_the_best_epoch_of_the_stages_before(tmp_path: Path) -> None:
    ruined = Stage(17, 2, 50.0)  # the first epoch is bad, the second worse
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 3, 3e-3), ruined, Stage(17, 1, 1e-9)), ema_decay=0.0)
    fit(tmp_path, recipe)
    losses = [float(row["val_loss"]) for row in rows(tmp_path)]
    assert min(losses[3:5]) > min(losses[:3]) + 0.1
    assert losses[5] == pytest.approx(min(losses[:3]), abs=1e-4)


def test_blocks_before_the_stage_and_batch_norm_statistics_stay_as_they_were(tmp_path: Path) -> None:
    recipe = tiny.changed(tiny.FINETUNE, stages=(Stage(7, 2, 1e-2),), ema_decay=0.0)
    found, before = fit(tmp_path, recipe).trunk, tiny.trunk()
    trained = {name for name, value in found.named_parameters() if not torch.equal(value, before.get_parameter(name))}
    assert trained and {int(name.split(".")[1]) for name in trained} == set(range(7, 17))
    for name, value in found.named_buffers():
        assert torch.equal(value, before.get_buffer(name)), name


def test_without_a_later_stage_the_trunk_stays_and_the_standardisation_is_that_of_the_training_clips(
    tmp_path: Path,
) -> None:
    given, trunk = tiny.clip_arrays(), tiny.trunk()
    found = fit(tmp_path, tiny.changed(tiny.FINETUNE, stages=(Stage(17, 1, 1e-2),)))
    assert tiny.same(found.trunk, trunk)
    with torch.inference_mode():
        embeddings = trunk(torch.from_numpy(given.logmels[tiny.split(given).train][:, None])).numpy()
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
        fit(tmp_path, log=say)
    before = len(said)
    found = fit(tmp_path, log=said.append)
    assert tiny.same(found, whole[1])
    assert rows(tmp_path) == rows(whole[0])
    assert len(said) - before == 7 - broken  # the interrupted epoch again, then the rest; nothing before it


def test_a_run_interrupted_again_and_again(whole: Whole, tmp_path: Path) -> None:
    def broken(line: str) -> None:
        epoch = line.partition(":")[0]
        if epoch not in heard:
            heard.append(epoch)
            raise Stop

    heard: list[str] = []
    for _ in range(6):
        with pytest.raises(Stop):
            fit(tmp_path, log=broken)
    assert tiny.same(fit(tmp_path, log=broken), whole[1]) and len(heard) == 6


class Exploit:
    """Makes a folder when it is unpickled."""

    def __init__(self, target: Path):
        self.target = target

    def __reduce__(self) -> tuple[Any, ...]:
        return os.mkdir, (str(self.target),)


def test_nothing_but_plain_values_is_taken_up_again(tmp_path: Path) -> None:
    def say(line: str) -> None:
        if "epoch 2" in line:
            raise Stop

    one_stage = tiny.changed(tiny.FINETUNE, stages=(Stage(17, 3, 3e-3),))
    with pytest.raises(Stop):
        fit(tmp_path, one_stage, log=say)
    last = tmp_path / "run" / "checkpoints" / "stage1" / "last.ckpt"
    content = torch.load(last, weights_only=True)  # our own are plain
    torch.save(content | {"harm": Exploit(tmp_path / "harm")}, last)
    with pytest.raises(DataError, match=r"last\.ckpt is damaged, or no checkpoint of plain values .*: --fresh"):
        fit(tmp_path, one_stage)
    assert not (tmp_path / "harm").exists()


# --- from scratch, on fresh arrays ------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    """An uninterrupted run from random weights: batch norm trained, dropout, mixup, a cosine."""
    folder = tmp_path_factory.mktemp("scratch")
    return folder, fit(folder, tiny.SCRATCH)


def test_everything_is_trained_and_batch_norm_measures(scratch: Whole) -> None:
    found, before = scratch[1].trunk, tiny.cnn()
    assert not any(torch.equal(value, before.get_parameter(name)) for name, value in found.named_parameters())
    assert not any(torch.equal(value, before.get_buffer(name)) for name, value in found.named_buffers())
    assert torch.equal(scratch[1].head[0].mean, torch.zeros(found.embedding_size))  # no units to give a random trunk


def test_every_epoch_hears_other_versions_of_every_clip(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: dict[int, list[int]] = {}

    def recorded(
        arrays: ClipArrays, rows: np.ndarray, recipe: Recipe, seed: int, epoch: int, strengths: None
    ) -> object:
        asked.setdefault(epoch, []).extend(rows.tolist())
        return real(arrays, rows, recipe, seed, epoch, strengths)

    real = stages.augmented
    monkeypatch.setattr(stages, "augmented", recorded)
    fit(tmp_path, tiny.SCRATCH)
    assert len(asked) == 4 and all(sorted(rows) == list(range(12)) for rows in asked.values())
    assert min(asked) >= 1000  # not one of the versions that frozen features hold


@pytest.mark.parametrize("broken", [1, 2, 4])
def test_an_interrupted_run_from_scratch_ends_alike(scratch: Whole, tmp_path: Path, broken: int) -> None:
    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == broken:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, tiny.SCRATCH, log=say)
    assert tiny.same(fit(tmp_path, tiny.SCRATCH, log=said.append), scratch[1])
    assert rows(tmp_path) == rows(scratch[0]) and len(said) == 5


def test_ctrl_c_within_a_batch(scratch: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    steps: list[BatchEnd] = []

    def stepped(self: stages.Tuning, *batch: object) -> torch.Tensor:
        if len(steps) == 5:  # the last batch of epoch 2
            raise KeyboardInterrupt
        return real(self, *batch)

    real, handler = stages.Tuning.training_step, signal.getsignal(signal.SIGINT)
    with monkeypatch.context() as patch:
        patch.setattr(stages.Tuning, "training_step", stepped)
        with pytest.raises(KeyboardInterrupt):
            fit(tmp_path, tiny.SCRATCH, on_batch_end=steps.append)
    signal.signal(signal.SIGINT, handler)  # Lightning has switched it off
    assert (steps[-1].epoch, steps[-1].batch) == (2, 2) and len(rows(tmp_path)) == 1
    assert tiny.same(fit(tmp_path, tiny.SCRATCH), scratch[1]) and rows(tmp_path) == rows(scratch[0])


@pytest.mark.parametrize("when", ["before any weights are kept", "before all that the next epoch needs"])
def test_a_full_disk_leaves_the_checkpoints_whole(scratch: Whole, tmp_path: Path, when: str) -> None:
    """The disk is full for files of more than 2 kB, from some moment on."""
    unlimited = resource.getrlimit(resource.RLIMIT_FSIZE)
    kept: dict[Path, bytes] = {}

    def fill(_: object = None) -> None:
        kept.update({path: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").rglob("*.*")})
        resource.setrlimit(resource.RLIMIT_FSIZE, (2000, unlimited[1]))

    def watch(step: BatchEnd) -> None:
        if when == "before any weights are kept" and (step.epoch, step.batch) == (1, 3):
            fill()

    def say(line: str) -> None:
        if "epoch 2" in line:
            fill()

    try:
        with pytest.raises(OSError, match="File too large"):
            fit(tmp_path, tiny.SCRATCH, on_batch_end=watch, log=say)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, unlimited)
    assert {path.name for path in kept} == (set() if "any weights" in when else {"best.pt", "last.ckpt"})
    assert {path: path.read_bytes() for path in (tmp_path / "run" / "checkpoints").rglob("*.*")} == kept
    assert tiny.same(fit(tmp_path, tiny.SCRATCH), scratch[1]) and rows(tmp_path) == rows(scratch[0])


def test_batches_made_by_another_process_are_the_same(scratch: Whole, tmp_path: Path) -> None:
    found = fit(tmp_path, tiny.changed(tiny.SCRATCH, num_workers=1))
    assert tiny.same(found, scratch[1]) and rows(tmp_path) == rows(scratch[0])


@pytest.mark.parametrize("variants", [0, 2])
def test_what_makes_batches_can_be_sent_to_another_process(tmp_path: Path, variants: int) -> None:
    """Where processes are not forked, as on macOS; `say` and `watch` are rarely fit to be sent."""
    stage = Stage(7 if variants else 0, 1, 1e-3, variants=variants)
    job = training(tmp_path, tiny.changed(tiny.FINETUNE, stages=(stage,)))
    load = stages._loader(job, stage, None)
    sent = pickle.loads(pickle.dumps(load))
    for epoch in (None, 3):
        assert torch.equal(sent(np.array([2, 5]), epoch), load(np.array([2, 5]), epoch))


def test_classes_are_weighed_against_their_frequency(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    given = tiny.clip_arrays()
    targets = given.targets.copy()
    train = tiny.split(given).train
    targets[train] = [0] * 8 + [1] * 4  # and none of class 2
    seen: list[torch.Tensor | None] = []

    def recorded(*facts: object) -> stages.Tuning:
        seen.append(facts[-1])  # type: ignore[arg-type]
        return real(*facts)  # type: ignore[arg-type]

    real = stages.Tuning
    monkeypatch.setattr(stages, "Tuning", recorded)
    once = tiny.changed(tiny.SCRATCH, stages=(Stage(0, 1, 1e-3),))
    for folder, weights in (("a", "balanced"), ("b", "none")):
        fit(
            tmp_path / folder,
            tiny.changed(once, class_weights=weights),
            arrays=dataclasses.replace(given, targets=targets),
        )
    assert seen[0] is not None and seen[0].tolist() == pytest.approx([1.0, 2.0, 0.0]) and seen[1] is None
    assert rows(tmp_path / "a")[0]["train_loss"] != rows(tmp_path / "b")[0]["train_loss"]


# --- what is written down ---------------------------------------------------------------------------------------------


def test_the_columns_of_an_epoch(scratch: Whole) -> None:
    table = read_csv(scratch[0] / "run" / "epochs.csv")
    assert list(table[0]) == list(callbacks.EPOCH_COLUMNS)
    for row in table:
        assert float(row["seconds"]) > 0 and 0 <= float(row["waiting"]) < 1
    last = np.arange(1, 5) * 3 - 1  # step at the end of each epoch of three batches, of twelve
    cosine = 1e-2 * (1 + np.cos(np.pi * last / 12)) / 2
    np.testing.assert_allclose(column(scratch[0], "lr"), cosine, rtol=1e-5)


def test_the_rate_of_an_epoch_is_the_one_it_was_trained_at(tmp_path: Path) -> None:
    stage = Stage(0, 4, 8e-3, optimizer="sgd", schedule="step", step_epochs=2, step_factor=0.25)
    fit(tmp_path, tiny.changed(tiny.SCRATCH, stages=(stage,)))
    assert column(tmp_path, "lr") == pytest.approx([8e-3, 8e-3, 2e-3, 2e-3])


def test_a_watcher_is_told_of_every_batch(tmp_path: Path) -> None:
    steps: list[BatchEnd] = []
    stages = (Stage(0, 2, 1e-2), Stage(2, 1, 1e-3))
    fit(tmp_path, tiny.changed(tiny.SCRATCH, stages=stages), on_batch_end=steps.append)
    places = [(step.stage, step.epoch, step.batch) for step in steps]
    assert places == [(stage, epoch, batch) for stage, epoch in ((1, 1), (1, 2), (2, 1)) for batch in (1, 2, 3)]
    assert {(step.stages, step.batches) for step in steps} == {(2, 3)}
    assert [step.epochs for step in steps] == [2] * 6 + [1] * 3
    means = np.array([step.loss for step in steps]).reshape(3, 3).mean(1)  # three batches of four clips an epoch
    np.testing.assert_allclose(means, column(tmp_path, "train_loss"), rtol=1e-4)
    known = [step.val_accuracy for step in steps]
    assert known[:3] == [None] * 3 and known[6:] == [None] * 3
    assert known[3:6] == pytest.approx([column(tmp_path, "val_accuracy")[0]] * 3, abs=1e-5)


def test_tensorboard_shows_the_same_once(tmp_path: Path) -> None:
    from tensorboard.backend.event_processing.event_accumulator import EventAccumulator

    said: list[str] = []

    def say(line: str) -> None:
        said.append(line)
        if len(said) == 2:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, tiny.SCRATCH, log=say)
    fit(tmp_path, tiny.SCRATCH, log=say)
    board = EventAccumulator(str(tmp_path / "run" / "tensorboard" / "stage1")).Reload()
    assert set(board.Tags()["scalars"]) == set(callbacks.EPOCH_COLUMNS[2:])
    for name in ("train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr"):
        events = board.Scalars(name)
        assert [event.step for event in events] == [1, 2, 3, 4]
        assert [event.value for event in events] == pytest.approx(column(tmp_path, name), rel=1e-4)


def test_without_tensorboard_nothing_is_missing(
    scratch: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "torch.utils.tensorboard", None)
    assert tiny.same(fit(tmp_path, tiny.SCRATCH), scratch[1])
    assert not (tmp_path / "run" / "tensorboard").exists()


# --- which epoch is chosen, and when a stage ends ---------------------------------------------------------------------


def test_accuracy_may_choose_instead_of_loss(tmp_path: Path) -> None:
    """All clips are named right before the loss is at its least."""
    stages = (Stage(0, 9, 0.01, batch_norm="trained"),)
    recipe = tiny.changed(tiny.SCRATCH, mixup=0.0, ema_decay=0.0, stages=stages)
    by_loss = fit(tmp_path / "loss", recipe)
    by_accuracy = fit(tmp_path / "accuracy", tiny.changed(recipe, monitor="val_accuracy"))
    losses, accuracies = column(tmp_path / "loss", "val_loss"), column(tmp_path / "loss", "val_accuracy")
    assert rows(tmp_path / "accuracy") == rows(tmp_path / "loss")  # what is trained does not depend on it
    first = accuracies.index(max(accuracies))
    assert first != losses.index(min(losses))
    assert validation_loss(by_loss) == pytest.approx(min(losses), abs=1e-3)
    assert validation_loss(by_accuracy) == pytest.approx(losses[first], rel=1e-3)


PATIENT = tiny.changed(
    tiny.SCRATCH,
    mixup=0.0,
    stages=(Stage(0, 30, 0.3, patience=2), Stage(2, 1, 1e-4)),  # so high a rate gets worse soon
)


@pytest.fixture(scope="module")
def patient(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("patient")
    return folder, fit(folder, PATIENT)


def test_a_stage_ends_when_its_patience_does(patient: Whole) -> None:
    losses = [float(row["val_loss"]) for row in rows(patient[0]) if row["stage"] == "1"]
    since = [epoch - int(np.argmin(losses[: epoch + 1])) for epoch in range(len(losses))]
    assert since[-1] == 2 and max(since[:-1]) < 2 and len(losses) < 30
    assert [row["stage"] for row in rows(patient[0])].count("2") == 1


@pytest.mark.parametrize("moment", ["at the end of the stage", "in the next stage"])
def test_a_stage_that_has_ended_is_not_trained_on(
    patient: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, moment: str
) -> None:
    def stop(*_: object) -> None:
        raise Stop

    def watch(step: BatchEnd) -> None:
        if step.stage == 2:
            raise Stop

    with monkeypatch.context() as patch, pytest.raises(Stop):
        if moment == "at the end of the stage":
            patch.setattr(stages.Checkpointing, "on_fit_end", stop)
        fit(tmp_path, PATIENT, on_batch_end=watch)
    said: list[str] = []
    found = fit(tmp_path, PATIENT, log=said.append)
    assert [line.partition(",")[0] for line in said] == ["stage 2"]
    assert tiny.same(found, patient[1]) and rows(tmp_path) == rows(patient[0])


def test_patience_is_kept_over_an_interruption(patient: Whole, tmp_path: Path) -> None:
    def say(line: str) -> None:
        if line.startswith(f"stage 1, epoch {epochs} of"):
            raise Stop

    epochs = [row["stage"] for row in rows(patient[0])].count("1")  # the last one, after which it ends
    with pytest.raises(Stop):
        fit(tmp_path, PATIENT, log=say)
    assert tiny.same(fit(tmp_path, PATIENT), patient[1]) and rows(tmp_path) == rows(patient[0])


# --- waveforms, and classes that are augmented as they need -----------------------------------------------------------

AWARE = tiny.changed(
    tiny.SCRATCH,
    augment=Augment(rules="balanced", class_aware=True, least_strength=0.3, most_strength=1.5),
    stages=(Stage(0, 3, 1e-2, batch_norm="trained"),),
)


@pytest.fixture(scope="module")
def aware(tmp_path_factory: pytest.TempPathFactory) -> Whole:
    folder = tmp_path_factory.mktemp("aware")
    return folder, fit(folder, AWARE, arrays=tiny.sounding())


def test_strengths_follow_the_recall_of_each_class(aware: Whole, tmp_path: Path) -> None:
    def say(line: str) -> None:
        if "epoch 2" in line:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, AWARE, arrays=tiny.sounding(), log=say)
    last = torch.load(tmp_path / "run" / "checkpoints" / "stage1" / "last.ckpt", weights_only=True)
    prefix = "average.module."
    after_one = {name.removeprefix(prefix): v for name, v in last["state_dict"].items() if name.startswith(prefix)}
    layers = head(tiny.cnn().embedding_size, 3, 0, 0.2)
    classifier = ClassifierNetwork(tiny.cnn(), layers)
    classifier.load_state_dict(after_one)
    given = tiny.sounding()
    seen = predict(classifier, given, tiny.split(given).validation)[0]
    recall = np.array([seen.right[seen.targets == label].mean() for label in range(3)])
    assert np.ptp(recall) > 0
    table = read_csv(aware[0] / "run" / "strengths.csv")
    assert [list(row) for row in table] == [["epoch", *tiny.LABELS]] * 3 and [row["epoch"] for row in table] == list(
        "123"
    )
    assert [float(table[0][label]) for label in tiny.LABELS] == [1.0] * 3
    expected = 0.5 * 1 + 0.5 * (1.5 - 1.2 * recall)
    assert [float(table[1][label]) for label in tiny.LABELS] == pytest.approx(expected, abs=1e-4)


def test_clips_are_augmented_as_strongly_as_their_class(
    aware: Whole, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    used: list[set[tuple[str, float]]] = []

    def recorded(sound: np.ndarray, spec: object, plan: object, rng: object, category: str, strength: float) -> object:
        used[-1].add((category, round(strength, 4)))
        return real(sound, spec, plan, rng, category, strength)

    def watch(step: BatchEnd) -> None:
        if step.batch == step.batches:
            used.append(set())

    real = arrays.view
    used.append(set())
    monkeypatch.setattr(arrays, "view", recorded)
    fit(tmp_path, AWARE, arrays=tiny.sounding(), on_batch_end=watch)
    table = read_csv(aware[0] / "run" / "strengths.csv")
    for row, found in zip(table, used[:3], strict=True):
        assert found == {(f"category of {label}", float(row[label])) for label in tiny.LABELS}


def test_strengths_are_kept_over_an_interruption(aware: Whole, tmp_path: Path) -> None:
    def say(line: str) -> None:
        if "epoch 3" in line:
            raise Stop

    with pytest.raises(Stop):
        fit(tmp_path, AWARE, arrays=tiny.sounding(), log=say)
    found = fit(tmp_path, AWARE, arrays=tiny.sounding())
    assert tiny.same(found, aware[1])
    assert (tmp_path / "run" / "strengths.csv").read_bytes() == (aware[0] / "run" / "strengths.csv").read_bytes()


def test_a_later_stage_goes_on_from_the_strengths_of_the_one_before(tmp_path: Path) -> None:
    """Also where the stage before has ended early and the run was interrupted in between."""

    def watch(step: BatchEnd) -> None:
        if step.stage == 2:
            raise Stop

    stages = (Stage(0, 9, 0.3, patience=1), Stage(0, 1, 1e-2))
    recipe = tiny.changed(AWARE, stages=stages)
    fit(tmp_path / "whole", recipe, arrays=tiny.sounding())
    with pytest.raises(Stop):
        fit(tmp_path / "broken", recipe, arrays=tiny.sounding(), on_batch_end=watch)
    fit(tmp_path / "broken", recipe, arrays=tiny.sounding())
    tables = [read_csv(tmp_path / name / "run" / "strengths.csv") for name in ("whole", "broken")]
    assert tables[0] == tables[1] and [row["epoch"] for row in tables[0]][-1] == "10" and 2 < len(tables[0]) < 10
    assert any(float(tables[0][-1][label]) != 1 for label in tiny.LABELS)


# --- what must not matter ---------------------------------------------------------------------------------------------


def test_test_clips_do_not_matter(whole: Whole, tmp_path: Path) -> None:
    given = tiny.clip_arrays()
    test = tiny.split(given).test
    arrays, targets = given.logmels.copy(), given.targets.copy()
    arrays[test] = 7.0
    targets[test] = 0
    found = fit(tmp_path, arrays=dataclasses.replace(given, logmels=arrays, targets=targets))
    assert tiny.same(found, whole[1]) and rows(tmp_path) == rows(whole[0])


def test_validation_clips_choose_and_nothing_else(whole: Whole, tmp_path: Path) -> None:
    """Other validation clips change validation figures, and not one training loss of the first stage."""
    given = tiny.clip_arrays()
    targets = given.targets.copy()
    targets[tiny.split(given).validation] = 0
    fit(tmp_path, arrays=dataclasses.replace(given, targets=targets))
    for one, other in zip(rows(tmp_path)[:2], rows(whole[0])[:2], strict=True):
        assert one["train_loss"] == other["train_loss"] and one["val_loss"] != other["val_loss"]


def test_between_class_learning_learns_and_goes_on_as_if_uninterrupted(tmp_path: Path) -> None:
    def say(line: str) -> None:
        if "epoch 1" in line:
            raise Stop

    recipe = tiny.changed(
        tiny.SCRATCH, mixup=1.0, mixup_of="waveform", stages=(Stage(0, 2, 1e-2, batch_norm="trained"),)
    )
    whole = fit(tmp_path / "whole", recipe, arrays=tiny.sounding())
    with pytest.raises(Stop):
        fit(tmp_path / "broken", recipe, arrays=tiny.sounding(), log=say)
    assert tiny.same(fit(tmp_path / "broken", recipe, arrays=tiny.sounding()), whole)
    plain = fit(tmp_path / "plain", tiny.changed(recipe, mixup=0.0), arrays=tiny.sounding())
    assert not tiny.same(plain, whole)
