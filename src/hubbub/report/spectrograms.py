"""Pictures of sounds: one as it is, what a network is shown of it, and a scene with names over its stretches."""

import textwrap
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import scipy.signal

from hubbub.features.mfcc import mfcc
from hubbub.logmel import LEAST_STD, Floats, LogMelSpec, logmel
from hubbub.report.figures import figure, name_of
from hubbub.web.images import mel_place

_HERTZ = (100, 500, 1000, 2000, 5000, 10_000, 20_000)
_FFT, _HOP = 2048, 512  # samples of a spectrogram of one sound
_WRAP = 36  # characters of a line over a view
_ROWS = 2  # names stand on two heights, so that neighbours do not touch


class Stretch(NamedTuple):
    """A part of a scene, in seconds, the name that was given to it, and whether it is the right one."""

    start: float
    end: float
    name: str
    right: bool


def mel_axis(axes: Any, spec: LogMelSpec) -> None:
    """Kilohertz on the vertical axis of a log-mel that is drawn from 0 to `spec.n_mels`, whatever its rows."""
    ticks = [hertz for hertz in _HERTZ if spec.fmin <= hertz <= spec.fmax]
    axes.set_yticks([spec.n_mels * mel_place(hertz, spec) for hertz in ticks], [f"{hertz / 1000:g}" for hertz in ticks])
    axes.set_ylabel("frequency [kHz]")


def draw_scene(path: Path, samples: Floats, spec: LogMelSpec, stretches: Sequence[Stretch], title: str) -> None:
    """Draw a scene into a picture file, whole or not at all.

    Args:
        path: of the picture; its suffix chooses the format.
        samples: of shape (time,) at `spec.sample_rate`.
        spec: of the log-mel.
        stretches: which name was given where.
        title: over the picture.

    Raises RefusedError if matplotlib is not installed, UsageError for a suffix that it does not know.
    """
    with figure(path, 12, 4.2) as drawing:
        axes = drawing.subplots()
        picture = logmel(samples, spec)
        _image(axes, picture, len(samples), spec, *np.percentile(picture, [2, 99.8]))
        for index, stretch in enumerate(stretches):
            axes.axvline(stretch.end, color="white", linewidth=1.2)
            axes.text(
                (stretch.start + stretch.end) / 2,
                spec.n_mels * (1.03 + 0.075 * (index % _ROWS)),
                name_of(stretch.name) + ("" if stretch.right else " ✗"),
                color="#006d4e" if stretch.right else "#b3261e",
                ha="center",
                va="bottom",
                fontsize=11,
                fontweight="bold",
            )
        mel_axis(axes, spec)
        axes.set_title(title, loc="left", pad=44, fontsize=12)


