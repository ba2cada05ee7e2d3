"""Sounds of weather, water, fire and animals, made by code. Each takes a `Take`, gives relative samples.

The chapters named are those of Farnell, "Designing Sound"; `synthesis` cites the rest. Where no source is
named, the recipe is our own, drawn from spectrograms of recordings.
"""

import numpy as np

from hubbub.data.synth.synthesis import (
    RATE,
    Samples,
    Take,
    bubble,
    even,
    fading,
    harmonics,
    hissing,
    placed,
    resonant,
    room,
    shaped,
)


def rain(take: Take) -> Samples:
    """Thousands of drops on hard ground, each a click, on the noise of those far away (chapter "Rain")."""
    drops = np.zeros(take.count)
    for _ in range(3):
        at = take.rng.integers(0, take.count, int(take.between(150, 500) * take.seconds))
        drops[at] += take.rng.standard_normal(len(at)) ** 3
    near = resonant(drops, [(take.between(2500, 5000), 2, 1), (take.between(6000, 9000), 2, 0.7)], 0.05)
    far = take.noise(700, 9000, 1) * (1 + 0.05 * take.wander(2))
    return 0.6 * even(near) + take.between(0.4, 0.8) * even(far)


def sea_waves(take: Take) -> Samples:
    """Breakers: noise that swells, opens to high frequencies as the wave breaks, and hisses back over the sand."""
    period = take.between(3.0, 5.0)
    cycle = (take.times / period + take.rng.random()) % 1.0
    swell = np.where(cycle < 0.35, (cycle / 0.35) ** 2, np.exp(-4 * (cycle - 0.35)))
    body = take.noise(60, 600, 1) * (0.35 + swell)
    crest = take.noise(400, 5000, 1) * (0.08 + swell**1.5)
    foam = take.noise(3000, 10000, 1) * np.roll(swell, round(0.12 * period * RATE))
    return even(body) * 0.8 + even(crest) * 0.8 + 0.15 * even(foam)


def wind(take: Take) -> Samples:
    """Gusts: noise that swells, and whistles whose pitch follows the speed of the air (chapter "Wind")."""
    gust = np.clip(0.5 + 0.35 * take.wander(0.4) + 0.08 * take.wander(2), 0.05, 1.5)
    howl = np.zeros(take.count)
    for centre in (take.between(350, 500), take.between(600, 900)):
        howl += hissing(take, centre * (0.6 + 0.6 * gust), take.between(30, 120)) * gust**2
    body = take.noise(40, 400, 1) * gust
    return even(body) + take.between(0.5, 1.0) * even(howl) + 0.01 * take.coloured(-4)


def water_drops(take: Take) -> Samples:
    """Drops into water in a hard room: a faint splash, and bubbles that ring as they rise (van den Doel)."""
    events = []
    for at in take.moments(take.between(2, 4)):
        splash = take.part(0.02)
        click = splash.noise(1500, 9000, 1) * fading(splash.count, 0.008, 0.0003)
        events.append((at, take.between(0.1, 0.4) * even(click)))
        for _ in range(take.rng.integers(1, 4)):
            late = take.between(0.01, 0.1)
            events.append((at + late, bubble(take.between(700, 2800), take.between(0.1, 0.4), take.between(0.2, 1))))
    return even(room(take, placed(take.count, events), take.between(0.3, 0.8), 0.3, 6000)) + 0.002 * take.coloured(-3)


def pouring_water(take: Take) -> Samples:
    """A vessel that fills: hundreds of bubbles, and a resonance that rises with the level (chapter "Pouring")."""
    events = [
        (at, bubble(take.between(700, 5000), take.between(0.05, 0.4), take.between(0.05, 1) ** 1.5))
        for at in take.moments(take.between(300, 500))
    ]
    rise = take.between(400, 700) * (1 + take.times / take.seconds * take.between(0.5, 1.5))
    stream = take.noise(1500, 9000, 1) * (1 + 0.15 * take.wander(10))
    return even(placed(take.count, events)) + 0.2 * even(hissing(take, rise, 200)) + 0.12 * even(stream)


