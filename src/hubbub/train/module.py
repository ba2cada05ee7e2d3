"""One step of training: mixup of embeddings, label smoothing, averaged weights, batch norm as AudioSet left it."""

from typing import Any

import pytorch_lightning as pl
import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.optim.swa_utils import AveragedModel, get_ema_multi_avg_fn

from hubbub.train.networks.classifier import Classifier
from hubbub.train.settings import Recipe, Stage


class Tuning(pl.LightningModule):
    """Trains a classifier from block `stage.train_from` on; batches hold what the blocks before made of the clips.

    Validation scores the average of the weights (exponential, Polyak style: Tarvainen and Valpola, "Mean teachers",
    NeurIPS 2017), which is what a checkpoint is chosen for. Mixup (Zhang et al., ICLR 2018) mixes embeddings, not
    spectrograms (manifold mixup: Verma et al., ICML 2019).

    Args:
        classifier: to train, in place.
        recipe: mixup, label smoothing, weight average.
        stage: which blocks, learning rate, weight decay.
        seed: of everything random in a step; with epoch and batch it determines the draws, so that a resumed run goes
            on as an uninterrupted one would.
    """

    def __init__(self, classifier: Classifier, recipe: Recipe, stage: Stage, seed: int):
        super().__init__()
        self.classifier, self.recipe, self.stage, self.seed = classifier, recipe, stage, seed
        for index, block in enumerate(classifier.trunk.blocks):
            block.requires_grad_(index >= stage.train_from)
        self.average = AveragedModel(classifier, multi_avg_fn=get_ema_multi_avg_fn(recipe.weight_average))

    def train(self, mode: bool = True) -> "Tuning":
        """Training mode for the head; the trunk keeps its batch norm statistics."""
        super().train(mode)
        self.classifier.trunk.eval()
        return self

    def on_train_epoch_start(self) -> None:
        """Lightning's hook; Lightning itself never calls `train`."""
        self.train()

    def on_train_batch_start(self, batch: Any, index: int) -> None:
        """Lightning's hook. Seeds each batch, for a resumed epoch draws once more before its first one."""
        torch.manual_seed(hash((self.seed, self.stage.train_from, self.current_epoch, index)))

    def training_step(self, batch: tuple[Tensor, Tensor], index: int) -> Tensor:
        """Loss of one batch of (blocks' output, targets)."""
        x, targets = batch
        embedding = self.classifier.trunk(x, self.stage.train_from)
        wanted = functional.one_hot(targets, self._classes).float()
        if self.recipe.mixup:
            embedding, wanted = mix(embedding, wanted, self.recipe.mixup)
        loss = functional.cross_entropy(
            self.classifier.head(embedding), wanted, label_smoothing=self.recipe.label_smoothing
        )
        self.log("train_loss", loss, on_step=False, on_epoch=True, batch_size=len(targets))
        return loss

    def on_train_batch_end(self, *_: Any) -> None:
        """Lightning's hook."""
        self.average.update_parameters(self.classifier)

    def validation_step(self, batch: tuple[Tensor, Tensor], index: int) -> None:
        """Loss and accuracy of the averaged weights."""
        x, targets = batch
        averaged = self.average.module
        assert isinstance(averaged, Classifier)
        logits = averaged.head(averaged.trunk(x, self.stage.train_from))
        right = (logits.argmax(1) == targets).float().mean()
        figures = {"val_loss": functional.cross_entropy(logits, targets), "val_accuracy": right}
        self.log_dict(figures, batch_size=len(targets))

    def configure_optimizers(self) -> torch.optim.Optimizer:
        """AdamW (Loshchilov and Hutter, ICLR 2019)."""
        wanted = [parameter for parameter in self.classifier.parameters() if parameter.requires_grad]
        return torch.optim.AdamW(wanted, lr=self.stage.lr, weight_decay=self.stage.weight_decay)

    @property
    def _classes(self) -> int:
        last = self.classifier.head[-1]
        assert isinstance(last, nn.Linear)
        return last.out_features


def mix(embedding: Tensor, wanted: Tensor, alpha: float) -> tuple[Tensor, Tensor]:
    """Each row of both mixed with another one, by a share drawn from Beta(alpha, alpha)."""
    shares = torch.distributions.Beta(alpha, alpha).sample((len(embedding), 1)).to(embedding)
    other = torch.randperm(len(embedding), device=embedding.device)
    return (
        shares * embedding + (1 - shares) * embedding[other],
        shares * wanted + (1 - shares) * wanted[other],
    )
