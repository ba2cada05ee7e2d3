import logging
import warnings
from collections.abc import Callable
from contextlib import AbstractContextManager

import pytest

from hubbub.train.quiet import quiet_export, quiet_lightning


@pytest.mark.parametrize(
    ("quiet", "name", "message"),
    [
        (quiet_lightning, "pytorch_lightning", "the loader does not have many workers which may be a bottleneck"),
        (quiet_export, "torch.onnx", "an exporter's own"),
    ],
)
def test_a_library_is_silent_until_the_end_even_after_an_error(
    quiet: Callable[[], AbstractContextManager[None]], name: str, message: str, caplog: pytest.LogCaptureFixture
) -> None:
    logger = logging.getLogger(name)
    level, filters = logger.level, list(warnings.filters)
    caplog.set_level(logging.INFO)
    with pytest.raises(KeyError), quiet():
        logger.warning("silenced")
        warnings.warn(message, UserWarning, stacklevel=1)  # an error, were it not silenced
        logger.error("said")
        raise KeyError
    assert [record.message for record in caplog.records] == ["said"]
    assert logger.level == level and warnings.filters == filters


def test_other_warnings_about_training_are_heard() -> None:
    with quiet_lightning(), pytest.warns(UserWarning, match="diverges"):
        warnings.warn("the loss diverges", UserWarning, stacklevel=1)
