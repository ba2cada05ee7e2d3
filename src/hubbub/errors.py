"""The one root exception, and the exit codes that every command shares.

A message says what is wrong and what to do about it; commands print it on one line and never show a traceback.
"""

from enum import IntEnum


class ExitCode(IntEnum):
    """What a command's exit status means, for all commands alike."""

    DONE = 0
    FINDING = 1  #: a finding, or an input that failed while the others were answered
    USAGE = 2  #: the command line, a recipe or a setting is wrong
    REFUSED = 3  #: refused, or not available here (a missing file, extra, network or permission)


class HubbubError(Exception):
    """Root of every error that hubbub raises on purpose; `exit_code` is what the command line ends with."""

    exit_code = ExitCode.FINDING


class UsageError(HubbubError):
    """What was asked for makes no sense: an unknown name, an impossible value."""

    exit_code = ExitCode.USAGE


class RefusedError(HubbubError):
    """It could be done but must not be (an untrue figure, an overwritten file), or cannot be done here."""

    exit_code = ExitCode.REFUSED


class AudioError(HubbubError):
    """A sound could not be read; the subclass says why."""


class DataError(HubbubError):
    """A dataset is missing, incomplete or not what it claims to be."""


class ModelFileError(HubbubError):
    """A model file is missing, damaged, or of a kind that this version cannot read."""

    exit_code = ExitCode.REFUSED


def missing_extra(extra: str, for_what: str) -> RefusedError:
    """The error for a library that an optional extra would bring; hubbub is not on a package index.

    >>> print(missing_extra("plot", "drawing a picture"))
    drawing a picture needs the extra 'plot': in hubbub's folder, pip install ".[plot]"
    """
    return RefusedError(f"{for_what} needs the extra '{extra}': in hubbub's folder, pip install \".[{extra}]\"")
