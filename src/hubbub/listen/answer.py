"""What a listener says: the one schema of the command line, Python, the service and the app."""

import html
from dataclasses import asdict, dataclass
from typing import Any


@dataclass(frozen=True)
class Prediction:
    """A label and its score in [0, 1]; the scores of all labels of an answer sum to 1."""

    label: str
    score: float


@dataclass(frozen=True)
class Answer:
    """What was heard in one sound.

    Attributes:
        duration: seconds of sound that were heard.
        predictions: the likeliest labels, best first.
        unknown: the sound is digital silence, or `known_score` is under the model's threshold.
        known_score: in [0, 1], higher for sounds like those that the model knows.
        path: the file, if it was one.
    """

    duration: float
    predictions: tuple[Prediction, ...]
    unknown: bool
    known_score: float
    path: str | None = None

    @property
    def label(self) -> str:
        """The likeliest label, whether or not the sound counts as known."""
        return self.predictions[0].label

    def to_dict(self) -> dict[str, Any]:
        """As plain values for JSON; scores are rounded to six digits."""
        answer = asdict(self)
        path = answer.pop("path")
        answer["duration"] = round(self.duration, 3)
        answer["known_score"] = round(self.known_score, 6)
        answer["predictions"] = [{"label": p.label, "score": round(p.score, 6)} for p in self.predictions]
        return ({"path": path} if path is not None else {}) | answer

    def __str__(self) -> str:
        names = ", ".join(f"{p.label} {p.score:.0%}" for p in self.predictions)
        return f"unknown (nearest: {names})" if self.unknown else names

    def _repr_html_(self) -> str:
        rows = "".join(
            f"<tr><td style='text-align:left'>{html.escape(p.label)}</td>"
            f"<td style='text-align:right'>{p.score:.1%}</td>"
            "<td style='text-align:left'><div style='width:12em;background:#8883'>"
            f"<div style='width:{100 * p.score:.1f}%;background:#0072b2'>&nbsp;</div></div></td></tr>"
            for p in self.predictions
        )
        title = html.escape(self.path or "sound")
        verdict = "unknown sound; nearest names" if self.unknown else "heard"
        return f"<table><caption>{title} ({self.duration:.1f} s): {verdict}</caption>{rows}</table>"
