"""What libraries say while they train and export, silenced for that long and no longer."""

import logging
import warnings
from collections.abc import Iterator
from contextlib import contextmanager

_ON_PURPOSE = (  # what Lightning says about choices that were made on purpose
    ".*does not have many workers.*",
    ".*number of training batches.*",
    ".*in eval mode at the start of training.*",
    ".*exists and is not empty.*",
)


@contextmanager
def quiet_lightning() -> Iterator[None]:
    """Lightning neither advertises nor warns of what is meant; its log level and all warning filters come back."""
    with _only_errors("pytorch_lightning"), warnings.catch_warnings():
        for message in _ON_PURPOSE:
            warnings.filterwarnings("ignore", message)
        for outdated in (DeprecationWarning, FutureWarning):  # Lightning's own, with newer torch
            warnings.filterwarnings("ignore", category=outdated)
        yield


@contextmanager
def quiet_export() -> Iterator[None]:
    """The ONNX exporter says nothing of its progress and deprecations; log levels and warning filters come back."""
    with _only_errors("onnxscript", "torch.onnx"), warnings.catch_warnings():
        for category in (DeprecationWarning, FutureWarning, UserWarning):
            warnings.filterwarnings("ignore", category=category)
        yield


@contextmanager
def _only_errors(*names: str) -> Iterator[None]:
    loggers = [logging.getLogger(name) for name in names]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.ERROR)
    try:
        yield
    finally:
        for logger, level in zip(loggers, levels, strict=True):
            logger.setLevel(level)
