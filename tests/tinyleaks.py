"""A folder of sounds in which copies are planted: for tests of the audit."""

import csv
from pathlib import Path

import numpy as np
import soundfile

from hubbub import audio
from hubbub.data import folder
from hubbub.data.dataset import Dataset
from hubbub.data.synth.synthetic import make
from hubbub.logmel import Floats

RATE = 16_000
LABELS = ("rain", "siren", "chirping_birds", "clock_tick")
EACH = 6
ORIGINAL = "rain/0.wav"
#: A file, its source recording and its fold: copies of `ORIGINAL`, which is recording "rain0" in fold 1.
SAME, SHIFTED, ENCODED, INSIDE = "siren/same.wav", "rain/shifted.wav", "rain/encoded.mp3", "rain/inside.wav"
PLANTED = {SAME: ("x1", 2), SHIFTED: ("x2", 2), ENCODED: ("x3", 2), INSIDE: ("x4", 1)}
SPANNING = "siren/spanning.wav"  # another take of recording "siren0", in fold 2


def sound(label: str, seed: int, seconds: float = 3.0) -> Floats:
    return make(label, seed, RATE, seconds).astype(np.float32)


def moved(samples: Floats, seconds: float) -> Floats:
    """Later by so much, zeros before."""
    count = round(seconds * RATE)
    return np.concatenate([np.zeros(count, np.float32), samples[:-count]])


def write(root: Path) -> Path:
    """The folder: four classes of six recordings in two folds, and the planted copies."""
    rows = []
    for label in LABELS:
        for seed in range(EACH):
            rows.append((f"{label}/{seed}.wav", label, f"{label}{seed}", 1 + seed % 2))
            _write(root / rows[-1][0], sound(label, seed))
    original = audio.read(root / ORIGINAL)[0]
    _write(root / SAME, original)
    _write(root / SHIFTED, 0.3 * moved(original, 0.4))
    _write(root / INSIDE, moved(original, 1.0))
    encoded = (0.5 * original, RATE)
    soundfile.write(root / ENCODED, *encoded, format="MP3", subtype="MPEG_LAYER_III", compression_level=0.9)
    _write(root / SPANNING, sound("siren", 50))
    rows += [(name, name.split("/")[0], *where) for name, where in PLANTED.items()]
    rows.append((SPANNING, "siren", "siren0", 2))
    with (root / "metadata.csv").open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([("file_name", "label", "recording", "fold"), *rows])
    return root


def dataset(root: Path) -> Dataset:
    return folder.load(root)


def _write(path: Path, samples: Floats) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    audio.write_wav(path, samples, RATE)
