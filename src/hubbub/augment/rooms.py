"""Impulse responses of shoebox rooms, by images of the source and a tail of noise. Numpy only, in double precision."""

from dataclasses import dataclass

import numpy as np

from hubbub.types import Doubles

SOUND_SPEED = 343.0  #: metres a second
_EARLY = 0.08  # seconds in which each reflection is computed; later they are too dense to tell apart
_SEAM = 0.02


@dataclass(frozen=True)
class Room:
    """A shoebox with one source and one microphone; positions and sides in metres, `rt60` in seconds."""

    sides: tuple[float, float, float]
    source: tuple[float, float, float]
    microphone: tuple[float, float, float]
    rt60: float


def draw_room(rng: np.random.Generator, rt60: float, distance: float) -> Room:
    """A room whose volume suits `rt60`, with source and microphone `distance` metres apart, both off the walls."""
    side = 3.0 + 4.0 * rt60 ** (2 / 3)  # a living room has about 0.4 s, a hall 2 s
    sides = side * rng.uniform([0.9, 0.7, 0.45], [1.2, 1.0, 0.55])
    reach = 0.8 * sides
    distance = min(distance, 0.9 * float(reach.max()))
    while True:
        source = rng.uniform(0.1 * sides, 0.9 * sides)
        direction = rng.standard_normal(3) * [1.0, 1.0, 0.3]
        microphone = source + distance * direction / np.linalg.norm(direction)
        if (microphone > 0.1 * sides).all() and (microphone < 0.9 * sides).all():
            return Room(_triple(sides), _triple(source), _triple(microphone), rt60)


def impulse_response(room: Room, rate: int, rng: np.random.Generator) -> Doubles:
    """Shape (time,), as long as `room.rt60` and at least 80 ms, beginning with the direct sound at sample 0.

    Reflections of the first 80 ms by the image-source method (Allen and Berkley, JASA 65, 1979), each at its nearest
    sample; walls absorb alike, by Eyring's formula for `rt60`. Then Gaussian noise that begins with the power of the
    last 20 ms of reflections and loses 60 dB in `rt60`. The direct sound has amplitude 1 / (4 pi distance).
    """
    sides, source, microphone = (np.array(values) for values in (room.sides, room.source, room.microphone))
    volume = float(sides.prod())
    surface = 2 * float(sides[0] * sides[1] + sides[1] * sides[2] + sides[0] * sides[2])
    absorption = 1 - np.exp(-24 * np.log(10) * volume / (SOUND_SPEED * surface * room.rt60))
    reflection = np.sqrt(1 - absorption)
    direct = float(np.linalg.norm(source - microphone))
    orders = [np.arange(-n, n + 1) for n in np.ceil((direct + SOUND_SPEED * _EARLY) / (2 * sides)).astype(int) + 1]
    positions, bounces = zip(*(_images(*axis) for axis in zip(orders, source, sides, strict=True)), strict=True)
    offsets = [position - own for position, own in zip(positions, microphone, strict=True)]
    distances = np.sqrt(sum(square for square in np.meshgrid(*(offset**2 for offset in offsets), indexing="ij")))
    walls = np.sum(np.meshgrid(*bounces, indexing="ij"), axis=0)
    moments = np.rint((distances - direct) / SOUND_SPEED * rate).astype(int)
    early = round(_EARLY * rate)
    heard = moments < early
    response = np.zeros(max(early, round(room.rt60 * rate)))
    np.add.at(response, moments[heard], reflection ** walls[heard] / (4 * np.pi * distances[heard]))
    seam = round(_SEAM * rate)
    times = (np.arange(len(response) - early) + seam / 2) / rate
    power = np.mean(response[early - seam : early] ** 2) * 10 ** (-6 * times / room.rt60)
    response[early:] = np.sqrt(power) * rng.standard_normal(len(times))
    return response


def _images(orders: Doubles, source: float, side: float) -> tuple[Doubles, Doubles]:
    """Positions of the images along one axis, and how many walls their sound has met."""
    even, odd = 2 * orders * side + source, 2 * orders * side - source
    return np.concatenate([even, odd]), np.concatenate([np.abs(2 * orders), np.abs(2 * orders - 1)])


def _triple(values: Doubles) -> tuple[float, float, float]:
    x, y, z = values.tolist()
    return x, y, z
