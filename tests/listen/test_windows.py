import itertools

import numpy as np
import pytest

from hubbub.listen.windows import sliding_windows


def cut(samples: np.ndarray, sizes: list[int]) -> list[np.ndarray]:
    """Samples in blocks of those sizes, the last one of what is left."""
    return np.split(samples, np.cumsum(sizes))


def by_the_book(samples: np.ndarray, length: int, hop: int) -> list[tuple[int, int, list[float]]]:
    """Start, end and samples of each, from the whole sound: regular starts, and one window that ends with the sound."""
    if len(samples) <= length:
        return [(0, len(samples), np.pad(samples, (0, length - len(samples))).tolist())]
    starts = sorted({*range(0, len(samples) - length + 1, hop), len(samples) - length})
    return [(start, start + length, samples[start : start + length].tolist()) for start in starts]


@pytest.mark.parametrize("hop", [1, 3, 4])
def test_every_length(hop: int) -> None:
    for count, split in itertools.product(range(1, 14), range(4)):
        samples = np.arange(1, count + 1, dtype=np.float32)
        sizes = ([], [1] * (count - 1), [count // 2], [0, count, 0])[split]
        windows = list(sliding_windows(cut(samples, sizes), 4, hop))
        assert all(window.samples.dtype == np.float32 for window in windows)
        assert [(w.start, w.end, w.samples.tolist()) for w in windows] == by_the_book(samples, 4, hop)


def test_blocks_of_any_sizes() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        samples = rng.standard_normal(rng.integers(1, 200)).astype(np.float32)
        length = int(rng.integers(1, 40))
        hop = int(rng.integers(1, length + 1))
        windows = sliding_windows(cut(samples, rng.integers(0, 30, 5).tolist()), length, hop)
        assert [(w.start, w.end, w.samples.tolist()) for w in windows] == by_the_book(samples, length, hop)


def test_windows_come_as_soon_as_they_are_full() -> None:
    taken = []

    def blocks():
        for index in range(100):
            taken.append(index)
            yield np.full(2, index, np.float32)

    stream = sliding_windows(blocks(), 4, 2)
    assert next(stream).samples.tolist() == [0, 0, 1, 1] and len(taken) == 2
    assert next(stream).samples.tolist() == [1, 1, 2, 2] and len(taken) == 3


def test_nothing_gives_nothing() -> None:
    assert list(sliding_windows([], 4, 2)) == []
    assert list(sliding_windows([np.zeros(0, np.float32)], 4, 2)) == []


@pytest.mark.parametrize(("length", "hop"), [(4, 0), (4, -1), (4, 5), (0, 1)])
def test_hops_that_make_no_sense(length: int, hop: int) -> None:
    with pytest.raises(ValueError, match=f"hop must be in 1..length, got hop {hop} and length {length}"):
        next(sliding_windows([np.zeros(10, np.float32)], length, hop))
