"""`hubbub features`: spectrogram pictures of a dataset, and what a network sees of one sound."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from hubbub.cli.options import learning
from hubbub.cli.progress import track
from hubbub.errors import UsageError

if TYPE_CHECKING:
    from hubbub.logmel import Floats
    from hubbub.train.config import Recipe

app = typer.Typer(
    help="Draw spectrograms as a recipe's network sees them.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_VIEWS = 3  # augmented ones that are shown


@app.command()
def pictures(
    dataset: Annotated[str, typer.Argument(metavar="DATASET", help="esc50, esc10, synthetic, or a folder.")],
    recipe: Annotated[
        str, typer.Option(help="Recipe whose front end is used: a name, or a YAML file.")
    ] = "resnet50-imagenet",
    out: Annotated[
        Path | None, typer.Option(help="Folder of the pictures; pictures/RECIPE-DATASET if left out.")
    ] = None,
    jobs: Annotated[int | None, typer.Option(min=1, help="Processes; as many as cores if left out.")] = None,
) -> None:
    """Write each clip's spectrogram as a PNG file, for `hubbub train --pictures`; those that are there are kept."""
    from hubbub.data.sources import open_dataset
    from hubbub.features.png import write
    from hubbub.workers import cores

    chosen = _recipe(recipe)
    sounds = open_dataset(dataset)
    folder = out or Path("pictures", f"{chosen.name}-{sounds.name}")
    count = jobs or cores()
    new = write(sounds.clips, chosen.frontend, chosen.seconds, folder, count, track("pictures"))
    print(f"{folder}: {len(sounds.clips):,} pictures, {new:,} of them new")


@app.command()
def show(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="A sound file.")],
    recipe: Annotated[str, typer.Option(help="A recipe's name, or a YAML file.")],
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the augmentation.")] = 0,
    epoch: Annotated[int, typer.Option(min=0, help="The first of the three whose augmentation is shown.")] = 0,
    label: Annotated[
        str | None, typer.Option(help="The sound's class, for rules by category; ESC-50's names tell it.")
    ] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The picture; FILE-RECIPE.png here if left out.")
    ] = None,
) -> None:
    """Draw what a recipe's network sees of a sound: as it is, and as three epochs of training augment it."""
    from hubbub.logmel import logmel
    from hubbub.report import spectrograms

    chosen = _recipe(recipe)
    spec = chosen.frontend
    category = _category(label, file) if chosen.augment.rules == "acoustic" else ""
    sound = _heard(file, chosen)
    shown = [("as it is", logmel(sound, spec))]
    for number in range(epoch, epoch + _VIEWS):
        shown.append((f"augmented, epoch {number}", _augmented(sound, chosen, seed, number, file.name, category)))
    target = output or Path(f"{file.stem}-{chosen.name}.png")
    title = f"{file.name} as {chosen.name} sees it: {spectrograms.describe(spec, chosen.seconds)}"
    spectrograms.draw_views(target, shown, sound, spec, title)
    print(f"{target}: {file.name} as {chosen.name} sees it, and three augmented views")


def _recipe(name: str) -> "Recipe":
    with learning():
        from hubbub.train.recipe_file import load
    return load(name)


def _heard(file: Path, recipe: "Recipe") -> "Floats":
    """The sound at the front end's rate, cut or zero-padded to the recipe's length."""
    import numpy as np

    from hubbub import audio

    length = round(recipe.seconds * recipe.frontend.sample_rate)
    sound = audio.read(file, recipe.frontend.sample_rate)[0][:length]
    return np.pad(sound, (0, length - len(sound)))


def _augmented(sound: "Floats", recipe: "Recipe", seed: int, epoch: int, clip: str, category: str) -> "Floats":
    from hubbub.augment.plan import view
    from hubbub.augment.transform import generator

    return view(sound, recipe.frontend, recipe.augment, generator(seed, epoch, clip), category)


def _category(label: str | None, file: Path) -> str:
    """The category of ESC-50 that rules of augmentation go by."""
    from hubbub.data import esc50

    if label is None and (parts := esc50.parse_name(file)):
        label = esc50.LABELS[parts.target]
    if label is None:
        raise UsageError(f"this recipe augments by category, and {file.name!r} does not tell its class: give --label")
    return esc50.category(label)
