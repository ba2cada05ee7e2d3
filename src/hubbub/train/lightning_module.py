"""One step of training: mixup, label smoothing, class weights, averaged weights, and what stays frozen."""

from collections.abc import Callable
from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.lr_scheduler import LambdaLR
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hubbub.train.config import Recipe, Stage
from hubbub.train.networks.classifier import ClassifierNetwork


class Tuning(pl.LightningModule):
    """Trains a classifier from block `stage.first_trainable_block` on.

    Batches hold what the blocks before `start` made of clips.

    Validation scores the average of the weights (exponential, Polyak style: Tarvainen and Valpola, "Mean teachers",
    NeurIPS 2017), which is what a checkpoint is chosen for. Mixup (Zhang et al., ICLR 2018) mixes spectrograms, or
    embeddings (manifold mixup: Verma et al., ICML 2019).

    Args:
        classifier: to train, in place.
        recipe: mixup, label smoothing, weight average.
        stage: which blocks, optimiser, learning rate and its schedule.
        seed: of everything random in a step; with epoch and batch it determines the draws, so that a resumed run goes
            on as an uninterrupted one would.
        start: the block that batches are the input of: the first trainable one for frozen features, 0 for log-mel.
        class_weights: of the loss, shape (classes,); all alike if left out.
    """

    class_weights: Tensor | None

    def __init__(
        self,
        classifier: ClassifierNetwork,
        recipe: Recipe,
        stage: Stage,
        seed: int,
        start: int = 0,
        class_weights: Tensor | None = None,
    ):
        super().__init__()
        self.classifier, self.recipe, self.stage, self.seed = classifier, recipe, stage, seed
        self.start = start
        self.register_buffer("class_weights", class_weights, persistent=False)
        for index, block in enumerate(classifier.trunk.blocks):
            block.requires_grad_(index >= stage.first_trainable_block)
        self.average = AveragedModel(classifier, multi_avg_fn=get_ema_multi_avg_fn(recipe.ema_decay))

    def train(self, mode: bool = True) -> "Tuning":
        """Training mode for the head and what is trained of the trunk; the rest keeps its batch norm statistics."""
        super().train(mode)
        frozen = self.stage.first_trainable_block if self.stage.batch_norm == "trained" else None
        self.classifier.trunk.blocks[:frozen].eval()
        self.average.eval()
        return self

    def on_train_start(self) -> None:
        """Lightning's hook. Of less than ten batches an epoch, batch norm takes the mean.

        Its statistics, which validation uses, would else lag epochs behind the weights.
        """
        batches = int(self.trainer.num_training_batches)
        for module in self.classifier.modules():
            if isinstance(module, nn.BatchNorm2d) and 0 < batches < 10:
                module.momentum = max(module.momentum or 0.0, 1 / batches)

    def on_train_epoch_start(self) -> None:
        """Lightning's hook; Lightning itself never calls `train`."""
        self.train()

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Lightning's hook. Seeds each batch, for a resumed epoch draws once more before its first one."""
        torch.manual_seed(hash((self.seed, self.stage.first_trainable_block, self.current_epoch, index)))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch of (blocks' output, targets): classes, or the share of each class.

        The epoch's `train_loss` and `train_accuracy` are of clips as they are shown, augmented, mixed and with dropout,
        by weights that change meanwhile; a mixed clip counts as right if its louder part is named.
        """
        x, targets = batch
        shares = targets if targets.ndim == 2 else functional.one_hot(targets, self.classifier.classes).float()
        mixup_of = self.recipe.mixup_of if self.recipe.mixup else None
        if mixup_of == "input":
            x, shares = mix(x, shares, self.recipe.mixup)
        embedding = self.classifier.trunk(x, self.start)
        if mixup_of == "embedding":
            embedding, shares = mix(embedding, shares, self.recipe.mixup)
        logits = self.classifier.head(embedding)
        loss = functional.cross_entropy(
            logits,
            shares,
            weight=self.class_weights,
            label_smoothing=self.recipe.label_smoothing,
        )
        correct = (logits.argmax(1) == shares.argmax(1)).float().mean()
        figures = {"train_loss": loss, "train_accuracy": correct}
        self.log_dict(figures, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Lightning's hook."""
        self.average.update_parameters(self.classifier)

    def on_validation_epoch_start(self) -> None:
        """Lightning's hook."""
        self._validated: list[tuple[Tensor, Tensor]] = []

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Loss and accuracy of the averaged weights."""
        x, targets = batch
        averaged = self.average.module
        assert isinstance(averaged, ClassifierNetwork)
        logits = averaged.head(averaged.trunk(x, self.start)).float()
        correct = logits.argmax(1) == targets
        self._validated.append((targets, correct))
        figures = {"val_loss": functional.cross_entropy(logits, targets), "val_accuracy": correct.float().mean()}
        self.log_dict(figures, batch_size=len(targets))

    @property
    def recall(self) -> Tensor:
        """Of each class in the last validation, shape (classes,); NaN without clips."""
        targets, correct = (torch.cat(part).cpu() for part in zip(*self._validated, strict=True))
        counts = torch.bincount(targets, minlength=self.classifier.classes)
        return torch.bincount(targets[correct], minlength=self.classifier.classes) / counts

    def configure_optimizers(self) -> dict[str, Any]:
        """The stage's optimiser (AdamW: Loshchilov and Hutter, ICLR 2019), and its schedule, step by step."""
        stage = self.stage
        trained = [parameter for parameter in self.classifier.parameters() if parameter.requires_grad]
        options: dict[str, Any] = {"lr": stage.lr, "weight_decay": stage.weight_decay}
        if stage.optimizer == "sgd":
            optimizer: torch.optim.Optimizer = torch.optim.SGD(trained, momentum=0.9, nesterov=True, **options)
        else:
            optimizer = (torch.optim.AdamW if stage.optimizer == "adamw" else torch.optim.Adam)(trained, **options)
        batches = max(1, int(self.trainer.estimated_stepping_batches) // stage.epochs)
        schedule = LambdaLR(optimizer, _rate_factor(stage, batches))
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}


def _rate_factor(stage: Stage, batches: int) -> Callable[[int], float]:
    """What the learning rate is multiplied with at each step of `batches` an epoch."""
    cosine = torch.pi / stage.epochs

    def factor(step: int) -> float:
        epoch = step / batches
        if epoch < stage.warmup:
            return float((step + 1) / (stage.warmup * batches + 1))
        if stage.schedule == "step":
            return float(stage.step_factor ** (step // batches // stage.step_epochs))
        if stage.schedule == "cosine":
            return float(0.5 * (1 + torch.cos(torch.tensor(min(epoch, stage.epochs) * cosine)).item()))
        return 1.0

    return factor


def mix(values: Tensor, targets: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Each row of both mixed with another row, by a share drawn from Beta(alpha, alpha).

    `values` has shape (batch, ...), `targets`, the share of each class, (batch, classes).
    """
    shares = torch.distributions.Beta(alpha, alpha).sample((len(values),)).to(values)
    other = torch.randperm(len(values), device=values.device)
    broad = shares.reshape(-1, *[1] * (values.ndim - 1))
    return (
        broad * values + (1 - broad) * values[other],
        shares[:, None] * targets + (1 - shares[:, None]) * targets[other],
    )
