import dataclasses
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import scipy.signal
import soundfile
import torch

import reference
from hubbub.logmel import LogMelSpec, logmel
from hubbub.train.frontend import LogMel

SPEC = LogMelSpec()


def assert_close(ours: torch.Tensor, expected: np.ndarray) -> None:
    assert tuple(ours.shape) == expected.shape and ours.dtype == torch.float32
    error = np.abs(ours.numpy() - expected)
    assert error.max() < 1e-3 and np.median(error) < 5e-5


@pytest.mark.parametrize(("samples", "loudness"), [(514, 0.1), (9599, 1e-6), (9600, 1.0), (9601, 0.1)])
def test_noise_by_the_book(samples: int, loudness: float) -> None:
    waveform = (loudness * np.random.default_rng(samples).standard_normal(samples)).astype(np.float32)
    assert_close(LogMel(SPEC)(torch.from_numpy(waveform)), reference.logmel(waveform))


@pytest.mark.parametrize("window", [200, 201])
def test_another_front_end_by_the_book_and_as_its_twin(window: int) -> None:
    spec = LogMelSpec(16_000, 512, window, 128, 20, 125.0, 7500.0)
    waveform = np.random.default_rng(0).uniform(-1, 1, 4000).astype(np.float32)
    ours = LogMel(spec)(torch.from_numpy(waveform))
    assert_close(ours, reference.logmel(waveform, 16_000, 512, window, 128, 20, 125, 7500))
    assert_close(ours, logmel(waveform, spec))


def test_the_golden_waveform() -> None:
    spectrogram = LogMel(SPEC)(torch.from_numpy(reference.chirp()))
    numbers = [spectrogram[place].item() for place in [(0, 0), (42, 10), (85, 40), (108, 75), (119, 99)]]
    assert numbers == pytest.approx([0.93997, 2.09246, 2.76014, 2.70393, 1.53726], abs=2e-5)  # from reference.py


def test_a_real_clip_by_the_book(esc50_clip: Callable[[str], Path]) -> None:
    samples, rate = soundfile.read(esc50_clip("1-100032-A-0"), dtype="float64")
    waveform = scipy.signal.resample_poly(samples, 32_000, rate).astype(np.float32)
    assert_close(LogMel(SPEC)(torch.from_numpy(waveform)), reference.logmel(waveform))


def test_batches_are_waveforms_side_by_side() -> None:
    waveforms = torch.from_numpy(np.random.default_rng(1).uniform(-1, 1, (1, 3, 2, 3000)).astype(np.float32))
    together = LogMel(SPEC)(waveforms)
    assert together.shape == (1, 3, 2, 128, 10)
    for index in np.ndindex(1, 3, 2):
        assert_close(together[index], LogMel(SPEC)(waveforms[index]).numpy())


@pytest.mark.parametrize(
    "changes",
    [
        {"decibels": True},
        {"range_db": 60.0},
        {"normalise": "clip"},
        {"height": 64},
        {"width": 64},
        {"level_db": 20.0},
        {"decibels": True, "mean": -40.0, "std": 20.0},
        {"range_db": 80.0, "normalise": "clip", "height": 20, "width": 33, "channels": 3, "preemphasis": 0.0},
    ],
)
def test_every_setting_as_its_twin(changes: dict[str, Any]) -> None:
    spec = dataclasses.replace(SPEC, **changes)
    waveforms = np.random.default_rng(2).uniform(-1, 1, (2, 3000)).astype(np.float32) * np.array([[1], [0.01]], "f4")
    ours, theirs = LogMel(spec)(torch.from_numpy(waveforms)), logmel(waveforms, spec)
    assert tuple(ours.shape) == (2, *spec.shape(3000)[1:]) and np.ptp(theirs) > 0.5
    np.testing.assert_allclose(ours, theirs, atol=2e-3)


@pytest.mark.parametrize("changes", [{"normalise": "clip"}, {"range_db": 80.0}, {"level_db": 20.0}])
def test_silence_as_its_twin(changes: dict[str, Any]) -> None:
    spec = dataclasses.replace(SPEC, **changes)
    silence = np.zeros((1, 3000), np.float32)
    np.testing.assert_allclose(LogMel(spec)(torch.from_numpy(silence)), logmel(silence, spec), atol=0.05)


def test_gradients_reach_the_waveform() -> None:
    waveform = torch.from_numpy(reference.chirp()[:2000]).requires_grad_()
    LogMel(SPEC)(waveform).sum().backward()
    assert waveform.grad is not None and waveform.grad.abs().sum() > 0 and waveform.grad.isfinite().all()


def test_it_has_nothing_to_learn_and_nothing_to_save() -> None:
    assert not list(LogMel(SPEC).parameters()) and not LogMel(SPEC).state_dict()


def test_too_short_a_waveform() -> None:
    with pytest.raises(ValueError, match="at least 514 samples, got 513; zero-pad"):
        LogMel(SPEC)(torch.zeros(2, 513))
