"""Look at a dataset before training on it: what its files hold, how its classes differ, what lies near what."""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from hubbub.data.dataset import Clip, Dataset
from hubbub.listen.classifier import load
from hubbub.studies import measure
from hubbub.studies.contamination import match_names
from hubbub.studies.measure import Measurements
from hubbub.types import Doubles, Floats, Progress, no_progress

MOST_POINTS = 5000  #: of a map; of more clips, as many are drawn
_COMPONENTS = 50  # of the principal axes that t-SNE starts from
_FEWEST = 8  # clips from which t-SNE has neighbours to keep together


@dataclass(frozen=True)
class Exploration:
    """A dataset and what its files hold.

    Attributes:
        dataset: what was explored.
        measurements: of each of its clips, in order.
        embeddings: of each clip by the built-in model, float32 of shape (clips, size); NaN for an unreadable one.
    """

    dataset: Dataset
    measurements: tuple[Measurements, ...]
    embeddings: Floats

    @property
    def clips(self) -> tuple[Clip, ...]:
        """The clips, in order."""
        return self.dataset.clips

    @cached_property
    def readable(self) -> tuple[int, ...]:
        """Numbers of the clips that can be heard."""
        return tuple(number for number, measured in enumerate(self.measurements) if not measured.problem)

    @cached_property
    def by_class(self) -> dict[str, tuple[int, ...]]:
        """For each class, in order, the numbers of its clips that can be heard."""
        by_class: dict[str, list[int]] = {label: [] for label in self.dataset.labels}
        for number in self.readable:
            by_class[self.clips[number].label].append(number)
        return {label: tuple(numbers) for label, numbers in by_class.items()}

    @cached_property
    def duplicates(self) -> tuple[tuple[int, ...], ...]:
        """Clips of the very same samples, as groups of two or more numbers; digital silence is not counted."""
        same: dict[str, list[int]] = defaultdict(list)
        for number in self.readable:
            if not self.measurements[number].silent:
                # with the duration, since a long file is not measured to its end
                same[f"{self.measurements[number].samples} {self.measurements[number].duration}"].append(number)
        return tuple(tuple(numbers) for numbers in same.values() if len(numbers) > 1)

    @cached_property
    def in_training(self) -> tuple[int, ...]:
        """Clips that can be heard and that the built-in model learnt from, see `hubbub.studies.contamination`."""
        record = load().meta.training
        named, samples = match_names(record, self.clips), record.samples
        rows = ((number, self.clips[number].id, self.measurements[number].samples) for number in self.readable)
        return tuple(number for number, clip, digest in rows if clip in named or digest in samples)

    @cached_property
    def typical(self) -> dict[str, tuple[int, ...]]:
        """For each class the clips that can be heard, the most typical first.

        Typical is what is near the class's mean, as cosines of embeddings from which the mean over all clips was
        taken.
        """
        vectors = self.embeddings - np.nanmean(self.embeddings, axis=0) if self.readable else self.embeddings
        vectors = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), 1e-9)
        typical = {}
        for label, numbers in self.by_class.items():
            rows = vectors[list(numbers)]
            order = np.argsort(-(rows @ rows.mean(0)), kind="stable") if numbers else ()
            typical[label] = tuple(numbers[row] for row in order)
        return typical


def explore(
    dataset: Dataset, jobs: int = 1, folder: Path | None = None, progress: Progress = no_progress
) -> Exploration:
    """Measure all clips of a dataset.

    Args:
        dataset: its clips may be missing or unreadable.
        jobs: processes.
        folder: of the cache; the user's cache if left out.
        progress: of the step "listening".
    """
    files = measure.measure_files([clip.path for clip in dataset.clips], jobs, folder, progress("listening"))
    return Exploration(dataset, tuple(file.measurements for file in files), measure.embeddings(files))


def sample(numbers: Sequence[int], most: int = MOST_POINTS) -> tuple[int, ...]:
    """All of `numbers`, or `most` of them, always the same ones, in order."""
    if len(numbers) <= most:
        return tuple(numbers)
    return tuple(sorted(np.random.default_rng(0).choice(np.asarray(numbers), most, replace=False).tolist()))


def flat_map(embeddings: Floats) -> Doubles | None:
    """Embeddings laid out in two dimensions, shape (clips, 2): what sounds alike lies together.

    Principal components, then t-SNE (van der Maaten and Hinton, JMLR 9, 2008), always the same; of a few clips the
    first two components alone. Distances between far groups mean nothing. None if scikit-learn is not installed.
    """
    try:
        from sklearn.decomposition import PCA
        from sklearn.manifold import TSNE
    except ModuleNotFoundError:
        return None
    clips, size = embeddings.shape
    if clips < 3 or not np.ptp(embeddings, axis=0).any():
        return np.zeros((clips, 2)) + np.arange(clips)[:, None]
    components = PCA(min(_COMPONENTS, clips - 1, size), random_state=0).fit_transform(embeddings.astype(np.float64))
    if clips < _FEWEST:
        return np.asarray(components[:, :2])
    tsne = TSNE(init="pca", random_state=0, perplexity=min(30.0, (clips - 1) / 3))
    return np.asarray(tsne.fit_transform(components), np.float64)
