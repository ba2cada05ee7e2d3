"""The whole path, from a formula to names, with the built-in model: what it answered when it was shipped."""

import numpy as np
import pytest

import hubbub
from hubbub.listen.classifier import load

RATE = 44_100
GOLDEN_LABELS = ["siren", "door_wood_creaks", "fireworks"]
GOLDEN_SCORE = 0.9887
GOLDEN_EMBEDDING = [-0.6281, 0.2036, 1.1308, -0.0159, -0.2281, 0.1631]
GOLDEN_CLIPS = 1992  # training and validation clips


def siren() -> np.ndarray:
    """Five seconds of a tone that sweeps between 500 and 1,500 Hz every 2 s, with three overtones."""
    time = np.arange(5 * RATE) / RATE
    phase = 2 * np.pi * (1000 * time - 500 * np.cos(np.pi * time) / np.pi)
    return sum(np.sin(order * phase) / order for order in (1, 2, 3, 4)) / 4


def test_the_golden_waveform() -> None:
    answer = hubbub.classify(siren(), rate=RATE, top=3)
    assert [prediction.label for prediction in answer.predictions] == GOLDEN_LABELS
    assert answer.predictions[0].score == pytest.approx(GOLDEN_SCORE, abs=2e-3)
    assert answer.duration == 5.0 and not answer.unknown


def test_the_golden_embedding() -> None:
    embedding = hubbub.embed(siren(), rate=RATE)
    assert embedding.shape == (864,)
    assert embedding[::144] == pytest.approx(np.array(GOLDEN_EMBEDDING), abs=2e-3)


def test_the_model_knows_its_labels_and_what_it_heard() -> None:
    meta = load().meta
    assert len(meta.labels) == 50 and meta.labels[0] == "dog" and meta.labels[49] == "hand_saw"
    assert len(meta.training.clips) == len(meta.training.samples) == GOLDEN_CLIPS
    assert meta.training.has_heard("1-100032-A-0.wav", "100032")
