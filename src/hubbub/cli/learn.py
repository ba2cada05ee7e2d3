"""`hubbub cv`, `hubbub train` and `hubbub export`: the commands of the learning stack."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from hubbub.errors import UsageError, missing_extra

if TYPE_CHECKING:
    from hubbub.data.dataset import Dataset
    from hubbub.data.splits import Split as Ids
    from hubbub.logmel import Floats
    from hubbub.train.fit import Setting
    from hubbub.train.material import Material, Split

RecipeName = Annotated[str, typer.Argument(metavar="RECIPE", help="A recipe's name, or a YAML file.")]
DatasetName = Annotated[str, typer.Option("--dataset", help="esc50, esc10 or synthetic.")]
Runs = Annotated[Path, typer.Option("--runs", help="Folder of run folders.")]
Name = Annotated[
    str | None, typer.Option("--name", help="Of the run folder; made from recipe and dataset if left out.")
]
Seed = Annotated[int, typer.Option(min=0, help="Of everything random.")]
Set = Annotated[list[str], typer.Option("--set", metavar="KEY=VALUE", help="Change a key of the recipe.")]
Weights = Annotated[Path | None, typer.Option(help="File of the pretrained weights.")]
_RUNS = Path("runs")
_LICENCES = {"esc50": "CC BY-NC 3.0, as ESC-50", "esc10": "CC BY 3.0, as ESC-10", "synthetic": "MIT"}
_COMPARED = 50  # clips on which the stacks must agree before a model file is written


@contextmanager
def _learning() -> Iterator[None]:
    """Turn a missing library of the learning stack into a clear refusal."""
    try:
        yield
    except ModuleNotFoundError as error:
        if (error.name or "").split(".")[0] == "hubbub":
            raise
        raise missing_extra("train", "learning") from error


def cv(
    recipe: RecipeName,
    dataset: DatasetName = "esc50",
    runs: Runs = _RUNS,
    name: Name = None,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006  (typer's way to say "none given")
    weights: Weights = None,
    final: Annotated[bool, typer.Option(help="Train the model for use as well.")] = True,
) -> None:
    """Cross-validate a recipe over the official folds; finished folds are kept, an interrupted one goes on."""
    with _learning():
        from hubbub.train import crossval
    sounds, setting = _setting(recipe, dataset, seed, sets, weights)
    run = _folder(runs, name or f"{setting.recipe.name}-{dataset}{_suffix(seed)}")
    splits = {fold: _rows(setting.material, _official(sounds, fold, setting)) for fold in sounds.folds}
    if not splits:
        raise UsageError(f"{dataset} has no folds to cross-validate over")
    crossval.cross_validate(setting, splits, run)
    if final:
        from hubbub.data.splits import all_but

        split = all_but(sounds, sounds.showcase, setting.recipe.validation)
        crossval.final_model(setting, _rows(setting.material, split), run)
    _conclude(run)
    words = {5: "five", 10: "ten"}
    count = words.get(len(splits), str(len(splits)))
    print(f"{count}-fold accuracy: {100 * run.metrics['test']['accuracy']:.2f} %")


def train(
    recipe: RecipeName,
    fold: Annotated[int, typer.Option(help="The test fold; training never sees it.")],
    dataset: DatasetName = "esc50",
    runs: Runs = _RUNS,
    name: Name = None,
    seed: Seed = 0,
    sets: Set = [],  # noqa: B006
    weights: Weights = None,
) -> None:
    """Train a recipe with one official fold as the test; an interrupted run goes on where it was."""
    with _learning():
        from hubbub.train import fit
    sounds, setting = _setting(recipe, dataset, seed, sets, weights)
    run = _folder(runs, name or f"{setting.recipe.name}-{dataset}-fold{fold}{_suffix(seed)}")
    fit.run(setting, _rows(setting.material, _official(sounds, fold, setting)), run)
    _conclude(run)
    print(f"fold {fold} accuracy: {100 * run.metrics['test']['accuracy']:.2f} %")


def export(
    run: Annotated[Path, typer.Argument(metavar="RUN", help="A run folder of `hubbub cv` or `hubbub train`.")],
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="The .onnx file; beside the run if left out.")
    ] = None,
    name: Annotated[str | None, typer.Option("--name", help="Of the model; the run's name if left out.")] = None,
) -> None:
    """Write a run's model file, if torch and the listening stack agree on it."""
    with _learning():
        from hubbub.train import export as exporter
    from hubbub.runs import Run

    opened = Run.open(run)
    target = output or run / "model.onnx"
    licence = _LICENCES.get(opened.about["dataset"], "that of its training sounds")
    meta = exporter.export(opened, target, _some_sounds, name or run.resolve().name, licence)
    size = target.stat().st_size / 1e6
    print(f"{target}: {len(meta.labels)} classes, {size:.1f} MB; torch and the listening stack agree")


