"""Sounds of things made by code: what is struck, rung, blown or driven. Each takes a `Take`, gives relative samples.

The chapters named are those of Farnell, "Designing Sound"; `synthesis` cites the rest. Where no source is
named, the recipe is our own, drawn from spectrograms of recordings.
"""

import numpy as np

from hubbub.data.synth.synthesis import (
    Samples,
    Take,
    band,
    even,
    fading,
    gate,
    harmonics,
    modes,
    phase,
    placed,
    resonant,
    room,
)


def siren(take: Take) -> Samples:
    """A wailing or yelping siren: a rich tone that sweeps between 550-700 and 1,250-1,600 Hz (chapter "Police").

    Pitch goes up and down as a cosine of log frequency; the horn distorts and resonates, the street echoes.
    """
    period = take.between(2.5, 5.0) if take.chance(0.7) else take.between(0.3, 0.5)
    low, high = take.between(550, 700), take.between(1250, 1600)
    sweep = (1 - np.cos(2 * np.pi * (take.times / period + take.rng.random()))) / 2
    hertz = low * (high / low) ** sweep
    tone = harmonics(hertz, [1, 0.35, 0.45, 0.15, 0.2, 0.08, 0.1], take.count)
    horn = resonant(np.tanh(1.5 * tone), [(900, 1.5, 1), (2400, 2, 0.5)], 0.2)
    street = room(take, even(horn), take.between(0.8, 1.6), take.between(0.4, 0.8), 3000)
    return even(street) + take.between(0.01, 0.03) * take.coloured(-4)


#: partials of a church bell in units of the prime: hum, prime, tierce, quint, nominal, ...
_BELL = np.array([0.5, 1.0, 1.2, 1.5, 2.0, 2.5, 2.67, 3.0, 4.0, 5.33, 6.67, 8.0])


def church_bells(take: Take) -> Samples:
    """Two or three bells struck in turn, each its decaying modes (Rossing and Perrin, "Vibrations of bells", 1987)."""
    period, prime = take.between(0.9, 1.8), take.between(300, 600)
    bells = [_bell(take, prime * ratio) for ratio in (1, 0.75, 0.84)[: take.rng.integers(2, 4)]]
    times = take.beats(period, 0.04, 0.05)
    track = placed(take.count, ((at, bells[i % len(bells)] * take.between(0.6, 1)) for i, at in enumerate(times)))
    return even(room(take, track, 2.5, 0.5, 5000)) + 0.01 * take.coloured(-4)


def _bell(take: Take, prime: float) -> Samples:
    twins = np.concatenate([_BELL, _BELL * (1 + 0.003 * take.rng.standard_normal(len(_BELL)))])  # they beat
    levels = np.tile([0.5, 0.6, 0.8, 0.4, 1, 0.5, 0.5, 0.8, 0.7, 0.5, 0.35, 0.25], 2) * take.rng.uniform(0.5, 1.2, 24)
    rung = modes(prime * twins, take.between(5, 9) / np.sqrt(twins), levels, take.seconds)
    blow = take.part(take.seconds)
    clapper = band(blow.rng.standard_normal(blow.count), 1500, 7000) * fading(blow.count, 0.08)
    return rung + 0.8 * clapper


def clock_alarm(take: Take) -> Samples:
    """An electronic alarm clock: bursts of four short beeps of a rough tone at 1.9 to 3.4 kHz (chapter "Alarms")."""
    hertz, beep = take.between(1900, 3400), take.between(0.05, 0.08)
    starts = [at + i * 2 * beep for at in take.beats(1.0, 0, take.between(0.02, 0.3)) for i in range(4)]
    level = sum((gate(take.times, at, at + beep, 0.002) for at in starts), np.zeros(take.count))
    tone = harmonics(hertz, [1, 0.1, 0.35, 0.05, 0.2, 0, 0.1], take.count) * level
    return even(room(take, tone, 0.25, 0.15)) + 0.003 * take.coloured(-3)


