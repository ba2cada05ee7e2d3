"""What a dataset must have to be learnt from: two classes, and of each class a recording that is trained on."""

from hubbub.data import splits
from hubbub.data.dataset import Dataset
from hubbub.errors import UsageError
from hubbub.formatting import count, listing, printable

_NAMED = 5  # classes that a message names


def require_classes(dataset: Dataset) -> None:
    """Raises UsageError unless there are two classes to tell apart."""
    if len(dataset.labels) < 2:
        label = printable(dataset.labels[0]) if dataset.labels else "none"
        raise UsageError(
            f"{dataset.name} has one class, {label} ({count(len(dataset.clips), 'clip')}): learning takes a second one"
            " to tell it from"
        )


def require_learnable(dataset: Dataset, split: splits.Split, choose: bool) -> None:
    """Raises UsageError unless training hears a recording of every class, and there are clips to choose by.

    Args:
        dataset: what was split.
        split: how.
        choose: whether training chooses by validation clips.
    """
    require_classes(dataset)
    train = set(split.train)
    trained = {clip.label for clip in dataset.clips if clip.id in train}
    recordings = recordings_of(dataset)
    for label in dataset.labels:
        if label not in trained:
            raise UsageError(
                f"{split.name} leaves no recording of {printable(label)} to train on"
                f" ({dataset.name} has {count(recordings[label], 'recording')} of it): add recordings, at least two of"
                " a class, or leave that class out"
            )
    if choose and not split.validation:
        rarest = listing([f"{printable(label)} {recordings[label]}" for label in dataset.labels[:_NAMED]])
        raise UsageError(
            f"{split.name} leaves no recording to choose a checkpoint by (recordings of {dataset.name}: {rarest}): add"
            " some, at least three of a class, or take the recipe probe, which needs none"
        )


def recordings_of(dataset: Dataset) -> dict[str, int]:
    """How many source recordings each class has, in the order of the classes; copies do not count."""
    groups: dict[str, set[str]] = {label: set() for label in dataset.labels}
    for clip in dataset.originals:
        groups[clip.label].add(clip.group)
    return {label: len(names) for label, names in groups.items()}


def grouped_plan(dataset: Dataset) -> splits.Plan:
    """Made folds for a dataset without its own: as many as its rarest class has recordings, two to five."""
    return splits.Plan("grouped", folds=min(5, max(2, min(recordings_of(dataset).values()))))


def require_made_folds(dataset: Dataset, plan: splits.Plan) -> None:
    """Raises UsageError if a class has one recording alone, and `plan` makes folds of whole recordings."""
    single = [printable(label) for label, recordings in recordings_of(dataset).items() if recordings < 2]
    if plan.kind == "grouped" and single:
        more = f" and {len(single) - _NAMED:,} more" if len(single) > _NAMED else ""
        raise UsageError(
            f"{dataset.name} has one recording alone of {', '.join(single[:_NAMED])}{more}, which cannot be both"
            " trained on and tested: add recordings of it, or leave that class out"
        )


def rare_classes(dataset: Dataset, folds: int) -> dict[str, int]:
    """Classes with fewer source recordings than there are folds, which some folds cannot test, and how many."""
    return {label: recordings for label, recordings in recordings_of(dataset).items() if recordings < folds}
