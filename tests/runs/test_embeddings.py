from pathlib import Path

import numpy as np
import pytest

from hubbub.errors import DataError
from hubbub.runs.embeddings import Embeddings


def test_what_is_written_is_read_in_half_precision(tmp_path: Path) -> None:
    values = np.array([[1.0, -2.5], [0.1, 1e6], [3.0, -1e6]], np.float32)
    Embeddings(("b", "a", "c"), values).write(tmp_path / "e.npz")
    read = Embeddings.read(tmp_path / "e.npz")
    assert read.clips == ("b", "a", "c") and read.values.dtype == np.float32
    expected = np.array([[1.0, -2.5], [0.1, 65504.0], [3.0, -65504.0]])
    np.testing.assert_allclose(read.values, expected, rtol=1e-3)
    np.testing.assert_array_equal(read.rows(["c", "b"]), read.values[[2, 0]])
    with pytest.raises(KeyError, match="d"):
        read.rows(["d"])


def test_no_clips(tmp_path: Path) -> None:
    Embeddings((), np.zeros((0, 4), np.float32)).write(tmp_path / "e.npz")
    read = Embeddings.read(tmp_path / "e.npz")
    assert read.clips == () and read.values.shape == (0, 4) and read.rows([]).shape == (0, 4)


def test_a_missing_or_damaged_file_is_told_in_a_line(tmp_path: Path) -> None:
    path = tmp_path / "e.npz"
    with pytest.raises(DataError, match="run the training again"):
        Embeddings.read(path)
    path.write_bytes(b"no zip")
    with pytest.raises(DataError, match="is not a file of embeddings"):
        Embeddings.read(path)
    np.savez(path, clips=np.array(["a"]), values=np.array([[1.0], [2.0]]))
    with pytest.raises(DataError, match="shapes that do not fit"):
        Embeddings.read(path)
    np.savez(path, clips=np.array(["a"]), values=np.array([[np.nan]]))
    with pytest.raises(DataError, match="no number"):
        Embeddings.read(path)
