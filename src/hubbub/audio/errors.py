"""What can be wrong with a sound, one class each; all are an `AudioError` of one line."""

from hubbub.errors import AudioError, ExitCode


class MissingAudioError(AudioError):
    """No such file, not a regular file, not permitted, a URL, or a folder without sounds (`hubbub.soundfiles`)."""

    exit_code = ExitCode.REFUSED


class EmptyAudioError(AudioError):
    """0 bytes, or not one sample at the rate that was asked for."""


class UnreadableAudioError(AudioError):
    """Not audio, an unknown format, or too damaged for even its beginning to decode."""


class UnsupportedAudioError(AudioError):
    """The sampling rate is outside `MIN_RATE` to `MAX_RATE`."""


class InvalidSamplesError(AudioError):
    """Samples that are NaN, infinite or absurdly large (beyond 1e10)."""


class LongAudioError(AudioError):
    """Longer than `MAX_SECONDS`, or of more than `MAX_SAMPLES`, where a whole file is read."""


class UndecodableError(Exception):
    """A decoder gives up; its message is the reason. Inside `hubbub.audio` only: `reading` makes a warning of it, or
    an `UnreadableAudioError`.
    """
