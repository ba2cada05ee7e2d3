"""Why a model names a clip so: occlusion maps of chosen clips, for the page of a run.

A map is drawn twice: a sound's log-mel, and the same with what the model goes by laid over it.
"""

from collections.abc import Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np

from hubbub import audio
from hubbub.data.dataset import Clip
from hubbub.errors import AudioError, UsageError
from hubbub.formatting import label
from hubbub.listen.classifier import Classifier
from hubbub.logmel import LogMelSpec, resize
from hubbub.report.playlist import LocalClips
from hubbub.runs.analysis import RunAnalysis
from hubbub.studies import contamination
from hubbub.studies.occlusion import Occlusion, occlude
from hubbub.types import Floats, Track
from hubbub.web import images

USUAL = 6  #: clips, where none are chosen: the most confident mistakes
WIDTH, HEIGHT = 320, 128  #: of both pictures, in pixels
#: Where the sound speaks for the class, and where against it: two colours that no kind of colour vision confuses.
FOR, AGAINST = (230, 159, 0), (0, 114, 178)

_SECONDS = 60  # of a longer sound, that are searched for the class
_LEAST = 0.5  # nats of log-odds at which the colour is full at least: less is no reason for a strong one
_COVER = 0.85  # how much of the log-mel the fullest colour hides
_RANGE = (1.0, 99.5)  # percentiles of the log-mel that are black and white


def model_of(run: Path, chosen: Path | None) -> Path | None:
    """The model file to ask: the chosen one, else the one in the run's folder, else none."""
    own = run / "model.onnx"
    return chosen or (own if own.is_file() else None)


def clips_to_explain(evidence: RunAnalysis, local: LocalClips, names: Sequence[str]) -> list[Clip]:
    """The clips of those `names`, else the most confident mistakes that are on this machine.

    Raises UsageError for a name that the dataset does not have.
    """
    if unknown := [name for name in names if name not in local.clips]:
        where = f"{local.dataset} is not on this machine" if local.problem else f"{local.dataset} has no such clip"
        raise UsageError(f"{unknown[0]!r} cannot be explained: {where}; give the id of a clip, or --dataset")
    clips = evidence.predictions.clips
    mistakes = [clips[row] for row in evidence.ranked[: evidence.wrong] if clips[row] in local.clips]
    return [local.clips[name] for name in names or mistakes[:USUAL]]


def explain(
    classifier: Classifier, evidence: RunAnalysis, clips: Sequence[Clip], track: Track = iter
) -> list[dict[str, Any]]:
    """What the page shows of each clip: what it is, what the run and the model say, and the maps.

    There is a map for the class that the model names, for the true one, and for the one that the run named, as far as
    the model knows them. A clip that does not decode is left out.
    """
    record = classifier.meta.training
    in_training = contamination.compare(record, clips, contamination.match_names(record, clips)).matches
    predictions = evidence.predictions
    rows = {name: row for row, name in enumerate(predictions.clips)}
    explanations = []
    for clip in track(clips):
        try:
            rate = audio.probe(clip.path).rate
            samples = np.concatenate(list(islice(audio.blocks(clip.path, rate, rate, log=lambda line: None), _SECONDS)))
        except AudioError:
            continue
        row = rows.get(clip.id)
        predicted = None if row is None else predictions.classes[predictions.predicted[row]]
        first = occlude(classifier, samples, rate)
        others = [name for name in dict.fromkeys([clip.label, predicted]) if name in classifier.labels]
        maps = [first, *(occlude(classifier, samples, rate, name) for name in others if name != first.label)]
        explanations.append(
            {
                "clip": clip.id,
                "true": label(clip.label),
                "predicted": predicted and label(predicted),
                "confidence": None if row is None else float(evidence.confidence[row]),
                "heard": ", ".join(contamination.MATCH_NAMES[kind] for kind in in_training.get(clip.id, ())),
                "maps": [_map(occlusion, classifier.meta.frontend) for occlusion in maps],
            }
        )
    return explanations


def pictures(occlusion: Occlusion) -> tuple[str, str]:
    """The log-mel as the network sees it, and with the map over it, as data URIs of PNGs; low frequencies below.

    Orange is what speaks for the class, blue what speaks against it, the stronger the more. Raises RefusedError if
    Pillow is not installed.
    """
    low, high = np.percentile(occlusion.picture, _RANGE)
    scaled = np.clip((occlusion.picture - low) / max(high - low, 1e-6), 0, 1)
    levels = resize(scaled.astype(np.float32), HEIGHT, WIDTH)  # between 0 and 1
    return images.png(levels), _laid_over(levels, occlusion.fall)


def _map(occlusion: Occlusion, spec: LogMelSpec) -> dict[str, Any]:
    picture, over = pictures(occlusion)
    worst = occlusion.worst
    return {
        "label": label(occlusion.label),
        "score": occlusion.score,
        "picture": picture,
        "over": over,
        "axes": images.axes(occlusion.seconds, spec, occlusion.start),
        "seconds": f"{worst.seconds[0]:.1f} to {worst.seconds[1]:.1f} s",
        "hertz": f"{worst.hertz[0] / 1000:.2g} to {worst.hertz[1] / 1000:.2g} kHz",
        "without": worst.score,
        "from": occlusion.start,
        "to": occlusion.start + occlusion.seconds,
    }


def _laid_over(levels: Floats, fall: Floats) -> str:
    strength = resize(fall, HEIGHT, WIDTH) / max(float(np.abs(fall).max()), _LEAST)
    cover = _COVER * np.abs(strength)[..., None]
    colour = np.where((strength > 0)[..., None], FOR, AGAINST)
    grey = 255 * levels[..., None]
    mixed = (1 - cover) * grey + cover * colour * (0.5 + 0.5 * levels[..., None])  # the sound shows through
    return images.colour_png(np.round(mixed).astype(np.uint8))
