"""Why a model names a clip so: occlusion maps of chosen clips, for the page of a run."""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hubbub import audio
from hubbub.audio import Floats
from hubbub.data.dataset import Clip
from hubbub.errors import AudioError, UsageError
from hubbub.listen.classifier import Classifier
from hubbub.report import occlusion_view
from hubbub.report.playlist import Shelf, Track
from hubbub.runs.analysis import RunAnalysis
from hubbub.studies import contamination
from hubbub.studies.occlusion import Occlusion, occlude

USUAL = 6  #: clips, where none are chosen: the most confident mistakes
_SECONDS = 60  # of a longer sound, that are searched for the class


def model_of(run: Path, given: Path | None) -> Path | None:
    """The model file to ask: the one that was given, else the one in the run's folder, else none."""
    own = run / "model.onnx"
    return given or (own if own.is_file() else None)


def chosen(found: RunAnalysis, shelf: Shelf, named: Sequence[str]) -> list[Clip]:
    """The clips to explain: those `named`, else the most confident mistakes that are on this machine.

    Raises UsageError for a name that the dataset does not have.
    """
    if unknown := [name for name in named if name not in shelf.clips]:
        where = f"{shelf.dataset} is not on this machine" if shelf.problem else f"{shelf.dataset} has no such clip"
        raise UsageError(f"{unknown[0]!r} cannot be explained: {where}; give the id of a clip, or --dataset")
    kept = found.predictions
    mistakes = (kept.clips[row] for row in found.ranked[: found.wrong])
    return [shelf.clips[name] for name in named or islice((name for name in mistakes if name in shelf.clips), USUAL)]


def explain(
    classifier: Classifier, found: RunAnalysis, clips: Sequence[Clip], track: Track = iter
) -> list[dict[str, Any]]:
    """What the page shows of each clip: what it is, what the run and the model say, and the maps.

    There is a map for the class that the model names, for the true one, and for the one that the run named, as far as
    the model knows them. A clip that does not decode is left out.
    """
    record = classifier.meta.training
    known = contamination.compare(record, clips, contamination.match_names(record, clips)).matches
    kept = found.predictions
    place = {name: row for row, name in enumerate(kept.clips)}
    shown = []
    for clip in track(clips):
        try:
            samples, rate = _beginning(clip.path)
        except AudioError:
            continue
        row = place.get(clip.id)
        named = None if row is None else kept.classes[kept.predicted[row]]
        first = occlude(classifier, samples, rate)
        others = [label for label in dict.fromkeys([clip.label, named]) if label in classifier.labels]
        maps = [first, *(occlude(classifier, samples, rate, label) for label in others if label != first.label)]
        shown.append(
            {
                "clip": clip.id,
                "is": _plain(clip.label),
                "named": named and _plain(named),
                "at": None if row is None else float(found.confidence[row]),
                "heard": ", ".join(contamination.MATCH_NAMES[kind] for kind in known.get(clip.id, ())),
                "maps": [_map(one) for one in maps],
            }
        )
    return shown


def _map(found: Occlusion) -> dict[str, Any]:
    picture, over = occlusion_view.draw(found)
    worst = found.worst
    return {
        "label": _plain(found.label),
        "score": found.score,
        "picture": picture,
        "over": over,
        "seconds": f"{worst.seconds[0]:.1f} to {worst.seconds[1]:.1f} s",
        "hertz": f"{_kilo(worst.hertz[0])} to {_kilo(worst.hertz[1])} kHz",
        "without": worst.score,
        "from": found.start,
        "to": found.start + found.seconds,
    }


def _beginning(path: Path) -> tuple[Floats, int]:
    rate = audio.probe(path).rate
    return np.concatenate(list(islice(audio.blocks(path, rate, rate), _SECONDS))), rate


def _plain(label: str) -> str:
    return label.replace("_", " ")


def _kilo(hertz: float) -> str:
    return f"{hertz / 1000:.2g}"