def door_wood_knock(take: Take) -> Samples:
    """Groups of three to five knocks: the modes of a door panel and the click of the knuckles (Cook, chapter 4)."""
    period, panel = take.between(0.16, 0.26), take.between(110, 190)
    ratios = np.array([1, 1.6, 2.3, 3.1, 4.4, 5.9, 7.7, 9.8]) * (1 + 0.04 * take.rng.standard_normal(8))
    events = []
    for start in take.beats(take.between(1.6, 2.6), 0.05, take.between(0.1, 0.4)):
        for i in range(int(take.rng.integers(3, 6))):
            events.append((start + i * period + 0.006 * take.rng.standard_normal(), _knock(take, panel * ratios)))
    return even(room(take, placed(take.count, events), 0.35, 0.3, 3000)) + 0.002 * take.coloured(-5)


def _knock(take: Take, hertz: Samples) -> Samples:
    levels = np.array([1, 0.9, 0.7, 0.6, 0.4, 0.3, 0.2, 0.12]) * take.rng.uniform(0.7, 1.2, 8)
    body = modes(hertz, 0.1 / (hertz / hertz[0]) ** 0.4, levels, 0.3)
    click = take.part(0.3).noise(200, 2000, 1) * fading(len(body), 0.04, 0.0005)
    return (even(body) + 0.9 * even(click)) * take.between(0.6, 1)


def car_horn(take: Take) -> Samples:
    """Honks of two horns a minor third apart: tones of many partials, distorted, and a trumpet's resonances."""
    low = take.between(370, 430)
    levels = [0.6, 0.8, 1, 0.9, 0.8, 0.7, 0.5, 0.45, 0.35, 0.3, 0.2, 0.15, 0.1, 0.08]
    drift = 1 + 0.002 * take.wander(2)
    tone = harmonics(low * drift, levels, take.count) + harmonics(low * 1.2 * drift, levels, take.count)
    at, honks = take.between(0.1, 0.5), np.zeros(take.count)
    while at < take.seconds - 0.3:
        length = take.between(0.2, 1.2)
        honks += gate(take.times, at, at + length, 0.015)
        at += length + take.between(0.15, 1.2)
    blown = resonant(np.tanh(0.5 * tone), [(1200, 1, 1), (2600, 2, 0.6)], 0.2) * honks
    return even(room(take, even(blown), 0.9, 0.35, 4000)) + take.between(0.02, 0.05) * take.coloured(-5)


def vacuum_cleaner(take: Take) -> Samples:
    """A motor's hum, its fan's whine, and the broad noise of the air in the hose (chapter "Motors")."""
    turn = take.between(180, 330) * (1 + 0.002 * take.wander(0.7))
    hum = harmonics(turn, [0.7, 0.4, 0.3, 0.15, 0.1, 0.12, 0.06, 0.05, 0.04], take.count)
    whine = harmonics(turn * int(take.rng.integers(9, 16)), [1, 0.5, 0.2], take.count)
    hose = [(take.between(700, 1200), 1.5, 1), (take.between(2500, 3500), 2, 0.8), (take.between(5500, 7500), 2, 0.7)]
    air = resonant(take.noise(200, 9000, 1), hose, 0.25) * (1 + 0.04 * take.wander(3))
    return even(air) + take.between(0.1, 0.3) * even(hum) + take.between(0.03, 0.12) * even(whine)


def clock_tick(take: Take) -> Samples:
    """The escapement of a clock: pairs of clicks with the modes of a small case (chapter "Clocks")."""
    period = (0.5, 1.0, 0.5, 0.4)[take.rng.integers(4)]
    case = take.between(1500, 3000)
    both = [_tick(take, case), _tick(take, case * take.between(0.85, 1.15))]
    times = take.beats(period, 0.0005, take.between(0.02, 0.2))
    track = placed(take.count, ((at, both[i % 2]) for i, at in enumerate(times)))
    return even(room(take, track, 0.15, 0.2)) + 0.004 * take.coloured(-5)


