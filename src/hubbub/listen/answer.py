"""What a listener says: the one schema of the command line, Python, the service and the app."""

import html
from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """A label and its score in [0, 1]; the scores of all labels of an answer sum to 1."""

    label: str
    score: float


@dataclass(frozen=True, repr=False)
class Answer:
    """What was heard in one sound.

    Attributes:
        duration: seconds of sound that were heard.
        predictions: the likeliest labels, best first.
        unknown: the sound is silent, or `known_score` is under the model's threshold.
        known_score: in [0, 1], higher for sounds like those that the model knows.
        path: the file, if it was one.
        warnings: what to know of the sound, such as that its file is cut off; a line each.
    """

    duration: float
    predictions: tuple[Prediction, ...]
    unknown: bool
    known_score: float
    path: str | None = None
    warnings: tuple[str, ...] = ()

    @property
    def label(self) -> str | None:
        """The likeliest label; None for an unknown sound, whose nearest labels `predictions` has all the same."""
        return None if self.unknown else self.predictions[0].label

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; scores are rounded to six digits."""
        path = {} if self.path is None else {"path": self.path}
        return path | {
            "duration": round(self.duration, 3),
            "label": self.label,
            "predictions": [{"label": p.label, "score": round(p.score, 6)} for p in self.predictions],
            "unknown": self.unknown,
            "known_score": round(self.known_score, 6),
            "warnings": list(self.warnings),
        }

    def __repr__(self) -> str:
        notes = "".join(f"; {line}" for line in self.warnings)
        return f"<Answer label={self.label!r}: {self}{notes}>"

    def __str__(self) -> str:
        names = ", ".join(f"{p.label} {p.score:.0%}" for p in self.predictions)
        return f"unknown (nearest: {names})" if self.unknown else names

    def _repr_html_(self) -> str:
        style = " style='opacity:0.6'" if self.unknown else ""
        rows = "".join(
            f"<tr{style}><td style='text-align:left'>{html.escape(p.label)}</td>"
            f"<td style='text-align:right'>{p.score:.1%}</td>"
            "<td style='text-align:left'><div style='width:12em;background:#8883'>"
            f"<div style='width:{100 * p.score:.1f}%;background:#0072b2'>&nbsp;</div></div></td></tr>"
            for p in self.predictions
        )
        verdict = (
            "<b>unknown</b>; the nearest names" if self.unknown else f"<b>{html.escape(self.predictions[0].label)}</b>"
        )
        notes = "".join(f"<br>{html.escape(line)}" for line in self.warnings)
        caption = f"{html.escape(self.path or 'sound')} ({self.duration:.1f} s): {verdict}{notes}"
        return f"<table><caption>{caption}</caption>{rows}</table>"
