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
    help="Draw spectrograms, of a sound or as a recipe's network sees it.",
    no_args_is_help=True,
    add_completion=False,
    rich_markup_mode=None,
)

_VIEWS = 3  # augmented ones that are shown
_LONGEST = 60  # seconds of a sound that are drawn, from its beginning


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
    recipe: Annotated[
        str | None, typer.Option(help="Draw what the network of this recipe sees: a name, or a YAML file.")
    ] = None,
    mfcc: Annotated[
        int, typer.Option(min=0, max=128, metavar="N", help="Draw N mel-frequency cepstral coefficients, 13 or 20.")
    ] = 0,
    seed: Annotated[int, typer.Option(min=0, help="Random seed of the augmentation.")] = 0,
    epoch: Annotated[int, typer.Option(min=0, help="The first of the three whose augmentation is shown.")] = 0,
    label: Annotated[
        str | None, typer.Option(help="The sound's class, for rules by category; ESC-50's names tell it.")
    ] = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", help="The picture; FILE-spectrogram.png or FILE-RECIPE.png here if left out."),
    ] = None,
) -> None:
    """Draw a sound: its waveform and spectrogram; or what a recipe's network sees of it.

    With --recipe, that is the sound as it is and, if the recipe augments, as three epochs of training are shown it,
    with what was drawn for each.
    """
    if recipe is None:
        _show_sound(file, mfcc, output or Path(f"{file.stem}-spectrogram.png"))
    elif mfcc:
        raise UsageError("--mfcc is of a sound alone, since no recipe's network takes it: leave out --recipe")
    else:
        _show_views(file, _recipe(recipe), seed, epoch, label, output)


def _show_sound(file: Path, coefficients: int, target: Path) -> None:
    from itertools import islice

    import numpy as np

    from hubbub import audio
    from hubbub.formatting import printable
    from hubbub.report import spectrograms
    from hubbub.report.figures import name_of

    rate = audio.probe(file).rate
    samples = np.concatenate(list(islice(audio.blocks(file, rate, rate), _LONGEST)))
    seconds = f"the first {_LONGEST} s" if len(samples) == _LONGEST * rate else f"{len(samples) / rate:.2f} s"
    title = f"{name_of(file.name)}: {seconds} at {rate:,} Hz"
    spectrograms.draw_sound(target, samples, rate, title, coefficients)
    drawn = f"waveform, spectrogram and {coefficients} MFCC" if coefficients else "waveform and spectrogram"
    print(f"{printable(str(target))}: {drawn} of {printable(file.name)}, {seconds}")


def _show_views(file: Path, recipe: "Recipe", seed: int, epoch: int, label: str | None, output: Path | None) -> None:
    from hubbub.formatting import printable
    from hubbub.logmel import logmel
    from hubbub.report import spectrograms
    from hubbub.report.figures import name_of

    spec = recipe.frontend
    category = _category(label, file) if recipe.augment.rules == "acoustic" else ""
    sound = _heard(file, recipe)
    shown = [("as it is", logmel(sound, spec))]
    for number in range(epoch, epoch + _VIEWS):
        drawn = _drawn(recipe, seed, number, file.name, category)
        if drawn is not None:
            title = f"epoch {number}: {', '.join(drawn) or 'nothing drawn'}"
            shown.append((title, _augmented(sound, recipe, seed, number, file.name, category)))
    target = output or Path(f"{file.stem}-{recipe.name}.png")
    title = f"{name_of(file.name)} as {name_of(recipe.name)} sees it: {spectrograms.describe(spec, recipe.seconds)}"
    spectrograms.draw_views(target, shown, sound, spec, title)
    views = "three augmented views" if len(shown) > 1 else "the recipe augments nothing"
    mixed = "; mixup with other clips is not shown" if recipe.mixup else ""
    print(f"{printable(str(target))}: {printable(file.name)} as {printable(recipe.name)} sees it, and {views}{mixed}")


def _recipe(name: str) -> "Recipe":
    with learning():
        from hubbub.train.recipe_file import load
    return load(name)


def _heard(file: Path, recipe: "Recipe") -> "Floats":
    """The sound at the front end's rate, cut or zero-padded to the recipe's length."""
    import numpy as np

    from hubbub import audio

    length = round(recipe.seconds * recipe.frontend.sample_rate)
    sound = next(audio.blocks(file, recipe.frontend.sample_rate, length))
    return np.pad(sound, (0, length - len(sound)))


def _augmented(sound: "Floats", recipe: "Recipe", seed: int, epoch: int, clip: str, category: str) -> "Floats":
    from hubbub.augment.plan import view
    from hubbub.augment.transform import generator

    return view(sound, recipe.frontend, recipe.augment, generator(seed, epoch, clip), category)


def _drawn(recipe: "Recipe", seed: int, epoch: int, clip: str, category: str) -> list[str] | None:
    """What the recipe's augmentation does to the clip in that epoch; None if it has none."""
    from hubbub.augment.plan import describe
    from hubbub.augment.transform import generator

    return describe(recipe.frontend, recipe.augment, generator(seed, epoch, clip), category)


def _category(label: str | None, file: Path) -> str:
    """The category of ESC-50 that rules of augmentation go by."""
    from hubbub.data import esc50

    if label is None and (parts := esc50.parse_name(file)):
        label = esc50.LABELS[parts.target]
    if label is None:
        raise UsageError(f"this recipe augments by category, and {file.name!r} does not tell its class: give --label")
    return esc50.category(label)
