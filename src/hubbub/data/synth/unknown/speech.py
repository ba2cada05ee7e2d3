"""Speech: voices of espeak-ng (see `espeak`), none of them in both families, and for tests also a voice made here.

The texts mean nothing or little: made-up words for fitting, numbers and short phrases for tests.
"""

import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path

import numpy as np
from scipy.signal import butter, sosfilt

from hubbub import audio
from hubbub.data.synth.synthesis import RATE, Samples, Take, band, even, phase, placed, room
from hubbub.data.synth.unknown.espeak import ESPEAK_RATE
from hubbub.errors import RefusedError, missing_extra

# Names of espeak-ng's languages and of its voices, which change how any language is spoken.
_FITTING_LANGUAGES = "cy fr ru cmn hi ar sw pl fi id cs ka"
_FITTING_VOICES = "f1 f2 m1 m2 m3 m7 klatt klatt2 Alex Andy Diogo Gene Lee anika belinda david ed iven max robert steph"
_TEST_LANGUAGES = "en-us de es it pt-br nl sv ja ko tr el hu ro da nb vi ta eu"
_TEST_VOICES = (
    "f3 f4 f5 m4 m5 m6 m8 klatt3 klatt4 Annie Denis Henrique Hugo Jacky Marco Mario Michael Mike Reed adam antonio"
    " aunty benjamin boris edward grandma grandpa john linda marcelo michel miguel norbert pablo paul pedro quincy rob"
    " sandro shelby travis victor zac"
)
_SYLLABLES = "ba de ki lo mu na pe ri so ta ve zi ko la me ni po ra su te vi no ga fi do shi lan mor tel sin par kun"
_PHRASES = (
    "could you tell me the way to the station",
    "the meeting starts at {}",
    "please turn left after {} metres",
    "I will call you back in {} minutes",
    "the number you have dialled is {}",
    "good morning and welcome",
    "what would you like for dinner tonight",
    "{} plus {} makes {}",
    "I do not think that this is a good idea",
    "the next train to the city leaves at {} from platform {}",
)


def available() -> bool:
    """Whether espeak-ng is there: the package of the extra "speech"."""
    return find_spec("espeakng_loader") is not None


def spoken_words(take: Take) -> Samples:
    """One voice that says made-up words."""
    return _recorded(take, _voice(take, _FITTING_LANGUAGES, _FITTING_VOICES, _words(take)))


def two_talkers(take: Take) -> Samples:
    """Two or three voices that talk over each other."""
    number = int(take.rng.integers(2, 4))
    voices = [_voice(take, _FITTING_LANGUAGES, _FITTING_VOICES, _words(take)) for _ in range(number)]
    return _recorded(take, np.sum([take.between(0.3, 1) * voice for voice in voices], axis=0))


def spoken_numbers(take: Take) -> Samples:
    """One voice that reads numbers in its own language, dry or in a room."""
    numbers = ", ".join(str(number) for number in take.rng.integers(1, 100_000, 12))
    voice = _voice(take, _TEST_LANGUAGES, _TEST_VOICES, numbers)
    return _roomed(take, voice)


def spoken_phrases(take: Take) -> Samples:
    """One voice that says short English phrases, whatever its language."""
    phrases = [_PHRASES[i].format(*take.rng.integers(1, 1000, 3)) for i in take.rng.permutation(len(_PHRASES))[:4]]
    voice = _voice(take, _TEST_LANGUAGES, _TEST_VOICES, ". ".join(phrases))
    return _roomed(take, voice)


def crowd(take: Take) -> Samples:
    """Four to eight voices at once."""
    made = np.zeros(take.count)
    for _ in range(int(take.rng.integers(4, 9))):
        numbers = " ".join(str(number) for number in take.rng.integers(1, 10_000, 12))
        made += take.between(0.3, 1) * _voice(take, _TEST_LANGUAGES, _TEST_VOICES, numbers)
    return _roomed(take, made)


