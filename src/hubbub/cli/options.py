"""From the words of a command line to what training takes: recipe, dataset, split, arrays."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.errors import RefusedError, UsageError, missing_extra

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset
    from hubbub.data.splits import Split as Ids
    from hubbub.runs.run import Run
    from hubbub.train.arrays import ClipArrays, RowSplit
    from hubbub.train.config import Recipe
    from hubbub.train.fit import Setting

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a YAML file.")]
DatasetName = Annotated[
    str | None,
    typer.Option("--dataset", help="esc50 (if left out), esc10, synthetic (for --budget quick), or a folder."),
]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of run folders.")]
Name = Annotated[
    str | None, typer.Option("--name", help="Of the run folder; made from recipe and dataset if left out.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random.")]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")]
Weights = Annotated[Path | None, typer.Option(help="File or folder of the pretrained weights.")]
Budget = Annotated[str | None, typer.Option(help="One of the recipe's budgets, such as quick.")]
SplitKind = Annotated[
    str | None, typer.Option("--split", help="official, grouped, filename-regex, random or random-expanded.")
]
Leaks = Annotated[
    bool, typer.Option("--i-know-it-leaks", help="Allow a split whose test is not honest; all it gives says LEAKY.")
]
Pictures = Annotated[Path | None, typer.Option(help="Train from the PNG files of `hubbub features pictures`.")]
RUNS = Path("runs")


@dataclass(frozen=True)
class Words:
    """What was asked for, as it was typed."""

    recipe: str
    dataset: str | None = None
    budget: str | None = None
    split: str | None = None
    leaks: bool = False
    seed: int = 0
    sets: tuple[str, ...] = ()
    weights: Path | None = None
    pictures: Path | None = None

    @property
    def data(self) -> str:
        """The dataset's name: as given, or the one that fits the budget."""
        return self.dataset or ("synthetic" if self.budget == "quick" else "esc50")

    @property
    def changes(self) -> dict[str, Any]:
        """The recipe's keys that were set."""
        split: dict[str, Any] = {"split.kind": self.split} if self.split else {}
        if self.split and self.split != "filename-regex":
            split["split.patterns"] = None
        return split | dict(_parsed(item) for item in self.sets)


@dataclass(frozen=True)
class Prepared:
    """What training takes, and the dataset that it came from."""

    words: Words
    sounds: "Dataset"
    setting: "Setting"

    def ids(self, fold: int | None) -> "Ids":
        """The split that tests `fold`."""
        from hubbub.data.splits import make

        recipe = self.setting.recipe
        return make(self.sounds, recipe.split, fold, recipe.validation)

    def split(self, fold: int | None) -> "RowSplit":
        """The same as rows of the arrays."""
        return self.rows(self.ids(fold))

    def rows(self, split: "Ids") -> "RowSplit":
        """A split of clip ids as rows of the arrays."""
        from hubbub.train.arrays import RowSplit

        place = self.setting.arrays.rows
        return RowSplit(split.name, *(place(ids) for ids in (split.train, split.validation, split.test)))

    def folder(self, runs: Path, name: str | None, fold: int | None = None) -> "Run":
        """Where the run lies: as named, or named after what it is."""
        from hubbub.data.splits import LEAKY
        from hubbub.runs.run import Run

        require_folder_name(name)
        recipe, words = self.setting.recipe, self.words
        leaky = recipe.split.leaky
        parts = [
            f"{LEAKY.strip()}-{recipe.split.kind}" if leaky else "",
            recipe.name,
            words.budget or "",
            self.sounds.name,
            "" if leaky or recipe.split.kind in ("official", "filename-regex") else recipe.split.kind,
            "" if fold is None else f"fold{fold}",
            f"seed{words.seed}" if words.seed else "",
        ]
        return Run(runs / (name or "-".join(part for part in parts if part)))


def require_folder_name(name: str | None) -> None:
    """Raises UsageError if a name that was given would lead out of the folder of runs."""
    if name is not None and (name in ("", "..") or Path(name).name != name):
        raise UsageError(f"--name {name!r} is not a folder name: leave out slashes, and give --runs for the place")


@contextmanager
def learning() -> Iterator[None]:
    """Turn a missing library of the learning stack into a clear refusal."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "hubbub":
            raise
        raise missing_extra("train", "learning") from error


def prepare(words: Words) -> Prepared:
    """Load recipe, dataset, weights and arrays.

    Raises what each of them raises, and RefusedError for a leaky split that was not asked for in so many words.
    """
    with learning():
        from hubbub.train import fit, pretrained, recipe_file as recipes  # noqa: I001

    from hubbub.cli.progress import track
    from hubbub.data.sources import open_dataset
    from hubbub.storage import cache_dir

    recipe = recipes.load(words.recipe, words.changes, words.budget)
    if recipe.split.leaky and not words.leaks:
        raise RefusedError(
            f"the split {recipe.split.kind} tests on recordings that training hears, so that its figure says nothing"
            " about new sounds: give --i-know-it-leaks to see it all the same"
        )
    sounds = open_dataset(words.data)
    trunk = pretrained.load(recipe.network, recipe.frontend.channels, words.seed, words.weights)
    setting = fit.Setting(
        arrays(sounds, recipe, words.pictures),
        recipe,
        recipes.to_yaml(recipe),
        trunk,
        words.seed,
        cache_dir("frozen"),
        say,
        track("choosing C"),
    )
    return Prepared(words, sounds, setting)


def arrays(sounds: "Dataset", recipe: "Recipe", pictures: Path | None = None) -> "ClipArrays":
    """The dataset's clips as the recipe's network is shown them."""
    import numpy as np

    from hubbub.cli.progress import track
    from hubbub.data import esc50
    from hubbub.features import cache
    from hubbub.train.arrays import ClipArrays

    spec, seconds, clips = recipe.frontend, recipe.seconds, sounds.clips
    known = set(sounds.labels) <= set(esc50.LABELS)
    if recipe.augment.rules == "acoustic" and not known:
        raise UsageError(f"acoustic rules know the classes of ESC-50 only, not all of {sounds.name}: use balanced")
    if pictures is not None:
        from hubbub.features.png import read

        features = read(pictures, clips, spec, seconds)
    else:
        features = cache.load(clips, spec, seconds, track=track("log-mel"))
    number = {label: index for index, label in enumerate(sounds.labels)}
    waveforms = None
    if recipe.of_waveform:
        waveforms = cache.sounds(clips, features.digests, spec.sample_rate, seconds, track=track("waveforms"))
    return ClipArrays(
        sounds.name,
        sounds.labels,
        tuple(clip.id for clip in clips),
        features.logmels,
        np.array([number[clip.label] for clip in clips]),
        np.array([clip.group for clip in clips]),
        np.array([clip.fold or 0 for clip in clips]),
        features.digests,
        tuple(esc50.category(label) for label in sounds.labels) if known else (),
        waveforms,
    )


def say(line: str) -> None:
    """A line on stderr, at once."""
    print(line, file=sys.stderr, flush=True)


def _parsed(item: str) -> tuple[str, Any]:
    import yaml

    key, equals, value = item.partition("=")
    if not equals or not key:
        raise UsageError(f"--set takes KEY=VALUE, such as --set network.dropout=0.3, not {item!r}")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {item}: the value is not YAML") from error
