"""Reading a page of hubbub as its scripts do, and small sounds for one."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np

from hubbub import audio
from hubbub.data.dataset import Clip, Dataset


def kept(path: Path, name: str) -> Any:
    """The JSON that a page holds under a name: "data" or "sounds"."""
    found = re.search(rf'<script type="application/json" id="{name}">(.*?)</script>', path.read_text(), re.DOTALL)
    assert found is not None
    return json.loads(found[1])


def body(path: Path) -> str:
    """A page without its style, its scripts and their data: what a reader reads, with tags."""
    text = re.sub(r"<(style|script)\b.*?</\1>", "", path.read_text(), flags=re.DOTALL)
    return " ".join(text.split())


def sounding(folder: Path, labelled: dict[str, str]) -> Dataset:
    """A dataset of short tones, one file a clip, from clip ids and their labels."""
    clips = []
    for number, (name, label) in enumerate(sorted(labelled.items())):
        path = folder / f"{number}.wav"
        audio.write_wav(path, 0.1 * np.sin(np.arange(800) * (number + 1) / 50), 8000)
        clips.append(Clip(name, path, label, f"r{number}"))
    labels = tuple(sorted(set(labelled.values())))
    return Dataset("tiny", "Tiny", labels, tuple(clips), "CC0", "none", "made by code")