def thunderstorm(take: Take) -> Samples:
    """A crack, the rumble of a long channel heard from many distances, and rain (chapter "Thunder")."""
    start = take.between(0.2, 0.9)
    after = np.maximum(take.times - start, 0)
    began = np.clip((take.times - start) / 0.05, 0, 1)
    rolling = np.exp(-after / take.between(1.5, 3)) * (0.6 + 0.4 * np.clip(take.wander(4), 0, 2))
    cracking = np.exp(-after / take.between(0.15, 0.4)) * np.clip(0.5 + take.wander(15), 0, 2)
    roll = take.noise(25, 150, 1.5) * rolling
    crack = take.noise(150, 3000, 1) * cracking * began
    storm = even(roll) + take.between(0.4, 0.9) * even(crack)
    return storm * began + take.between(0.02, 0.05) * take.noise(800, 8000, 1)


def crackling_fire(take: Take) -> Samples:
    """Crackles, hiss and lapping flames, mixed (chapter "Fire")."""
    events = []
    for at in take.moments(take.between(15, 30)):
        piece = take.part(0.05)
        centre = take.between(1500, 8000)
        snap = piece.noise(centre / 2, centre * 1.6, 1) * fading(piece.count, take.between(0.003, 0.015), 0.0003)
        events.append((at, even(snap) * take.between(0.02, 1)))
    lapping = take.noise(30, 200, 1) * np.clip(0.7 + 0.3 * take.wander(4), 0.1, None)
    hiss = take.noise(1000, 9000, 1) * np.clip(0.7 + 0.2 * take.wander(2), 0.3, None)
    return even(placed(take.count, events)) + 0.1 * even(lapping) + take.between(0.05, 0.08) * even(hiss)


def crickets(take: Take) -> Samples:
    """Chirps of three to five pulses of a nearly pure tone at 4 to 5.2 kHz, by several animals (chapter "Insects")."""
    made = np.zeros(take.count)
    for level in (1.0, *take.rng.uniform(0.05, 0.3, int(take.rng.integers(1, 4)))):
        made += level * _cricket(take)
    return even(made) + 0.02 * take.coloured(-2)


def _cricket(take: Take) -> Samples:
    period, pulse = take.between(0.3, 0.7), take.between(0.016, 0.022)
    number = int(take.rng.integers(3, 6))
    local = (take.times + take.rng.random()) % period
    inside = local < number * pulse * 1.5
    shape = np.clip(np.sin(2 * np.pi * local / (1.5 * pulse)), 0, None) * inside
    tone = harmonics(take.between(4000, 5200), [1, 0.05, 0.02], take.count)
    return np.asarray(tone * shape * (0.6 + 0.4 * local / period))


def chirping_birds(take: Take) -> Samples:
    """Phrases of short sweeps between 2.5 and 6 kHz, repeated with pauses (chapter "Birds")."""
    note = [(take.between(2500, 5500), take.between(2500, 5500), take.between(0.05, 0.15)) for _ in range(4)]
    at, events = take.between(0.02, 0.3), []
    while at < take.seconds:
        for start, stop, length in note[: take.rng.integers(2, 5)]:
            events.append((at, _sweep(start, stop, length) * take.between(0.5, 1)))
            at += length + take.between(0.03, 0.08)
        at += take.between(0.2, 0.7)
    return even(room(take, placed(take.count, events), 0.7, 0.2, 8000)) + 0.01 * take.coloured(-2)


def _sweep(start: float, stop: float, seconds: float) -> Samples:
    count = round(seconds * RATE)
    along = np.linspace(0, 1, count)
    return harmonics(start * (stop / start) ** along, [1, 0.08], count) * np.sin(np.pi * along)


def fireworks(take: Take) -> Samples:
    """Shells that burst at a distance: a thump with a long echo, and crackling stars."""
    events = []
    for at in take.beats(take.between(0.7, 1.4), 0.25, 0.2):
        shell = take.part(1.2)
        boom = shell.noise(40, 400, 1) * fading(shell.count, take.between(0.4, 0.8), 0.002)
        snap = shell.noise(300, 6000, 1) * fading(shell.count, take.between(0.08, 0.2), 0.001)
        events.append((at, take.between(0.4, 1) * (even(boom) + 0.5 * even(snap))))
    stars = np.zeros(take.count)
    at = take.rng.integers(0, take.count, int(60 * take.seconds))
    stars[at] = take.rng.standard_normal(len(at)) ** 3
    crackle = shaped(stars, lambda f: np.exp(-((np.log(np.maximum(f, 1) / 4000)) ** 2)))
    return even(room(take, placed(take.count, events), 2.0, 0.6, 2500)) + 0.2 * even(crackle) + 0.01 * take.coloured(-4)
