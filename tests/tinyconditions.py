"""Predictions under conditions as a pass leaves them, without any pass: for tests of what reads them."""

from typing import Any

import numpy as np

from hubbub.runs.condition_predictions import CLEAN, Condition, ConditionPredictions, Measured

LABELS = ("dog", "rain", "siren")
CONDITIONS: tuple[Condition, ...] = (CLEAN, ("gain", 1), ("gain", 3), ("excerpt", 1), ("excerpt", 2), ("excerpt", 3))
CLIPS = 60


def measured(**changes: Any) -> Measured:
    """Of a cross-validation of two folds."""
    usual: dict[str, Any] = {
        "suite": 1,
        "model": "tiny",
        "digest": "abc",
        "dataset": "esc50",
        "part": "test",
        "temperatures": (0.9, 1.1),
        "known_score": "max_softmax",
        "threshold": None,
        "run": "tiny",
    }
    return Measured(**usual | changes)


def predictions(
    seed: int = 0,
    skill: float = 0.9,
    conditions: tuple[Condition, ...] = CONDITIONS,
    clips: int = CLIPS,
    **changes: Any,
) -> ConditionPredictions:
    """Of clips in two folds, two of each recording; the share that is right falls from `skill` with severity."""
    rng = np.random.default_rng(seed)
    targets = np.arange(clips) % len(LABELS)
    severities = np.array([severity for _, severity in conditions])
    right = rng.random((len(conditions), clips)) < (skill - 0.1 * severities)[:, None]
    named = np.where(right, targets, (targets + 1) % len(LABELS)).astype(np.uint8)
    p_top = rng.uniform(0.4, 1.0, right.shape).astype(np.float16)
    p_true = np.where(right, p_top, (1 - p_top) / 2).astype(np.float16)
    names = tuple(f"{row % 2 + 1}-{1000 + row // 4}-{'AB'[row // 2 % 2]}-{row % 3}.wav" for row in range(clips))
    recordings = tuple(name.split("-")[0] + name.split("-")[1] for name in names)
    shares = (named, p_true, p_top, p_top)
    return ConditionPredictions(
        measured(**changes), names, recordings, LABELS, targets, np.arange(clips) % 2 + 1, conditions, *shares
    )
