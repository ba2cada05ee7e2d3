"""What happens while a stage trains: epochs become rows of a table, checkpoints are kept, progress is reported."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pytorch_lightning as pl
from pytorch_lightning.callbacks import Callback

from hubbub.augment.class_aware import ClassAware
from hubbub.storage import read_csv, write_csv, write_with
from hubbub.train import weights
from hubbub.train.lightning_module import Tuning
from hubbub.types import Doubles, Log

EPOCH_COLUMNS = (
    *("stage", "epoch", "train_loss", "train_accuracy", "val_loss", "val_accuracy", "lr", "seconds", "waiting"),
)


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


def ignore(batch: BatchEnd) -> None:
    """An `OnBatchEnd` for when nobody looks."""


@dataclass(frozen=True)
class StageFiles:
    """The checkpoints of a stage, counted from 1, in the run folder `run`."""

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
        """Weights, optimiser, schedule and callbacks after the last whole epoch: all that the next one needs."""
        return self._folder / "last.ckpt"


class ClassStrengths(Callback):
    """Strength of the augmentation of each class, from its validation recall; a row an epoch in strengths.csv.

    Later stages go on from the strengths that earlier ones came to; `before` is how many epochs those have.
    """

    def __init__(self, rule: ClassAware, labels: tuple[str, ...], path: Path):
        self.rule, self.labels, self.path = rule, labels, path
        self.before = 0
        self.now: Doubles = rule.start(len(labels))

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


class BatchProgress(Callback):
    """Reports every batch, and measures how long training waited for data, and at what learning rate."""

    def __init__(self, stage: int, stages: int, on_batch_end: OnBatchEnd):
        self.stage, self.stages, self.report = stage, stages, on_batch_end
        self.seconds_waited, self.epoch_began = 0.0, time.monotonic()
        self.learning_rate = 0.0

    def on_train_epoch_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        self.seconds_waited, self.epoch_began = 0.0, time.monotonic()
        self._waiting_since = self.epoch_began

    def on_train_batch_start(self, trainer: pl.Trainer, module: pl.LightningModule, batch: Any, index: int) -> None:
        """Lightning's hook."""
        self.seconds_waited += time.monotonic() - self._waiting_since
        self.learning_rate = float(trainer.optimizers[0].param_groups[0]["lr"])

    def on_train_batch_end(
        self, trainer: pl.Trainer, module: pl.LightningModule, outputs: Any, batch: Any, index: int
    ) -> None:
        """Lightning's hook."""
        accuracy = trainer.callback_metrics.get("val_accuracy")
        self.report(
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
        self._waiting_since = time.monotonic()


class Checkpointing(Callback):
    """After each epoch: a row in epochs.csv, the averaged weights if they are the best so far, and `StageFiles.last`.

    The best has the least validation loss, or the highest accuracy, as `monitor` says. After `patience` epochs without
    a better one it ends the stage; 0 never does. That is not left to Lightning's EarlyStopping, which acts after all
    other callbacks, when the last checkpoint has been written.

    Everything is written whole or not at all, so that an end at any moment costs the current epoch at most. Must be the
    last of the callbacks, so that it keeps what the others have become.
    """

    def __init__(self, files: StageFiles, monitor: str, patience: int, progress: BatchProgress, log: Log):
        self.files, self.monitor, self.patience, self.progress = files, monitor, patience, progress
        self.log_line = log  # Lightning puts a `log` of its own on callbacks
        self.least_badness = float("inf")
        self.epochs_since_best = 0
        self._tensorboard: Any = None

    def state_dict(self) -> dict[str, Any]:
        """Lightning's hook."""
        return {"least_badness": self.least_badness, "epochs_since_best": self.epochs_since_best}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Lightning's hook."""
        self.least_badness, self.epochs_since_best = state["least_badness"], state["epochs_since_best"]

    @property
    def _out_of_patience(self) -> bool:
        return 0 < self.patience <= self.epochs_since_best

    def on_train_start(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook. A stage that has ended early is not taken up again."""
        trainer.should_stop = self._out_of_patience

    def on_validation_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        assert isinstance(module, Tuning)
        value = float(trainer.callback_metrics[self.monitor])
        badness = value if self.monitor == "val_loss" else -value
        self.epochs_since_best += 1
        if badness < self.least_badness:
            self.least_badness, self.epochs_since_best = badness, 0
            state = module.average.module.state_dict()
            weights.save(self.files.best, {"badness": badness, "state": state})

    def on_train_epoch_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        seconds = time.monotonic() - self.progress.epoch_began
        epoch = trainer.current_epoch + 1
        figures = {name: float(value) for name, value in trainer.callback_metrics.items()}
        figures |= {"stage": self.files.stage, "epoch": epoch, "lr": self.progress.learning_rate}
        figures |= {"seconds": seconds, "waiting": self.progress.seconds_waited / seconds}
        row = {name: f"{figures[name]:.6g}" for name in EPOCH_COLUMNS}
        add_row(self.files.run / "epochs.csv", EPOCH_COLUMNS, row, ("stage", "epoch"))
        self._write_tensorboard(figures, epoch)
        self.log_line(
            f"stage {self.files.stage}, epoch {epoch} of {trainer.max_epochs}:"
            f" training loss {figures['train_loss']:.3f}, accuracy {figures['train_accuracy']:.1%};"
            f" validation loss {figures['val_loss']:.3f}, accuracy {figures['val_accuracy']:.1%}; {seconds:.0f} s"
        )
        trainer.should_stop = self._out_of_patience
        write_with(self.files.last, trainer.save_checkpoint)

    def on_fit_end(self, trainer: pl.Trainer, module: pl.LightningModule) -> None:
        """Lightning's hook."""
        if self._tensorboard:
            self._tensorboard.close()

    def _write_tensorboard(self, figures: dict[str, float], epoch: int) -> None:
        """If it is installed."""
        if self._tensorboard is None:
            try:
                from torch.utils.tensorboard import SummaryWriter
            except ImportError:
                self._tensorboard = False
                return
            folder = self.files.run / "tensorboard" / f"stage{self.files.stage}"
            self._tensorboard = SummaryWriter(str(folder), purge_step=epoch)
        if self._tensorboard:
            for name in EPOCH_COLUMNS[2:]:
                self._tensorboard.add_scalar(name, figures[name], epoch)
            self._tensorboard.flush()


def add_row(path: Path, columns: tuple[str, ...], row: dict[str, str], key: tuple[str, ...]) -> None:
    """Add a row to a CSV file; one with the same key, from before an interruption, gives way.

    Rows of before may lack a column, if an older hubbub began the table; it is left empty.
    """
    before = read_csv(path, remedy="run it again") if path.is_file() else []
    others = [other for other in before if any(other[name] != row[name] for name in key)]
    write_csv(path, columns, ([each.get(name, "") for name in columns] for each in (*others, row)))
