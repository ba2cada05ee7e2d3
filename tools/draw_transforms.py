"""Makes docs/transforms/: pictures and sounds of what each augmentation does. Usage: draw_transforms.py [FOLDER]

The same versions of the libraries give the same files, to the byte. No recording is used.
"""

import io
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soundfile
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
from PIL import Image

from hubbub.augment import spectrogram
from hubbub.augment.class_aware import ClassAware
from hubbub.augment.spectrogram import Equalise, Mask, RandomCrop, RepeatOverSilence, Roll
from hubbub.augment.steps import Step
from hubbub.augment.waveform import between_class
from hubbub.data.synth.synthetic import make
from hubbub.logmel import Floats, LogMelSpec, hz_to_mel, logmel

SPEC = LogMelSpec()
SECONDS = 2.5
HERTZ = (200, 1000, 3000, 10_000)
RED, BLUE, GREEN, INK = "#c0392b", "#2c6fbb", "#2e8b57", "#000000"
#: Edges in Hz, and a curve in dB.
MICROPHONE = (3000.0, 200.0, (0.0, 5.0, -6.0, 3.0, 8.0, -2.0, -7.0, 4.0, 6.0, 0.0))


@dataclass(frozen=True)
class Case:
    """One transform of a waveform as shown: the sound, the step, and the parameters that are shown."""

    name: str
    sound: tuple[str, int]
    step: Step
    parameters: Any
    caption: str


CASES = (
    Case("stretch", ("door_wood_knock", 26), Step("stretch", 1, 1), 1.3, "1.3 times as fast"),
    Case("pitch", ("siren", 31), Step("pitch", 0, 0), 4.0, "4 semitones higher"),
    Case("gain", ("water_drops", 14), Step("gain", 1, 1), 0.3, "gain 0.3"),
    Case("shift", ("door_wood_knock", 26), Step("shift", 0, 0), 0.3, "30 % later"),
    Case("noise", ("siren", 31), Step("noise", 0, 0), (15.0, 1), "noise at 15 dB"),
    Case("hiss", ("chirping_birds", 21), Step("hiss", 0, 0), (0.005, 1), "hiss of 0.005"),
    Case("reverb", ("door_wood_knock", 26), Step("reverb", 0, 0), (1.0, 1), "RT60 1.0 s"),
    Case("low_pass", ("glass_breaking", 0), Step("low_pass", 100, 100), (2000.0, 0.8), "2 kHz, blend 0.8"),
    Case("outdoor", ("chirping_birds", 21), Step("background", 0, 0), (10.0, 8), "outdoor at 10 dB"),
    Case("indoor", ("clock_tick", 5), Step("background", 0, 0, 1, "indoor"), (10.0, 3), "indoor at 10 dB"),
    Case("urban", ("car_horn", 37), Step("background", 0, 0, 1, "urban"), (10.0, 3), "urban at 10 dB"),
    Case("coloured_noise", ("siren", 31), Step("coloured_noise", 0, 0), (5.0, 1.0, 1), "pink noise at 5 dB"),
    Case("microphone", ("chirping_birds", 21), Step("microphone", 3000, 3000), MICROPHONE, "200 Hz to 3 kHz"),
    Case("clipping", ("siren", 31), Step("clipping", 20, 20), 20.0, "20 dB cut off"),
    Case("excerpt", ("door_wood_knock", 26), Step("excerpt", 0.6, 0.6), (0.6, 0.3, False), "0.6 s of it"),
    Case("speed", ("car_horn", 37), Step("speed", 1.3, 1.3), 1.3, "1.3 times as fast"),
)


def main(folder: Path) -> None:
    """Write all pictures and sounds into `folder`."""
    folder.mkdir(parents=True, exist_ok=True)
    for case in CASES:
        before = sound(*case.sound)
        after = case.step.transform(SPEC.sample_rate).apply(before, case.parameters)
        pair(folder / f"{case.name}.png", logmel(before, SPEC), logmel(after, SPEC), case.sound[0], case.caption)
        write_ogg(folder / f"{case.sound[0]}.ogg", before)
        write_ogg(folder / f"{case.name}.ogg", after)
    draw_mixtures(folder)
    draw_of_spectrograms(folder)
    draw_class_aware(folder)


def sound(label: str, seed: int) -> Floats:
    """A sound made by code, `SECONDS` long."""
    return make(label, seed, SPEC.sample_rate, SECONDS)


def draw_mixtures(folder: Path) -> None:
    """Two clips between classes (heard, too), and the same two by mixup."""
    first, second = sound("siren", 31), sound("water_drops", 14)
    mixed = between_class(first, second, 0.5, SPEC.sample_rate)
    write_ogg(folder / "between_class.ogg", mixed)
    siren, drops = logmel(first, SPEC), logmel(second, SPEC)
    blended = spectrogram.mixup(siren, drops, 0.5)
    panels = [
        (siren, "siren"),
        (drops, "water_drops"),
        (logmel(mixed, SPEC), "between_class, 0.5"),
        (blended, "mixup, 0.5"),
    ]
    draw(folder / "mixing.png", panels)


def draw_of_spectrograms(folder: Path) -> None:
    """The transforms of log-mel, all of one sound that ends in digital silence."""
    samples = sound("chirping_birds", 21)
    samples[round(1.7 * SPEC.sample_rate) :] = 0
    array = logmel(samples, SPEC)
    cases: list[tuple[Any, Any, str]] = [
        (Roll(), 0.3, "Roll, 0.3"),
        (RepeatOverSilence(SPEC), True, "RepeatOverSilence"),
        (Equalise(SPEC), (8.0, 0.0, -8.0), "Equalise, 8, 0, -8 dB"),
        (Mask(), (16, 0.5, 40, 0.2), "Mask, 16 bands, 40 frames"),
        (RandomCrop(125), 0.1, "RandomCrop, 125 frames"),
    ]
    panels = [(array, "before")] + [(transform.apply(array, drawn), name) for transform, drawn, name in cases]
    draw(folder / "spectrogram.png", panels, columns=3)


