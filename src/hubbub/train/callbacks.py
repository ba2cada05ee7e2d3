"""What happens while a stage trains: each epoch is written down, checkpoints are kept, watchers are told."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from numpy.typing import NDArray
from pytorch_lightning.callbacks import Callback

from hubbub.augment.class_aware import ClassAware
from hubbub.storage import read_csv, write_csv, write_with
from hubbub.train import weights
from hubbub.train.lightning_module import Tuning

EPOCHS = ("stage", "epoch", "train_loss", "val_loss", "val_accuracy", "lr", "seconds", "waiting")


@dataclass(frozen=True)
class BatchEnd:
    """One batch is done: of an epoch of a stage, counted from 1; `val_accuracy` is that of the last validation."""

    stage: int
    stages: int
    epoch: int
    epochs: int
    batch: int
    batches: int
    loss: float
    val_accuracy: float | None = None


OnBatchEnd = Callable[[BatchEnd], None]


def ignore(done: BatchEnd) -> None:
    """An `OnBatchEnd` for when nobody looks."""


@dataclass(frozen=True)
class Files:
    """Where a stage keeps what it needs to go on, and what it found."""

    run: Path
    stage: int

    @property
    def _folder(self) -> Path:
        return self.run / "checkpoints" / f"stage{self.stage}"

    @property
    def best(self) -> Path:
        """The averaged weights of the best epoch."""
        return self._folder / "best.pt"

    @property
    def last(self) -> Path:
        """All that the next epoch needs."""
        return self._folder / "last.ckpt"


class ClassStrengths(Callback):
    """Strength of the augmentation of each class, from its validation recall; a row an epoch in strengths.csv.

    Later stages go on from the strengths that earlier ones came to; `before` is how many epochs those have.
    """

    def __init__(self, rule: ClassAware, labels: tuple[str, ...], path: Path):
        self.rule, self.labels, self.path = rule, labels, path
        self.before = 0
        self.now: NDArray[np.float64] = rule.start(len(labels))

    def state_dict(self) -> dict[str, Any]:
        """Lightning's hook."""
        return {"now": self.now.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lightning's hook."""
        self.now = np.array(state["now"])

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        assert isinstance(module, Tuning)
        row = {"epoch": str(self.before + trainer.current_epoch + 1)}
        row |= {label: f"{value:.4f}" for label, value in zip(self.labels, self.now, strict=True)}
        add_row(self.path, ("epoch", *self.labels), row, ("epoch",))
        self.now = self.rule.update(self.now, module.recall.numpy().astype(np.float64))


class Watching(Callback):
    """Tells a watcher of every batch, and measures how long training waited for data, and at what learning rate."""

    def __init__(self, stage: int, stages: int, watch: OnBatchEnd):
        self.stage, self.stages, self.watch = stage, stages, watch
        self.waited, self.began = 0.0, time.monotonic()
        self.rate = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        self.waited, self.began = 0.0, time.monotonic()
        self._idle_since = self.began

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int) -> None:
        """Lightning's hook."""
        self.waited += time.monotonic() - self._idle_since
        self.rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Lightning's hook."""
        accuracy = trainer.callback_metrics.get("val_accuracy")
        self.watch(
            BatchEnd(
                self.stage,
                self.stages,
                trainer.current_epoch + 1,
                int(trainer.max_epochs or 0),
                index + 1,
                int(trainer.num_training_batches),
                float(outputs["loss"]),
                None if accuracy is None else float(accuracy),
            )
        )
        self._idle_since = time.monotonic()


class Keep(Callback):
    """After each epoch: a row in epochs.csv, the averaged weights if they are the best so far, and what going on takes.

    After `patience` epochs without a better one it ends the stage; 0 never does. That is not left to Lightning's
    EarlyStopping, which acts after all other callbacks, when what going on takes has been written.

    Everything is written whole or not at all, so that an end at any moment costs the current epoch at most. Must be the
    last of the callbacks, so that it keeps what the others have become.
    """

    def __init__(self, files: Files, monitor: str, patience: int, watching: Watching, say: Any):
        self.files, self.monitor, self.patience, self.watching, self.say = files, monitor, patience, watching, say
        self.least = float("inf")
        self.since = 0  # epochs without a better one
        self._board: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Lightning's hook."""
        return {"least": self.least, "since": self.since}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lightning's hook."""
        self.least, self.since = state["least"], state.get("since", 0)

    @property
    def _over(self) -> bool:
        return 0 < self.patience <= self.since

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook. A stage that has ended early is not taken up again."""
        trainer.should_stop = self._over

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        assert isinstance(module, Tuning)
        value = float(trainer.callback_metrics[self.monitor])
        badness = value if self.monitor == "val_loss" else -value
        self.since += 1
        if badness < self.least:
            self.least, self.since = badness, 0
            state = module.average.module.state_dict()
            weights.save(self.files.best, {"badness": badness, "state": state})

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        seconds = time.monotonic() - self.watching.began
        epoch = trainer.current_epoch + 1
        here = {"stage": self.files.stage, "epoch": epoch, **figures, "seconds": seconds}
        here |= {"lr": self.watching.rate, "waiting": self.watching.waited / seconds}
        row = {name: f"{here[name]:.6g}" for name in EPOCHS}
        add_row(self.files.run / "epochs.csv", EPOCHS, row, ("stage", "epoch"))
        self._plot(here)
        losses = f"training loss {here['train_loss']:.3f}, validation loss {here['val_loss']:.3f}"
        where = f"stage {self.files.stage}, epoch {epoch} of {trainer.max_epochs}"
        self.say(f"{where}: {losses}, accuracy {here['val_accuracy']:.1%}, {seconds:.0f} s")
        trainer.should_stop = self._over
        write_with(self.files.last, trainer.save_checkpoint)

    def on_fit_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        if self._board:
            self._board.close()

    def _plot(self, here: dict[str, Any]) -> None:
        """For TensorBoard, if it is installed."""
        if self._board is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                self._board = False
                return
            folder = self.files.run / "tensorboard" / f"stage{self.files.stage}"
            self._board = SummaryWriter(str(folder), purge_step=here["epoch"])
        if self._board:
            for name in EPOCHS[2:]:
                self._board.add_scalar(name, here[name], here["epoch"])
            self._board.flush()


def add_row(path: Path, columns: tuple[str, ...], row: dict[str, str], key: tuple[str, ...]) -> None:
    """Add a row to a CSV file; one with the same key, from before an interruption, gives way."""
    mine = [row[name] for name in key]
    before = read_csv(path, remedy="run it again") if path.is_file() else []
    rows = [*(old for old in before if [old[name] for name in key] != mine), row]
    write_csv(path, columns, ([one[name] for name in columns] for one in rows))
