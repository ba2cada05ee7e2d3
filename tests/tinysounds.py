"""A folder of one's own sounds with all that can be wrong with one, for tests of what looks at datasets."""

from pathlib import Path

import numpy as np

from hubbub import audio

RATE = 16_000
HOSTILE = "<img src=x onerror=alert(1)> \"&' 🐶.wav"


def noise(seed: int, seconds: float = 0.6) -> np.ndarray:
    return 0.1 * np.random.default_rng(seed).standard_normal(round(seconds * RATE))


def write(root: Path) -> Path:
    """Five dogs (two the same, one of them of a hostile name, one padded, one clipped); four cats, and a broken one."""
    dog, cat = root / "dog", root / "cat"
    audio.write_wav(dog / "a.wav", noise(1), RATE)
    audio.write_wav(dog / HOSTILE, noise(1), RATE)
    audio.write_wav(dog / "padded.wav", np.concatenate([noise(2), np.zeros(RATE)]), RATE)
    audio.write_wav(dog / "clipped.wav", 20 * noise(3), RATE)
    audio.write_wav(dog / "b.wav", noise(4), RATE)
    for number in range(3):
        tone = np.sin(2 * np.pi * (500 + 50 * number) * np.arange(RATE) / RATE)
        audio.write_wav(cat / f"{number}.wav", 0.2 * tone, RATE)
    audio.write_wav(cat / "offset.wav", noise(5) + 0.05, RATE)
    (cat / "broken.wav").write_bytes(b"no sound")
    return root