def _some_sounds(rate: int, seconds: float) -> list["Floats"]:
    """Real clips, evenly over ESC-50, to compare the stacks on; made ones where ESC-50 is not at hand."""
    import numpy as np

    from hubbub import audio
    from hubbub.data import esc50
    from hubbub.data.synthetic import LABELS, make

    try:
        clips = esc50.load().clips
        sounds = [audio.read(clip.path, rate)[0] for clip in clips[:: len(clips) // _COMPARED][:_COMPARED]]
    except esc50.MissingDatasetError:
        sounds = [make(LABELS[index % len(LABELS)], index, rate) for index in range(_COMPARED)]
    length = round(rate * seconds)
    return [np.pad(sound[:length], (0, max(0, length - len(sound)))) for sound in sounds]


def _setting(
    recipe: str, dataset: str, seed: int, sets: list[str], weights: Path | None
) -> tuple["Dataset", "Setting"]:
    with _learning():
        from hubbub.train import fit, recipe as recipes, weights as published  # noqa: I001

    from hubbub.cli.progress import track
    from hubbub.data.registry import open_dataset
    from hubbub.storage import cache_dir

    resolved = recipes.load(recipe, dict(_parsed(item) for item in sets))
    sounds = open_dataset(dataset)
    network = resolved.network
    trunk = published.load_trunk(published.locate(network.weights, weights), network.pool_from, network.width)
    material = _material(sounds, resolved)
    return sounds, fit.Setting(
        material, resolved, recipes.to_yaml(resolved), trunk, seed, cache_dir("frozen"), _say, track("choosing C")
    )


def _material(sounds: "Dataset", recipe: Any) -> "Material":
    import numpy as np

    from hubbub.cli.progress import track
    from hubbub.features.cache import load
    from hubbub.train.material import Material

    features = load(sounds.clips, recipe.frontend, recipe.seconds, track=track("log-mel"))
    number = {label: index for index, label in enumerate(sounds.labels)}
    return Material(
        sounds.name,
        sounds.labels,
        tuple(clip.id for clip in sounds.clips),
        features.arrays,
        np.array([number[clip.label] for clip in sounds.clips]),
        np.array([clip.group for clip in sounds.clips]),
        np.array([clip.fold or 0 for clip in sounds.clips]),
        features.digests,
    )


def _official(sounds: "Dataset", fold: int, setting: "Setting") -> "Ids":
    from hubbub.data.splits import official

    return official(sounds, fold, setting.recipe.validation)


def _rows(material: "Material", split: "Ids") -> "Split":
    from hubbub.train.material import Split

    return Split(split.name, *(material.rows(ids) for ids in (split.train, split.validation, split.test)))


def _parsed(item: str) -> tuple[str, Any]:
    import yaml

    key, equals, value = item.partition("=")
    if not equals or not key:
        raise UsageError(f"--set takes KEY=VALUE, such as --set network.dropout=0.3, not {item!r}")
    try:
        return key, yaml.safe_load(value)
    except yaml.YAMLError as error:
        raise UsageError(f"--set {item}: the value is not YAML") from error


def _folder(runs: Path, name: str) -> Any:
    from hubbub.runs import Run

    if Path(name).name != name:
        raise UsageError(f"--name {name!r} is not a folder name: leave out slashes, and give --runs for the place")
    return Run(runs / name)


def _suffix(seed: int) -> str:
    return f"-seed{seed}" if seed else ""


def _say(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


def _conclude(run: Any) -> None:
    from hubbub.cli.report import show_run

    show_run(run)
    print(f"run folder: {run.folder}")
