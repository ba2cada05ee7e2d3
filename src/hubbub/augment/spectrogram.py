"""Augmentations of log-mel spectrograms, shape (mels, frames), as `hubbub.logmel` gives them.

All but `RandomCrop` keep the number of frames, and all but `mixup` keep the label.
"""

from dataclasses import dataclass

import numpy as np

from hubbub.logmel import LogMelSpec
from hubbub.types import Floats


@dataclass(frozen=True)
class Roll:
    """Rotates the clip in time by any amount: what leaves at the end comes in at the start."""

    def draw(self, rng: np.random.Generator) -> float:
        """Share of the clip's length, 0 to 1."""
        return float(rng.random())

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class."""
        return np.roll(array, round(parameters * array.shape[-1]), axis=-1)

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"rolled by {parameters:.0%}"


@dataclass(frozen=True)
class Equalise:
    """Louder or softer, and a tilt: one gain for all bands within ±`gain_db`, and a curve over the mel axis drawn
    through three points within ±`tilt_db`, as other microphones and rooms would give.

    Applied to the power before the logarithm, so that the floor stays where it is and silence stays silent.
    """

    spec: LogMelSpec
    gain_db: float = 8.0
    tilt_db: float = 4.0

    def draw(self, rng: np.random.Generator) -> tuple[float, float, float]:
        """Gain in decibels of the lowest, the middle and the highest band."""
        low, middle, high = rng.uniform(-self.gain_db, self.gain_db) + rng.uniform(-self.tilt_db, self.tilt_db, 3)
        return float(low), float(middle), float(high)

    def apply(self, array: Floats, parameters: tuple[float, float, float]) -> Floats:
        """See class."""
        bands = np.linspace(0.0, 2.0, array.shape[0])
        gain = np.float32(10.0) ** (np.interp(bands, [0.0, 1.0, 2.0], parameters) / 10).astype(np.float32)
        mean, std, floor = (np.float32(value) for value in (self.spec.mean, self.spec.std, self.spec.floor))
        power = np.maximum(np.exp(array * std + mean) - floor, 0.0)
        return np.asarray((np.log(power * gain[:, None] + floor) - mean) / std, dtype=np.float32)

    def describe(self, parameters: tuple[float, float, float]) -> str:
        """See `Transform`."""
        return "low/middle/high " + "/".join(f"{gain:+.0f}" for gain in parameters) + " dB"


@dataclass(frozen=True)
class RepeatOverSilence:
    """With `probability`, fills the digital silence at the end of a clip with repetitions of what was heard.

    ESC-50 pads short recordings with zeros, so that a network may learn the padding instead of the sound.
    """

    spec: LogMelSpec
    probability: float = 0.5

    def draw(self, rng: np.random.Generator) -> bool:
        """Whether to fill."""
        return bool(rng.random() < self.probability)

    def apply(self, array: Floats, parameters: bool) -> Floats:
        """See class. A clip that is silent throughout, or not silent at its end, is left as it is."""
        floor = (np.log(self.spec.floor) - self.spec.mean) / self.spec.std
        audible = np.flatnonzero(array.max(0) > floor + 1e-3)
        if not parameters or not len(audible) or audible[-1] + 1 == array.shape[-1]:
            return array
        return array[:, np.arange(array.shape[-1]) % (audible[-1] + 1)]

    def describe(self, parameters: bool) -> str:
        """See `Transform`."""
        return "silence at the end filled" if parameters else ""


@dataclass(frozen=True)
class Mask:
    """SpecAugment's masking (Park et al., Interspeech 2019): up to `bands` neighbouring mel bands and up to `frames`
    neighbouring frames are set to the clip's mean.
    """

    bands: int = 16
    frames: int = 50

    def draw(self, rng: np.random.Generator) -> tuple[int, float, int, float]:
        """Width and place (share of what is left) of the mask over bands, then over frames."""
        return int(rng.integers(self.bands + 1)), rng.random(), int(rng.integers(self.frames + 1)), rng.random()

    def apply(self, array: Floats, parameters: tuple[int, float, int, float]) -> Floats:
        """See class."""
        bands, band, frames, frame = parameters
        bands, frames = min(bands, array.shape[0]), min(frames, array.shape[1])
        masked = array.copy()
        low, start = round(band * (array.shape[0] - bands)), round(frame * (array.shape[1] - frames))
        masked[low : low + bands] = masked[:, start : start + frames] = array.mean()
        return masked

    def describe(self, parameters: tuple[int, float, int, float]) -> str:
        """See `Transform`."""
        return f"{parameters[0]} bands and {parameters[2]} frames masked"


@dataclass(frozen=True)
class RandomCrop:
    """Cuts out `frames` neighbouring frames at a random place. Changes the length: to `frames`, whatever it was.

    A clip that is shorter is repeated from its beginning. Networks that see crops in training hear whole clips later.
    """

    frames: int

    def __post_init__(self) -> None:
        if self.frames < 1:
            raise ValueError(f"a crop needs at least one frame, got {self.frames}")

    def draw(self, rng: np.random.Generator) -> float:
        """Place, as a share of what is left, 0 to 1."""
        return float(rng.random())

    def apply(self, array: Floats, parameters: float) -> Floats:
        """See class."""
        start = round(parameters * max(array.shape[-1] - self.frames, 0))
        return array[..., (start + np.arange(self.frames)) % array.shape[-1]]

    def describe(self, parameters: float) -> str:
        """See `Transform`."""
        return f"{self.frames} frames, cut out at {parameters:.0%} of the rest"


def mixup(first: Floats, second: Floats, share: float) -> Floats:
    """Two spectrograms as one, ``share * first + (1 - share) * second`` (Zhang et al., ICLR 2018). Keeps the length.

    The label changes: it is ``share`` of the first's and ``1 - share`` of the second's. The paper draws the share from
    Beta(α, α), α in 0.1 to 0.4. `hubbub.augment.waveform.between_class` mixes what is heard instead.

    Raises:
        ValueError: the shapes differ, or share is not in 0..1.
    """
    if first.shape != second.shape or not 0 <= share <= 1:
        raise ValueError(f"cannot mix shapes {first.shape} and {second.shape} with share {share}: want equal, and 0..1")
    return np.asarray(np.float32(share) * first + np.float32(1 - share) * second, np.float32)
