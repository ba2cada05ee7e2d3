"""Fine-tuning in stages with Lightning: first the head, then the later blocks, then every block."""

import logging
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
import torch
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback, ModelCheckpoint
from torch import Tensor

from hubbub.errors import RefusedError
from hubbub.runs import read_csv, write_csv
from hubbub.storage import write_with
from hubbub.train.datamodule import Load, StageData
from hubbub.train.frozen import FrozenFeatures
from hubbub.train.material import Material, Split, augmented, clean
from hubbub.train.module import Tuning
from hubbub.train.networks.classifier import Classifier, Standardise, head
from hubbub.train.networks.mobilenet import MobileNetV3
from hubbub.train.settings import Recipe, Stage

_COLUMNS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy")
logging.getLogger("pytorch_lightning").setLevel(logging.ERROR)  # it advertises and repeats what `say` says
Say = Callable[[str], None]


@dataclass(frozen=True)
class Place:
    """Where a fine-tuning works: its run folder, the shared cache of frozen features, and who hears of each epoch."""

    folder: Path
    cache: Path
    say: Say = print


def fit(material: Material, split: Split, recipe: Recipe, trunk: MobileNetV3, seed: int, place: Place) -> Classifier:
    """Train the recipe's stages one after the other; each starts from the best checkpoint so far.

    Args:
        material: all clips.
        split: rows to train on and to choose by; its test rows are not looked at.
        recipe: what to do.
        trunk: pretrained; it is left as it is.
        seed: of the head, the order of clips and every draw.
        place: checkpoints are kept there until the run is whole, so that an interrupted run goes on where it was.

    Returns:
        The classifier with the least validation loss over all epochs of all stages.

    Raises RefusedError if the first stage diverges at once, so that there is nothing to choose from.
    """
    pl.seed_everything(seed, verbose=False)
    chosen = _start(material, split, recipe, trunk, seed, place)
    best: dict[str, Any] = {"loss": float("inf")}
    for number, stage in enumerate(recipe.stages, start=1):
        load = _loader(material, recipe, stage, trunk, seed, place)
        data = StageData(material, split.train, split.validation, load, recipe.batch, seed)
        checkpoint = _train(chosen, data, recipe, stage, seed, number, place)
        kept = torch.load(checkpoint, weights_only=True) if checkpoint.is_file() else best
        best = min(kept, best, key=lambda one: one["loss"])
        if "state" not in best:
            raise RefusedError(f"stage {number} of {recipe.name} diverged, no epoch has a loss: lower its lr")
        chosen.load_state_dict(best["state"])
    return chosen.eval()


def _start(material: Material, split: Split, recipe: Recipe, trunk: MobileNetV3, seed: int, place: Place) -> Classifier:
    wanted = recipe.network
    layers = head(trunk.embedding_size, len(material.labels), wanted.hidden, wanted.dropout)
    standardise = layers[0]
    assert isinstance(standardise, Standardise)
    embedding = _frozen(material, recipe, MobileNetV3.BLOCKS, trunk, seed, place)
    standardise.measure(embedding.rows(split.train, None).float())
    copy = MobileNetV3(wanted.width, wanted.pool_from)
    copy.load_state_dict(trunk.state_dict())
    return Classifier(copy, layers).to(memory_format=torch.channels_last)  # type: ignore[call-overload]


def _frozen(
    material: Material, recipe: Recipe, stop: int, trunk: MobileNetV3, seed: int, place: Place
) -> FrozenFeatures:
    """Features after `stop` blocks, made from those of the nearest earlier stop that the recipe needs as well."""
    earlier = [stage.train_from for stage in recipe.stages if 0 < stage.train_from < stop]
    base = _frozen(material, recipe, max(earlier), trunk, seed, place) if earlier else None
    return FrozenFeatures(material, recipe, trunk, stop, seed, place.cache, base=base)


def _loader(material: Material, recipe: Recipe, stage: Stage, trunk: MobileNetV3, seed: int, place: Place) -> Load:
    if stage.train_from == 0:
        return partial(_fresh, material, recipe, seed)
    frozen = _frozen(material, recipe, stage.train_from, trunk, seed, place)
    return lambda rows, epoch: frozen.rows(rows, None if epoch is None else epoch % stage.variants)


def _fresh(material: Material, recipe: Recipe, seed: int, rows: NDArray[np.int64], epoch: int | None) -> Tensor:
    return clean(material, rows) if epoch is None else augmented(material, rows, recipe, seed, _UNSEEN + epoch)


_UNSEEN = 1000  # versions under this number may be in the cache of frozen features; fresh ones are other versions


def _train(
    classifier: Classifier, data: StageData, recipe: Recipe, stage: Stage, seed: int, number: int, place: Place
) -> Path:
    """Train one stage, or take it up again; the path of its best checkpoint, not there if no loss was a number."""
    folder = place.folder / "checkpoints" / f"stage{number}"
    best, last = folder / "best.pt", folder / "last.ckpt"
    module = Tuning(classifier, recipe, stage, seed)
    trainer = pl.Trainer(
        max_epochs=stage.epochs,
        accelerator="auto",
        devices=1,
        logger=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        num_sanity_val_steps=0,
        reload_dataloaders_every_n_epochs=1,
        default_root_dir=folder,
        callbacks=[_Keep(best, number, place), ModelCheckpoint(folder, filename="last", enable_version_counter=False)],
    )
    with warnings.catch_warnings():
        for known in (
            ".*does not have many workers.*",
            ".*number of training batches.*",
            ".*in eval mode at the start of training.*",
            ".*exists and is not empty.*",
        ):
            warnings.filterwarnings("ignore", known)
        for outdated in (DeprecationWarning, FutureWarning):  # Lightning's own, with newer torch
            warnings.filterwarnings("ignore", category=outdated)
        try:
            trainer.fit(module, data, ckpt_path=last if last.is_file() else None, weights_only=False)
        except SystemExit as stopped:  # how Lightning ends on Ctrl-C; our commands say it in their own way
            raise KeyboardInterrupt from stopped
    return best


class _Keep(Callback):
    """After each epoch: a row in epochs.csv, and the averaged weights if validation loss is the least so far."""

    def __init__(self, best: Path, number: int, place: Place):
        self.best, self.number, self.place = best, number, place
        self.least = float("inf")

    def state_dict(self) -> dict[str, Any]:
        """Lightning's hook."""
        return {"least": self.least}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lightning's hook."""
        self.least = state["least"]

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        assert isinstance(module, Tuning)
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        if figures["val_loss"] < self.least:
            self.least = figures["val_loss"]
            state = module.average.module.state_dict()
            write_with(self.best, lambda path: torch.save({"loss": self.least, "state": state}, path))

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        here = {"stage": self.number, "epoch": trainer.current_epoch + 1, **figures}
        _add_row(self.place.folder / "epochs.csv", {key: f"{here[key]:.6g}" for key in _COLUMNS})
        losses = f"training loss {here['train_loss']:.3f}, validation loss {here['val_loss']:.3f}"
        epoch = f"stage {self.number}, epoch {here['epoch']} of {trainer.max_epochs}"
        self.place.say(f"{epoch}: {losses}, accuracy {here['val_accuracy']:.1%}")


def _add_row(path: Path, row: dict[str, str]) -> None:
    """Add an epoch's row; a row of the same epoch, from before an interruption, gives way."""
    key = (row["stage"], row["epoch"])
    before = read_csv(path) if path.is_file() else []
    rows = [*(old for old in before if (old["stage"], old["epoch"]) != key), row]
    write_csv(path, _COLUMNS, ([one[name] for name in _COLUMNS] for one in rows))