def draw_sound(path: Path, samples: Floats, rate: int, title: str, coefficients: int = 0) -> None:
    """Draw a sound's waveform and its spectrogram over seconds and hertz, whole or not at all.

    Args:
        path: of the picture; its suffix chooses the format.
        samples: shape (time,).
        rate: of the samples, in Hz.
        title: over the picture.
        coefficients: how many mel-frequency cepstral coefficients are drawn below; 0 for none.

    Raises RefusedError if matplotlib is not installed, UsageError for a suffix that it does not know.
    """
    heights = [1, 2.4, 1.4][: 3 if coefficients else 2]
    padded = np.pad(samples, (0, max(0, _FFT - len(samples))))
    stft = scipy.signal.ShortTimeFFT(scipy.signal.get_window("hann", _FFT), _HOP, rate, mfft=_FFT)
    decibels = 20 * np.log10(np.maximum(np.abs(stft.stft(padded, p0=0, p1=1 + len(padded) // _HOP)), 1e-10))
    with figure(path, 9, 1.2 + 1.35 * sum(heights)) as drawing:
        panels = drawing.subplots(len(heights), 1, sharex=True, height_ratios=heights)
        panels[0].plot(np.arange(len(samples)) / rate, samples, color="#1f5f8b", linewidth=0.6)
        panels[0].set_ylabel("amplitude")
        extent = (0, len(padded) / rate, 0, rate / 2)
        loudest = max(decibels.max(), -100.0)
        image = panels[1].imshow(
            decibels, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=loudest - 80, vmax=loudest
        )
        panels[1].set_ylabel("frequency [Hz]")
        panels[1].yaxis.set_major_formatter(lambda hertz, _: f"{hertz:,.0f}")
        drawing.colorbar(image, ax=panels[1], label="magnitude [dB]", pad=0.012, aspect=18)
        if coefficients:
            cepstrum = mfcc(padded, rate, coefficients)
            rows = (0, len(padded) / rate, -0.5, coefficients - 0.5)
            low, high = np.percentile(cepstrum[1:] if coefficients > 1 else cepstrum, [1, 99])  # the first is the level
            panels[2].yaxis.get_major_locator().set_params(integer=True)
            image = panels[2].imshow(cepstrum, origin="lower", aspect="auto", extent=rows, vmin=low, vmax=high)
            image.set_interpolation("nearest")
            panels[2].set_ylabel("MFCC")
            drawing.colorbar(image, ax=panels[2], label="value", pad=0.012, aspect=11, extend="both")
        panels[0].set_xlim(0, len(samples) / rate)
        panels[-1].set_xlabel("time [s]")
        drawing.suptitle(title, x=0.01, ha="left", fontsize=12)


def draw_views(path: Path, views: Sequence[tuple[str, Floats]], sound: Floats, spec: LogMelSpec, title: str) -> None:
    """Draw network inputs side by side on one scale, without their normalisation, whole or not at all.

    Args:
        path: of the picture; its suffix chooses the format.
        views: names and network inputs (rows, columns), from left to right.
        sound: the clip as it is, shape (time,) at `spec.sample_rate`; it gives the scale.
        spec: of the inputs.
        title: over the picture.

    Raises RefusedError if matplotlib is not installed, UsageError for a suffix that it does not know.
    """
    mean, std = scale(sound, spec)
    low, high = (-spec.range_db, 0.0) if spec.range_db else np.percentile(logmel(sound, spec) * std + mean, [1, 99.9])
    unit = "dB relative to the loudest point" if spec.range_db else "power [dB]" if spec.decibels else "ln power"
    with figure(path, max(6.5, 3.3 * len(views) + 1.6), 4.2) as drawing:
        panels = drawing.subplots(1, len(views), sharey=True, squeeze=False)[0]
        for axes, (name, array) in zip(panels, views, strict=True):
            image = _image(axes, array * std + mean, len(sound), spec, low, high)
            image.set_interpolation("nearest")
            axes.set_title(textwrap.fill(name, _WRAP), fontsize=10)
        mel_axis(panels[0], spec)
        drawing.colorbar(image, ax=panels, label=unit, pad=0.012, aspect=28)
        drawing.suptitle(title, x=0.01, ha="left", fontsize=12)


def scale(sound: Floats, spec: LogMelSpec) -> tuple[float, float]:
    """The mean and the deviation by which the network's input of a sound was normalised, its own or the fixed ones."""
    if spec.normalise == "fixed":
        return spec.mean, spec.std
    plain = logmel(sound, replace(spec, normalise="fixed", mean=0.0, std=1.0, height=0, width=0))
    return float(plain.mean()), max(float(plain.std()), LEAST_STD)


def describe(spec: LogMelSpec, seconds: float) -> str:
    """The front end in a few words.

    >>> describe(LogMelSpec(), 5.0)
    '32 kHz, 128 mels, 500 x 128 input'
    """
    _, height, width = spec.shape(round(seconds * spec.sample_rate))
    return f"{spec.sample_rate / 1000:g} kHz, {spec.n_mels} mels, {width} x {height} input"


def _image(axes: Any, picture: Floats, length: int, spec: LogMelSpec, low: float, high: float) -> Any:
    """A log-mel, shape (rows, columns), of that many samples, over seconds and mel bands."""
    axes.set_xlabel("time [s]")
    extent = (0, length / spec.sample_rate, 0, spec.n_mels)
    return axes.imshow(picture, origin="lower", aspect="auto", extent=extent, cmap="magma", vmin=low, vmax=high)
