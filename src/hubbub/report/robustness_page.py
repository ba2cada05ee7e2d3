"""How models stand a corruption suite as a page: figures, a panel for each corruption, and its sound to hear."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from hubbub import audio
from hubbub.data.sources import open_dataset
from hubbub.errors import HubbubError
from hubbub.report.robustness_plot import by_severity
from hubbub.report.robustness_tables import sentences
from hubbub.runs.condition_predictions import CLEAN
from hubbub.runs.robustness import MIDDLE, Robustness, require_comparable
from hubbub.storage import temporary_folder
from hubbub.types import Floats
from hubbub.web import page
from hubbub.web.sounds import Sounds

_WIDTH, _HEIGHT = 200, 110  # of a panel, in its own units


def write(path: Path, models: Sequence[Robustness], dataset: str | None = None) -> Sounds:
    """Write the page of models of which the same was measured, whole or not at all; what it plays.

    Args:
        path: of the page.
        models: the first one is the baseline.
        dataset: what its sounds are of; without it, or where it is not at hand, the page has none.

    Raises RefusedError if Jinja2 or Pillow is not installed, UsageError if the models do not compare.
    """
    require_comparable(models)
    page.require()
    path.parent.mkdir(parents=True, exist_ok=True)
    sounds = _sounds(models[0], dataset, path.parent) if dataset else Sounds()
    names = ", ".join(model.name for model in models)
    page.write(
        path,
        "robustness.html",
        f"Under conditions never heard: {names}",
        sounds=sounds,
        models=models,
        sentences=sentences(models),
        panels=[_panel(models, name) for name in models[0].corruptions],
        width=_WIDTH,
        height=_HEIGHT,
        clean="-".join(map(str, CLEAN)),
    )
    return sounds


def _panel(models: Sequence[Robustness], name: str) -> dict[str, Any]:
    """A corruption for the template: points of each model's line, and the key of each severity's sound."""
    lines = []
    for model in models:
        severities, accuracies = by_severity(model, name)
        lines.append(
            " ".join(
                f"{severity / 5 * _WIDTH:.1f},{(1 - share) * _HEIGHT:.1f}"
                for severity, share in zip(severities, accuracies, strict=True)
            )
        )
    severities = by_severity(models[0], name)[0][1:]
    return {
        "name": name,
        "lines": lines,
        "severities": severities,
        "mean": [model.accuracy[name] for model in models],
        "middle": [model.middle.get(name) for model in models],
    }


def _sounds(model: Robustness, dataset: str, folder: Path) -> Sounds:
    """One clip as it is and under each corruption at its middle severity; none where the clip is not at hand."""
    from hubbub.studies.condition_hearing import Hearing, under
    from hubbub.studies.robustness import backgrounds

    sounds = Sounds()
    try:
        opened = open_dataset(dataset)
        known = {clip.id: clip for clip in opened.clips}
        clip = next(known[name] for name in model.predictions.clips if name in known)
        background = backgrounds([clip], opened)[clip.id]
        hearing = Hearing(clip.id, clip.path, background.path)
        with temporary_folder(folder) as temporary:
            for condition in model.predictions.conditions:
                if condition == CLEAN or condition[1] in (MIDDLE, 5):
                    _add(sounds, "-".join(map(str, condition)), under(condition, hearing), temporary)
    except (HubbubError, StopIteration):
        return Sounds()
    return sounds


def _add(sounds: Sounds, key: str, samples: Floats, folder: Path) -> None:
    from hubbub.augment.corruptions import RATE

    audio.write_wav(folder / f"{key}.wav", samples, RATE)
    sounds.add(key, folder / f"{key}.wav")
