"""Clips as pictures on disk: one greyscale PNG a clip, of exactly what a network sees of it, and nothing around it.

Black is `range_db` under the clip's loudest point, white is that point, low frequencies are at the bottom. A picture
carries, as text, which front end it was made with and what the clip sounds like, so that a stale one is known.
"""

import json
from collections.abc import Sequence
from contextlib import closing
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hubbub.data.dataset import Clip
from hubbub.errors import DataError, HubbubError, UsageError, missing_extra
from hubbub.features.cache import Features, decode, resampled, windows
from hubbub.logmel import LogMelSpec, logmel
from hubbub.storage import digest, write_with
from hubbub.types import Floats, Track
from hubbub.workers import mapped

_WHITE = 255
_FRONTEND, _SAMPLES = "hubbub-frontend", "hubbub-samples"  # keys of the text in a picture
_REMEDY = "write it again with `hubbub features pictures DATASET --recipe RECIPE`"


def write(
    clips: Sequence[Clip], spec: LogMelSpec, seconds: float, folder: Path, jobs: int = 1, track: Track = iter
) -> int:
    """Write the picture of each clip that has none in `folder` yet, or has one that does not fit any more.

    Args:
        clips: what to draw; `path` tells where each picture goes.
        spec: the front end; it must have a `range_db`, and not be normalised by the clip.
        seconds: clips are cut or zero-padded to that length.
        folder: of the pictures.
        jobs: processes that draw; with one, this one does.
        track: wraps the clips on their way, to show progress.

    Returns:
        How many pictures were written; the others were there.

    Raises:
        UsageError: values of the front end have no bounds, so that they make no picture.
        RefusedError: Pillow is not installed.
        AudioError: a clip cannot be decoded. What was written until then is kept.
    """
    _require_bounds(spec)
    _pillow()
    paint = partial(_paint, spec=spec, seconds=seconds, folder=folder)
    with closing(mapped(paint, clips, jobs)) as painted:
        return sum(new for _, new in zip(track(clips), painted, strict=True))


def read(folder: Path, clips: Sequence[Clip], spec: LogMelSpec, seconds: float) -> Features:
    """What a network sees of `clips`, from their pictures: as `features.cache.load`, to within half a grey step.

    A grey step is `spec.range_db` / 255 decibels. A sound that is here is decoded, to see that it is still the one that
    was drawn; where it is not, the picture is taken as it is.

    Raises:
        UsageError, RefusedError: as `write`.
        DataError: a picture is missing, damaged, of another size, of another front end or of another sound.
        AudioError: a clip cannot be decoded.
    """
    _require_bounds(spec)
    _, height, width = spec.shape(round(seconds * spec.sample_rate))
    arrays = np.empty((len(clips), height, width), np.float32)
    digests = []
    for index, clip in enumerate(clips):
        grey, clip_digest = _opened(path(folder, clip), spec, seconds)
        if clip.path.is_file() and decode(clip.path).digest != clip_digest:
            raise DataError(f"{path(folder, clip)} was drawn of another sound than {clip.path} is now: {_REMEDY}")
        arrays[index] = _values(grey, spec)
        digests.append(clip_digest)
    return Features(arrays, tuple(digests), np.arange(len(clips)), (0.0,) * len(clips))


def path(folder: Path, clip: Clip) -> Path:
    """Where the picture of a clip lies: its id and `.png`."""
    return folder / f"{clip.id}.png"


def _paint(clip: Clip, spec: LogMelSpec, seconds: float, folder: Path) -> bool:
    """Write a clip's picture unless it is there; whether it was written."""
    sound, target = decode(clip.path), path(folder, clip)
    try:
        if _opened(target, spec, seconds)[1] == sound.digest:
            return False
    except HubbubError:  # missing, damaged, of another front end: made anew
        pass
    length = round(seconds * spec.sample_rate)
    start = next(windows(resampled(clip.path, sound, spec.sample_rate, length), length, None))
    grey = _grey(logmel(start, spec), spec)
    image, png = _pillow()
    text = png.PngInfo()
    text.add_text(_FRONTEND, _frontend(spec, seconds))
    text.add_text(_SAMPLES, sound.digest)
    write_with(target, lambda part: image.fromarray(grey).save(part, pnginfo=text))
    return True


def _opened(picture: Path, spec: LogMelSpec, seconds: float) -> tuple[NDArray[np.uint8], str]:
    """Grey values of a picture, as they lie in the file, and the digest of its clip's samples."""
    if not picture.is_file():
        raise DataError(
            f"no picture at {picture}: write the pictures with `hubbub features pictures DATASET --recipe RECIPE`"
        )
    _, height, width = spec.shape(round(seconds * spec.sample_rate))
    try:
        with _pillow()[0].open(picture) as image:
            mode, size, texts = image.mode, image.size, dict(image.info)
            grey = np.asarray(image) if (mode, size) == ("L", (width, height)) else np.empty(0, np.uint8)
    except Exception as error:  # Pillow raises half a dozen kinds
        raise DataError(f"{picture} is damaged ({error}): {_REMEDY}") from error
    if mode != "L" or _SAMPLES not in texts or _FRONTEND not in texts:
        raise DataError(f"{picture} is not a picture that hubbub wrote: {_REMEDY}")
    if size != (width, height):
        raise DataError(f"{picture} has {size[0]} x {size[1]} pixels, not {width} x {height}: {_REMEDY}")
    if texts[_FRONTEND] != _frontend(spec, seconds):
        raise DataError(f"{picture} was written for another front end or another length: {_REMEDY}")
    return grey, str(texts[_SAMPLES])


def _frontend(spec: LogMelSpec, seconds: float) -> str:
    """Name of all that the decibels depend on; the numbers that they are normalised by may change."""
    decibels = replace(spec, decibels=True, mean=0.0, std=1.0, channels=1)
    return digest(json.dumps([decibels.to_dict(), seconds]))


def _grey(values: Floats, spec: LogMelSpec) -> NDArray[np.uint8]:
    """A network's input (rows, columns) as grey values, the first row at the bottom."""
    decibels = values.astype(np.float64) * spec.std + spec.mean
    grey = np.rint((decibels / spec.range_db + 1) * _WHITE)
    return np.clip(grey, 0, _WHITE).astype(np.uint8)[::-1]


def _values(grey: NDArray[np.uint8], spec: LogMelSpec) -> Floats:
    """The inverse of `_grey`."""
    decibels = (grey[::-1].astype(np.float64) / _WHITE - 1) * spec.range_db
    return ((decibels - spec.mean) / spec.std).astype(np.float32)


def _require_bounds(spec: LogMelSpec) -> None:
    if not spec.range_db:
        raise UsageError(
            "this front end makes no pictures: without range_db its values have no bounds that black and white could "
            "stand for; take a recipe whose frontend has a range_db, such as 80"
        )
    if spec.normalise == "clip":
        raise UsageError(
            "this front end makes no pictures: values normalised by the clip's own mean and deviation have no bounds "
            "that black and white could stand for; take a recipe whose frontend has normalise: fixed"
        )


def _pillow() -> tuple[Any, Any]:
    """Pillow's modules for images and for the text in a PNG."""
    try:
        from PIL import Image, PngImagePlugin
    except ModuleNotFoundError as error:
        raise missing_extra("plot", "a spectrogram as PNG") from error
    return Image, PngImagePlugin