def _tick(take: Take, case: float) -> Samples:
    burst = take.part(0.12)
    ratios = np.array([0.35, 1, 1.42, 1.9, 2.6, 3.3, 4.2])
    ring = modes(case * ratios, 0.04, take.rng.uniform(0.3, 1, 7), 0.12)
    snap = burst.noise(600, 8000, 1) * fading(burst.count, 0.025, 0.0005)
    once = even(snap) + 0.3 * even(ring)
    return placed(burst.count, [(0, 0.5 * once), (take.between(0.01, 0.025), once)])


def keyboard_typing(take: Take) -> Samples:
    """Keys pressed and let go at typing speed: each a short burst with the plastic's modes."""
    at, events = take.between(0.02, 0.2), []
    while at < take.seconds:
        events += [(at, _key(take, 1.0)), (at + take.between(0.06, 0.11), _key(take, 0.3))]
        at += take.between(0.07, 0.2) if take.chance(0.93) else take.between(0.25, 0.5)
    return even(room(take, placed(take.count, events), 0.2, 0.3, 3000)) + 0.006 * take.coloured(-4)


def _key(take: Take, level: float) -> Samples:
    burst = take.part(0.09)
    click = burst.noise(1200, 6000, 1) * fading(burst.count, take.between(0.02, 0.045), 0.001)
    thud = burst.noise(150, 700, 1) * fading(burst.count, take.between(0.05, 0.08), 0.002)
    return level * take.between(0.3, 1) * (even(click) + take.between(0.3, 0.8) * even(thud))


def mouse_click(take: Take) -> Samples:
    """Clicks of a micro-switch: down, and 0.1 s later up, each milliseconds of high modes (chapter "Switches")."""
    at, events = take.between(0.1, 0.5), []
    while at < take.seconds:
        for start in (at, at + take.between(0.07, 0.13)):
            events.append((start, _switch(take)))
        at += take.between(0.2, 0.9)
    return even(room(take, placed(take.count, events), 0.12, 0.1)) + 0.003 * take.coloured(-3)


def _switch(take: Take) -> Samples:
    burst = take.part(0.03)
    hertz = take.between(2200, 2800) * np.array([0.5, 1, 1.7, 2.3, 3.1])
    snap = burst.noise(2000, 9000, 1) * fading(burst.count, 0.008, 0.0003)
    return take.between(0.5, 1) * (even(snap) + modes(hertz, 0.012, 0.3, 0.03))


def _firing(take: Take, rate: Samples, uneven: float, sharp: float) -> Samples:
    """A row of explosions: a pulse at each turn of `rate` (Hz, one a sample), their heights off by `uneven`."""
    turns = phase(rate, take.count) / (2 * np.pi)
    heights = 1 + uneven * take.rng.standard_normal(int(turns[-1]) + 2)
    return np.asarray(heights[turns.astype(int)] * np.exp(-sharp * (turns % 1)))


def engine(take: Take) -> Samples:
    """A car idling: uneven firing through the pipe's resonances, and the rattle of its parts (chapter "Cars")."""
    rate = take.between(18, 30) * (1 + 0.02 * take.wander(1.5))
    fire = _firing(take, rate, 0.15, take.between(5, 9))
    pipe = take.between(70, 110)
    exhaust = resonant(fire - fire.mean(), [(pipe * k, 4, 1 / k**0.7) for k in (1, 2, 3.1, 4.3, 6)], 0.05)
    rough = take.rng.standard_normal(take.count) * (0.3 + fire)
    rattle = resonant(rough, [(400, 1, 1), (1200, 1, 0.6), (3000, 1, 0.2)])
    return even(exhaust) + take.between(0.2, 0.5) * even(rattle)


