from types import SimpleNamespace

import numpy as np
import pytest
import torch
from torch import Tensor

import tinylearning as tiny
from hubbub.train.arrays import RowSplit
from hubbub.train.datamodule import Batches, StageData
from hubbub.types import Ints

MATERIAL = tiny.clip_arrays()
TRAIN, VALIDATION = np.array([0, 2, 3, 5, 7, 8, 11, 12, 13, 15, 16]), np.array([1, 4, 6])


class Loading:
    """The row's number as the input; keeps the epochs that were loaded."""

    def __init__(self) -> None:
        self.epochs: list[int | None] = []

    def __call__(self, rows: Ints, epoch: int | None) -> Tensor:
        self.epochs.append(epoch)
        return torch.from_numpy(rows)[:, None].half()


def data(batch: int = 4, seed: int = 0, epoch: int = 0, train: Ints = TRAIN) -> StageData:
    recipe = tiny.changed(tiny.FINETUNE, batch_size=batch)
    split = RowSplit("x", train, VALIDATION, np.zeros(0, np.int64))
    stage = StageData(MATERIAL, split, Loading(), recipe, seed)
    stage.trainer = SimpleNamespace(current_epoch=epoch)  # type: ignore[assignment]
    return stage


def order(stage: StageData) -> list[int]:
    return [int(row) for x, _ in stage.train_dataloader() for row in x[:, 0]]


@pytest.mark.parametrize(("batch", "sizes"), [(4, [4, 4, 3]), (5, [5, 6]), (64, [11])])
def test_an_epoch_shows_every_row_once_and_no_batch_of_one_is_left_over_for_mixup_needs_two(
    batch: int, sizes: list[int]
) -> None:
    loader = data(batch).train_dataloader()
    batches = [x[:, 0].tolist() for x, _ in loader]
    assert [len(rows) for rows in batches] == sizes and len(loader) == len(sizes)
    assert sorted(row for rows in batches for row in rows) == TRAIN.tolist()


def test_a_single_row_is_a_batch() -> None:
    assert order(data(train=np.array([3]))) == [3]


def test_the_order_is_new_each_epoch_and_the_same_for_the_same_seed() -> None:
    orders = {tuple(order(data(seed=seed, epoch=epoch))) for seed in (0, 1) for epoch in range(4)}
    assert len(orders) == 8
    assert order(data(seed=1, epoch=3)) == order(data(seed=1, epoch=3))
    assert tuple(sorted(TRAIN.tolist())) not in orders


def test_targets_go_with_their_rows_and_input_is_single_precision() -> None:
    for x, targets in data().train_dataloader():
        np.testing.assert_array_equal(targets, MATERIAL.targets[x[:, 0].long()])
        assert x.dtype == torch.float32 and targets.dtype == torch.int64


def test_training_clips_are_loaded_for_the_epoch_and_validation_clips_as_they_are() -> None:
    stage = data(epoch=5)
    order(stage)
    assert stage.load.epochs == [5, 5, 5]  # type: ignore[attr-defined]
    list(stage.val_dataloader())
    assert stage.load.epochs[3:] == [None]  # type: ignore[attr-defined]


def test_validation_shows_all_rows_in_order_each_epoch() -> None:
    for epoch in (0, 1):
        rows = [int(row) for x, _ in data(1, epoch=epoch).val_dataloader() for row in x[:, 0]]
        assert rows == VALIDATION.tolist()


def test_no_batch_beyond_the_last() -> None:
    batches = Batches(Loading(), MATERIAL.targets, [TRAIN[:2], TRAIN[2:]], None)
    assert len(batches) == 2 and batches[1][0][0, 0] == TRAIN[2]
    with pytest.raises(IndexError, match="2"):
        batches[2]
