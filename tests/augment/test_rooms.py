import numpy as np
import pytest

from hubbub.augment.rooms import Room, draw_room, impulse_response

RATE = 16_000


@pytest.mark.parametrize("rt60", [0.3, 0.8, 2.0])
def test_the_sound_dies_away_as_fast_as_was_asked(rt60: float) -> None:
    rng = np.random.default_rng(1)
    response = impulse_response(draw_room(rng, rt60, 2.0), RATE, rng)
    energy = np.cumsum(response[::-1] ** 2)[::-1]  # Schroeder's backward integral, JASA 37, 1965
    decibels = 10 * np.log10(energy / energy[0])
    start, stop = (int(np.argmax(decibels <= level)) for level in (-5, -25))
    assert 3 * (stop - start) / RATE == pytest.approx(rt60, rel=0.2)  # T20


def test_the_direct_sound_comes_first_and_falls_with_the_distance() -> None:
    rng = np.random.default_rng(0)
    near, far = (Room((8, 6, 3), (2, 3, 1.5), (2 + metres, 3, 1.5), 0.5) for metres in (1.0, 4.0))
    assert impulse_response(near, RATE, rng)[0] == pytest.approx(1 / (4 * np.pi), rel=1e-9)
    assert impulse_response(far, RATE, rng)[0] == pytest.approx(1 / (16 * np.pi), rel=1e-9)


def test_the_first_reflection_is_that_of_the_nearest_wall() -> None:
    room = Room((8, 6, 3), (3, 3, 0.5), (5, 3, 0.5), 0.5)  # the floor is half a metre below both
    response = impulse_response(room, RATE, np.random.default_rng(0))
    path = np.hypot(2.0, 1.0)
    assert np.flatnonzero(response)[1] == round((path - 2.0) / 343 * RATE)


def test_the_tail_has_no_seam() -> None:
    rng = np.random.default_rng(3)
    responses = [impulse_response(draw_room(rng, 1.0, 2.0), RATE, rng) for _ in range(40)]
    power = np.mean(np.square(responses), axis=0)
    before, after = (power[start : start + 400].mean() for start in (1280 - 400, 1280))
    assert 10 * np.log10(before / after) == pytest.approx(60 * 400 / RATE / 1.0, abs=2.0)


def test_rooms_stay_inside_their_walls() -> None:
    for seed in range(50):
        room = draw_room(np.random.default_rng(seed), 0.3, 5.0)
        for point in (room.source, room.microphone):
            assert all(0 < value < side for value, side in zip(point, room.sides, strict=True))