def formants(take: Take) -> Samples:
    """A voice made here: pulses through formants that move, between hisses, up to the top of hearing.

    Formants are those of Peterson and Barney, JASA 24 (1952); see also Klatt, JASA 67 (1980).
    """
    table = np.array([[270, 2290, 3010], [530, 1840, 2480], [730, 1090, 2440], [570, 840, 2410], [300, 870, 2240]])
    hold = take.between(0.12, 0.28)
    vowels = table[take.rng.integers(len(table), size=int(take.seconds / hold) + 3)] * take.between(0.9, 1.3)
    at = np.arange(len(vowels)) * hold
    pitch = take.between(85, 260) * 2 ** (0.25 * take.wander(1.2))
    angle, voiced = phase(pitch, take.count), np.zeros(take.count)
    tracks = [np.interp(take.times, at, column) for column in vowels.T]
    for number in range(1, 41):
        hertz = number * pitch
        gain = sum(
            level / (1 + ((hertz - track) / wide) ** 2)
            for level, track, wide in zip((1, 0.5, 0.25), tracks, (80, 110, 160), strict=True)
        )
        voiced += np.where(hertz < 8000, gain, 0) / number**0.5 * np.sin(number * angle)
    syllable = np.clip(np.sin(np.pi * (take.times / hold % 1)), 0, None) ** take.rng.uniform(0.4, 1)
    index = (take.times / hold).astype(int)
    pauses = (take.rng.random(len(vowels)) > 0.15)[index]
    hisses = (take.rng.random(len(vowels)) < 0.3)[index] * (take.times / hold % 1 < 0.4)
    hiss = sosfilt(butter(2, [2500, 11000], "bandpass", fs=RATE, output="sos"), take.rng.standard_normal(take.count))
    return _roomed(take, pauses * (syllable * even(voiced) + 0.1 * hisses * hiss))


def _words(take: Take) -> str:
    words = ("".join(take.rng.choice(_SYLLABLES.split(), int(take.rng.integers(1, 5)))) for _ in range(30))
    return " ".join(word + take.rng.choice(["", "", "", ",", "."]) for word in words)


def _voice(take: Take, languages: str, voices: str, text: str) -> Samples:
    """A voice of peak 1 that says `text` from a random moment on, shape (take.count,)."""
    if not available():
        raise missing_extra("speech", "making speech")
    import espeakng_loader

    voice = f"{take.rng.choice(languages.split())}+{take.rng.choice(voices.split())}"
    settings = [take.rng.integers(120, 260), take.rng.integers(15, 85), take.rng.integers(20, 90)]
    script = Path(__file__).with_name("espeak.py")
    paths = [espeakng_loader.get_library_path(), espeakng_loader.get_data_path()]
    command = [sys.executable, "-I", str(script), *paths, voice, *map(str, settings)]
    said = subprocess.run(command, input=text.encode(), capture_output=True, check=False)
    if said.returncode:
        raise RefusedError(f"espeak-ng cannot speak as {voice}: try another version of espeakng_loader")
    samples = np.frombuffer(said.stdout, np.int16).astype(np.float32) / 2**15
    full = np.asarray(audio.resample(samples, ESPEAK_RATE, RATE), np.float64)
    skipped = int(take.rng.integers(max(len(full) - take.count, 1)))
    return placed(take.count, [(take.rng.uniform(0, 0.3), even(full[skipped:]))])


def _recorded(take: Take, voice: Samples) -> Samples:
    """A voice as a microphone gives it: band limits, and coloured noise that goes up to the top."""
    limited = band(voice, take.between(30, 250), take.between(3000, 20000), 2) if take.chance(0.5) else voice
    return even(limited) + take.between(1e-4, 0.05) * take.coloured(take.rng.uniform(-5, 0))


def _roomed(take: Take, voice: Samples) -> Samples:
    """A voice in a room, half of the time, on hiss out of a filter."""
    heard = room(take, voice, take.between(0.2, 1.2), take.between(0.1, 1)) if take.chance(0.5) else voice
    hiss = sosfilt(butter(1, take.between(300, 15000), fs=RATE, output="sos"), take.rng.laplace(size=take.count))
    return np.asarray(even(heard) + take.between(1e-4, 0.03) * hiss / hiss.std())


FITTING = (spoken_words, spoken_words, two_talkers)
TEST = (spoken_numbers, spoken_phrases, crowd, formants)
