"""The sounds of a page: short MP3 files, as many as the page may weigh."""

import base64
import io
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import closing
from itertools import islice
from pathlib import Path

import numpy as np

from hubbub import audio
from hubbub.errors import AudioError
from hubbub.workers import mapped

RATE = 24_000  #: Hz of every sound: what a small loudspeaker gives
SECONDS = 10  #: at most, from a file's beginning
_COMPRESSION = 0.9  # about 4.5 kB of text a second


class Sounds:
    """Sounds by key, until their text would weigh more than `budget` bytes in the page.

    MP3 is what every browser plays. They are made from the user's own files and live in the page only.
    """

    def __init__(self, budget: int = 20_000_000):
        self._left = budget
        self._texts: dict[str, str] = {}
        self._tried: set[str] = set()

    def add(self, key: str, path: Path) -> bool:
        """Whether the page will play `key`: the file decodes and there is room, or it is there already."""
        if key in self._tried:
            return key in self._texts
        self._tried.add(key)
        text = _encoded_or_none(path)
        return text is not None and self._keep(key, text)

    def add_all(
        self,
        files: Sequence[tuple[str, Path]],
        jobs: int = 1,
        track: Callable[[Sequence[tuple[str, Path]]], Iterable[tuple[str, Path]]] = iter,
    ) -> None:
        """Add files by key in order, encoded in so many processes, until one does not fit any more."""
        new = [(key, path) for key, path in files if key not in self._tried]
        with closing(mapped(_encoded_or_none, [path for _, path in new], jobs)) as texts:
            for (key, _), text in zip(track(new), texts, strict=True):
                self._tried.add(key)
                if text is not None and not self._keep(key, text):
                    return

    def _keep(self, key: str, text: str) -> bool:
        if len(text) > self._left:
            return False
        self._left -= len(text)
        self._texts[key] = text
        return True

    def __contains__(self, key: object) -> bool:
        return key in self._texts

    def __len__(self) -> int:
        return len(self._texts)

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def as_json(self) -> dict[str, str]:
        """Base64 of the MP3 of each key."""
        return self._texts


def encoded(path: Path) -> str:
    """Base64 of the first seconds of a sound file as MP3. Raises AudioError."""
    seconds = audio.blocks(path, RATE, RATE, log=lambda line: None)
    mp3 = io.BytesIO()
    audio.write(mp3, np.concatenate(list(islice(seconds, SECONDS))), RATE, "MP3", _COMPRESSION)
    return base64.b64encode(mp3.getvalue()).decode()


def _encoded_or_none(path: Path) -> str | None:
    try:
        return encoded(path)
    except AudioError:
        return None
