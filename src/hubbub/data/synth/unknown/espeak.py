"""Speech by espeak-ng, through the library of the package `espeakng_loader` (extra "speech"): a script of its own.

espeak-ng is under the GPL, version 3 or later: it is never a part of hubbub and never shipped with it, and runs in a
process of its own, which also makes its voices the same every time (the library keeps state from one utterance to
the next). Called as ``python -I espeak.py LIBRARY DATA VOICE RATE PITCH RANGE`` with the text on standard input, it
writes 16 bit samples at `ESPEAK_RATE` to standard output.
"""

import ctypes
import sys

ESPEAK_RATE = 22_050  #: Hz
_SYNCHRONOUS, _UTF8, _NO_EXIT = 2, 1, 0x8000
_RATE, _PITCH, _RANGE = 1, 3, 4  # espeak_PARAMETER


def main() -> int:
    """Say what standard input holds. Exit status 1 where espeak-ng does not start, 2 for a voice that it lacks."""
    path, data, voice, *settings = sys.argv[1:]
    text = sys.stdin.buffer.read()
    library = ctypes.CDLL(path)
    if library.espeak_Initialize(_SYNCHRONOUS, 0, data.encode(), _NO_EXIT) != ESPEAK_RATE:
        return 1
    library.espeak_ng_SetRandSeed(ctypes.c_long(1))
    spoken: list[bytes] = []

    def receive(samples: int | None, count: int, events: int | None) -> int:
        if samples and count > 0:
            spoken.append(ctypes.string_at(samples, 2 * count))
        return 0

    callback = ctypes.CFUNCTYPE(ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_void_p)(receive)
    library.espeak_SetSynthCallback(callback)
    if library.espeak_SetVoiceByName(voice.encode()):
        return 2
    for parameter, value in zip((_RATE, _PITCH, _RANGE), settings, strict=True):
        library.espeak_SetParameter(parameter, int(value), 0)
    library.espeak_Synth(text, len(text) + 1, 0, 0, 0, _UTF8, None, None)
    library.espeak_Synchronize()
    sys.stdout.buffer.write(b"".join(spoken))
    return 0


if __name__ == "__main__":
    sys.exit(main())