def chainsaw(take: Take) -> Samples:
    """A two-stroke engine that is revved: firing at 80 to 180 Hz, driven into distortion, and the rasp of the chain."""
    effort = np.clip(0.5 + 0.5 * take.wander(take.between(0.4, 0.9)), 0, 1.2)
    rate = take.between(80, 105) * (1 + take.between(0.3, 0.6) * effort) * (1 + 0.01 * take.wander(20))
    fire = _firing(take, rate, 0.15, 6)
    rough = take.rng.standard_normal(take.count) * (0.15 + fire)
    buzz = resonant(fire - fire.mean(), [(200, 2, 0.6), (700, 2, 1), (1500, 2, 1), (3000, 2, 0.8)], 0.05)
    rasp = resonant(rough, [(1200, 1, 0.7), (2800, 1.5, 1), (5000, 1.5, 0.7)])
    driven = np.tanh(2 * buzz / buzz.std() + take.between(1, 2) * rasp / rasp.std())
    return band(driven, 80, 7000, 1) * (0.35 + 0.65 * np.clip(effort, 0, 1))


def hand_saw(take: Take) -> Samples:
    """Strokes to and fro: noise cut by the teeth, its colour from the board, the push louder than the pull."""
    stroke = take.between(0.28, 0.42)
    cycle = (take.times / stroke + take.rng.random()) % 2
    speed = np.abs(np.sin(np.pi * cycle)) ** 0.8
    teeth = (1 + np.sin(phase(take.between(90, 160) * (0.3 + speed), take.count))) / 2
    push = np.where(cycle < 1, 1.0, take.between(0.4, 0.7))
    rasp = take.rng.standard_normal(take.count) * speed * push * (0.4 + teeth)
    board = [(take.between(350, 500), 3, 0.8), (take.between(1100, 1600), 2, 1), (take.between(3000, 4500), 1.5, 1)]
    return even(room(take, resonant(rasp, board, 0.1), 0.3, 0.3)) + 0.004 * take.coloured(-3)


def glass_breaking(take: Take) -> Samples:
    """An impact, and shards that ring and fall: modal, of many sizes, thinning out (Cook, chapter 4)."""
    start = take.between(0.1, 0.5)
    blow = take.part(0.4)
    events = [(start, 1.2 * even(blow.noise(500, 12000, 1) * fading(blow.count, 0.25, 0.0005)))]
    for late in take.rng.exponential(take.between(0.2, 0.35), 90):
        events.append((start + late, _shard(take) * np.exp(-1.5 * late)))
    return even(room(take, placed(take.count, events), 0.5, 0.2, 9000)) + 0.002 * take.coloured(-3)


def _shard(take: Take) -> Samples:
    hertz = take.between(1800, 6500) * np.array([1, 1.51, 2.13, 2.74, 3.6]) * take.rng.uniform(0.95, 1.05, 5)
    ring = modes(hertz, take.between(0.08, 0.5), take.rng.uniform(0.2, 1, 5), 0.5)
    return take.between(0.08, 0.5) * ring


def footsteps(take: Take) -> Samples:
    """Steps on a hard floor: heel, then sole, about twice a second (chapter "Footsteps")."""
    period, events = take.between(0.42, 0.62), []
    for at in take.beats(period, 0.012, take.between(0.05, 0.3)):
        events += [(at, _step(take, 1.0)), (at + take.between(0.06, 0.1), _step(take, 0.4))]
    return even(room(take, placed(take.count, events), 0.4, 0.2, 4000)) + 0.006 * take.coloured(-4)


def _step(take: Take, level: float) -> Samples:
    burst = take.part(0.2)
    thump = burst.noise(70, 300, 1) * fading(burst.count, 0.1, 0.002)
    click = burst.noise(1000, 5000, 1) * fading(burst.count, 0.04, 0.001)
    return level * take.between(0.7, 1) * (0.8 * even(thump) + 0.8 * even(click))
