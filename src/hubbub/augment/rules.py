"""Published choices of augmentation by what makes a sound: "acoustic", by ESC-50's categories, and "balanced", for all.

The acoustic rules follow how such a source can vary: an animal's call hardly in speed, a voice in pitch and room, a
street in level and distance. What the publication left open, or what did not act there, is stated here:

- Its ambience, at -70 dBFS, was inert. Here it lies 10 to 25 dB under the clip and can be heard.
- Its gain was undone by a front end that scaled every clip to its own peak or deviation; then a gain acts through
  nothing but a background or hiss of fixed level. It acts where `LogMelSpec.absolute` is true, so recipes with these
  rules use such a front end.
- RT60: 0.4 to 1.2 s outdoors (valleys, woods), 0.2 to 0.6 s in rooms.
- Order: as a sound meets them, the source (pitch, speed, time), the room, other sounds, level, what the air dulls.
"""

from hubbub.augment.steps import Step, chain
from hubbub.augment.transform import Choose, Either, Transform

_SNR = (10.0, 25.0)  # dB of a clip over the place that it is put in

#: The steps of each of ESC-50's categories.
ACOUSTIC: dict[str, tuple[Step, ...]] = {
    "animals": (
        Step("pitch", -1, 1, 0.7),
        Step("stretch", 0.9, 1.1, 0.3),
        Step("background", *_SNR, 0.6, "outdoor"),
        Step("gain", 0.6, 1.4, 0.5),
    ),
    "natural": (
        Step("stretch", 0.75, 1.3, 0.7),
        Step("shift", 0.1, 0.2, 0.4),
        Step("reverb", 0.4, 1.2, 0.5),
        Step("gain", 0.5, 1.5, 0.7),
    ),
    "human": (
        Step("pitch", -4, 4, 0.7),
        Step("stretch", 0.85, 1.2, 0.5),
        Step("reverb", 0.2, 0.6, 0.6),
        Step("background", *_SNR, 0.4, "indoor"),
        Step("gain", 0.6, 1.4, 0.6),
    ),
    "interior": (
        Step("pitch", -1, 1, 0.3),
        Step("shift", 0.1, 0.25, 0.5),
        Step("reverb", 0.2, 0.6, 0.7),
        Step("background", *_SNR, 0.6, "indoor"),
        Step("gain", 0.4, 1.3, 0.7),
    ),
    "urban": (
        Step("pitch", -1, 1, 0.3),
        Step("shift", 0.15, 0.3, 0.5),
        Step("background", *_SNR, 0.7, "urban"),
        Step("gain", 0.3, 1.5, 0.8),
        Step("low_pass", 2000, 6000, 0.6),
    ),
}

_SHIFT, _GAIN = Step("shift", 0.1, 0.3), Step("gain", 0.5, 1.5)
#: With probability `OFTEN` two or three of the mild steps are applied, else three or four of the strong ones.
MILD: tuple[Step, ...] = (_SHIFT, Step("stretch", 0.85, 1.15), Step("pitch", -2, 2), _GAIN)
STRONG: tuple[Step, ...] = (_SHIFT, Step("stretch", 0.75, 1.35), Step("pitch", -4, 4), _GAIN)
OFTEN = 0.7


def acoustic(category: str, rate: int, strength: float = 1.0) -> list[Transform]:
    """The rules for one of ESC-50's categories, for samples at `rate` Hz; see `Step.scaled` for `strength`.

    >>> [step.transform.__class__.__name__ for step in acoustic("animals", 44_100)]
    ['PitchShift', 'TimeStretch', 'Background', 'Gain']

    Raises:
        ValueError: there are no rules for that category.
    """
    if category not in ACOUSTIC:
        raise ValueError(f"no acoustic rules for the category {category!r}; known are {', '.join(ACOUSTIC)}")
    return chain([step.scaled(strength) for step in ACOUSTIC[category]], rate)


def balanced(rate: int, strength: float = 1.0) -> list[Transform]:
    """The same for every class: some of shift, stretch, pitch and gain, mostly mild; see `MILD`, `STRONG`, `OFTEN`."""
    mild, strong = (tuple(chain([step.scaled(strength) for step in steps], rate)) for steps in (MILD, STRONG))
    return [Either(Choose(mild, 2, 3), Choose(strong, 3, 4), OFTEN)]