def pair(path: Path, before: Floats, after: Floats, name: str, caption: str) -> None:
    """Before and after, side by side."""
    draw(path, [(before, f"before: {name}"), (after, f"after: {caption}")])


def draw(path: Path, panels: list[tuple[Floats, str]], columns: int = 2) -> None:
    """Log-mel pictures on one scale of colours and one of time."""
    rows = -(-len(panels) // columns)
    figure = Figure(figsize=(3.9 * columns, 1.95 * rows), dpi=110, layout="constrained")
    grid = figure.subplots(rows, columns, sharex=True, sharey=True, squeeze=False)
    low, high = np.percentile(panels[0][0], 2), max(np.percentile(panel, 99.8) for panel, _ in panels)
    for index, (axes, (panel, title)) in enumerate(zip(grid.flat, panels, strict=True)):
        extent = (0, panel.shape[1] * SPEC.hop_length / SPEC.sample_rate, 0, SPEC.n_mels)
        axes.imshow(panel, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)
        axes.set_title(title, loc="left", fontsize=9, color=INK)
        axes.set_xlim(0, SECONDS)
        axes.set_yticks([row_of(hertz) for hertz in HERTZ], [f"{hertz / 1000:g}" for hertz in HERTZ])
        axes.tick_params(labelsize=7, color=INK, labelcolor=INK)
        if index >= len(panels) - columns:
            axes.set_xlabel("seconds", fontsize=7, color=INK)
        if index % columns == 0:
            axes.set_ylabel("kHz", fontsize=7, color=INK)
        for side in axes.spines.values():
            side.set_visible(False)
    write_png(path, figure)


def draw_class_aware(folder: Path) -> None:
    """What strength a recall aims at, and how three made-up classes come to theirs."""
    rule = ClassAware()
    figure = Figure(figsize=(7.8, 2.4), dpi=110, layout="constrained")
    aims, course = figure.subplots(1, 2, sharey=True)
    aims.plot([0, 1], [rule.most, rule.least], color=INK)
    aims.set(
        xlabel="recall on the class's validation clips", ylabel="strength of its rules", xlim=(0, 1), ylim=(0, 1.6)
    )
    epochs, rng = 20, np.random.default_rng(4)
    final = np.array([0.95, 0.7, 0.35])
    strengths = [rule.start(3)]
    for epoch in range(epochs):
        learned = final * (1 - np.exp(-(epoch + 1) / 5))
        strengths.append(rule.update(strengths[-1], rng.binomial(8, learned) / 8))
    for column, colour, name in zip(
        np.array(strengths).T, (GREEN, BLUE, RED), ("easy", "middling", "hard"), strict=True
    ):
        course.plot(column, color=colour)
        course.text(epochs + 0.4, column[-1], f"{name} class", color=colour, va="center", fontsize=8)
    course.axhline(1, color=INK, linewidth=0.6, linestyle=":")
    course.set(xlabel="epoch (made-up recalls of 8 clips a class)", xlim=(0, epochs + 6))
    for axes in (aims, course):
        axes.tick_params(labelsize=7)
        axes.xaxis.label.set_size(8)
        axes.yaxis.label.set_size(8)
        axes.spines[["top", "right"]].set_visible(False)
    write_png(folder / "class_aware.png", figure)


def row_of(hertz: float) -> float:
    """Where a frequency lies among the mel bands."""
    low, high = hz_to_mel(SPEC.fmin), hz_to_mel(SPEC.fmax)
    return float((hz_to_mel(hertz) - low) / (high - low) * (SPEC.n_mels + 1) - 0.5)


def write_png(path: Path, figure: Figure) -> None:
    """A small picture: at most 48 colours, no metadata."""
    canvas = FigureCanvasAgg(figure)
    canvas.draw()
    picture = Image.fromarray(np.asarray(canvas.buffer_rgba())).convert("RGB")
    picture.quantize(48, dither=Image.Dither.NONE).save(path, optimize=True)


def write_ogg(path: Path, samples: Floats) -> None:
    """Ogg Vorbis, mono; what is beyond full scale is limited to it."""
    buffer = io.BytesIO()
    soundfile.write(
        buffer, np.clip(samples, -1, 1), SPEC.sample_rate, format="OGG", subtype="VORBIS", compression_level=0.9
    )
    path.write_bytes(of_serial_one(buffer.getvalue()))


def of_serial_one(stream: bytes) -> bytes:
    """An Ogg stream under serial number 1 instead of a random one, with its pages' checksums made anew (RFC 3533)."""
    pages, start = [], 0
    while start < len(stream):
        segments = stream[start + 26]
        size = 27 + segments + sum(stream[start + 27 : start + 27 + segments])
        page = bytearray(stream[start : start + size])
        page[14:18], page[22:26] = (1).to_bytes(4, "little"), bytes(4)
        page[22:26] = checksum(page).to_bytes(4, "little")
        pages.append(bytes(page))
        start += size
    return b"".join(pages)


def checksum(page: bytes | bytearray) -> int:
    """Ogg's cyclic redundancy check: polynomial 0x04c11db7, from 0, not reflected."""
    register = 0
    for byte in page:
        register ^= byte << 24
        for _ in range(8):
            register = (register << 1 ^ 0x04C11DB7 if register & 0x80000000 else register << 1) & 0xFFFFFFFF
    return register


if __name__ == "__main__":
    main(Path(sys.argv[1]) if len(sys.argv) > 1 else Path(__file__).parent.parent / "docs" / "transforms")
