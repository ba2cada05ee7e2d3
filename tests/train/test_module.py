import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tinylearning as tiny
from hubbub.train.material import clean
from hubbub.train.module import Tuning, mix
from hubbub.train.networks.classifier import Classifier, head
from hubbub.train.settings import Recipe, Stage

PLAIN = tiny.changed(tiny.FINETUNE, mixup=0.0, label_smoothing=0.0, weight_average=0.7)


def tuning(start: int = 0, recipe: Recipe = PLAIN, seed: int = 0, lr: float = 1e-2) -> Tuning:
    """A module that can be stepped by hand, with what it logs in `logged`."""
    trunk = tiny.trunk()
    torch.manual_seed(0)
    layers = head(trunk.embedding_size, len(tiny.LABELS), recipe.network.hidden, recipe.network.dropout)
    module = Tuning(Classifier(trunk, layers), recipe, Stage(start, 1, lr), seed)
    logged: dict[str, Any] = {}
    module.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign,assignment]
    module.log_dict = lambda values, **_: logged.update(values)  # type: ignore[method-assign,assignment]
    module.logged = logged  # type: ignore[assignment]
    return module


def batch(rows: list[int], start: int = 0) -> tuple[Tensor, Tensor]:
    given = tiny.material()
    with torch.no_grad():
        x = tiny.trunk().prefix(clean(given, np.array(rows)), start)
    return x, torch.from_numpy(given.targets[rows])


def steps(module: Tuning, count: int, start: int = 0) -> list[dict[str, Tensor]]:
    """So many steps as Lightning makes them; the weights after each."""
    optimizer = module.configure_optimizers()
    weights = []
    module.on_train_epoch_start()
    for index in range(count):
        part = batch([index, index + 3, index + 7], start)
        module.on_train_batch_start(part, index)
        optimizer.zero_grad()
        module.training_step(part, index).backward()
        optimizer.step()
        module.on_train_batch_end()
        weights.append(copy.deepcopy(module.classifier.state_dict()))
    return weights


# --- a step -----------------------------------------------------------------------------------------------------------


def test_the_loss_is_the_cross_entropy_of_smoothed_targets() -> None:
    module = tuning(recipe=tiny.changed(PLAIN, label_smoothing=0.3)).eval()
    x, targets = batch([0, 4, 8])
    with torch.no_grad():
        found = float(module.training_step((x, targets), 0))
        logs = torch.log_softmax(module.classifier(x)[0], 1).numpy()
    wanted = np.full((3, 3), 0.1)
    wanted[np.arange(3), targets] += 0.7
    assert found == pytest.approx(-(wanted * logs).sum(1).mean(), rel=1e-5)
    assert module.logged["train_loss"] == found


@pytest.mark.parametrize("start", [0, 7, 17])
def test_a_step_goes_on_from_what_the_frozen_blocks_made(start: int) -> None:
    module = tuning(start).eval()
    with torch.no_grad():
        found = module.training_step(batch([1, 2], start), 0)
        expected = tuning().eval().training_step(batch([1, 2]), 0)
    assert float(found) == pytest.approx(float(expected), rel=1e-4)


def test_validation_scores_the_averaged_weights() -> None:
    module = tuning()
    steps(module, 3)
    module.eval()
    x, targets = batch([0, 1, 5, 6])
    with torch.no_grad():
        module.validation_step((x, targets), 0)
        module.classifier.load_state_dict(module.average.module.state_dict())
        logits = module.classifier(x)[0]
    logs = torch.log_softmax(logits, 1)[torch.arange(4), targets]
    assert float(module.logged["val_loss"]) == pytest.approx(float(-logs.mean()), rel=1e-5)
    assert float(module.logged["val_accuracy"]) == np.mean((logits.argmax(1) == targets).numpy())


def test_averaged_weights_are_an_exponential_average() -> None:
    module = tuning()
    weights = steps(module, 5)
    for name, value in module.average.module.named_parameters():
        average = weights[0][name].double()
        for after in weights[1:]:
            average = 0.7 * average + 0.3 * after[name].double()
        torch.testing.assert_close(value.double(), average, rtol=1e-5, atol=1e-6)
    assert not torch.equal(weights[0]["head.2.weight"], weights[4]["head.2.weight"])


@pytest.mark.parametrize("start", [0, 7, 17])
def test_blocks_before_the_stage_do_not_move(start: int) -> None:
    module = tuning(start)
    before = copy.deepcopy(module.classifier.state_dict())
    after = steps(module, 2, start)[-1]
    moved = {name for name in after if not torch.equal(after[name], before[name])}
    assert {int(name.split(".")[2]) for name in moved if name.startswith("trunk")} == set(range(start, 17))
    assert any(name.startswith("head") for name in moved)


def test_batch_norm_keeps_its_statistics_and_uses_them() -> None:
    module = tuning()
    buffers = {name: value.clone() for name, value in module.classifier.named_buffers()}
    steps(module, 3)
    assert buffers.keys() >= {"trunk.blocks.3.depthwise.norm.running_var"}
    for name, value in module.classifier.named_buffers():
        assert torch.equal(value, buffers[name]), name
    assert module.classifier.head.training and not any(part.training for part in module.classifier.trunk.modules())


def test_training_draws_derive_from_seed_stage_epoch_and_batch() -> None:
    def draw(seed: int, start: int, epoch: int, index: int) -> float:
        module = tuning(start, seed=seed)
        module._trainer = SimpleNamespace(current_epoch=epoch)  # type: ignore[assignment]
        module._fabric = None
        module.on_train_batch_start(None, index)
        return float(torch.rand(()))

    cases = [(0, 17, 0, 0), (1, 17, 0, 0), (0, 7, 0, 0), (0, 17, 1, 0), (0, 17, 0, 1)]
    assert len({draw(*case) for case in cases}) == len(cases)
    assert draw(*cases[0]) == draw(*cases[0])


def test_only_what_is_trained_is_given_to_the_optimizer() -> None:
    module = tuning(7, lr=0.03)
    optimizer = module.configure_optimizers()
    given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    blocks = module.classifier.trunk.blocks
    wanted = [*blocks[7:].parameters(), *module.classifier.head.parameters()]
    assert given == {id(parameter) for parameter in wanted}
    assert optimizer.param_groups[0]["lr"] == 0.03 and isinstance(optimizer, torch.optim.AdamW)


# --- mixup ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("alpha", [0.1, 0.4, 8.0])
def test_each_row_is_mixed_with_one_other_and_with_its_label_alike(alpha: float) -> None:
    torch.manual_seed(3)
    names = torch.eye(20)
    embedding, wanted = mix(names, names, alpha)
    assert torch.equal(embedding, wanted)
    torch.testing.assert_close(wanted.sum(1), torch.ones(20))
    assert (wanted >= 0).all() and ((wanted > 0).sum(1) <= 2).all()
    foreign = (wanted > 0) & (names == 0)
    assert (foreign.sum(0) <= 1).all()  # a permutation: nobody is lent twice
    assert 10 < int(foreign.sum()) <= 20


def test_shares_are_drawn_from_a_beta_distribution() -> None:
    torch.manual_seed(0)
    pair = torch.eye(2)
    shares = torch.stack([mix(pair, pair, 0.4)[1][0, 0] for _ in range(4000)])
    mixed = shares[shares < 1]  # where the other one was itself, the share does not show
    assert float(mixed.mean()) == pytest.approx(0.5, abs=0.03)
    assert float(mixed.var()) == pytest.approx(1 / (4 * (2 * 0.4 + 1)), rel=0.08)


def test_mixing_leaves_what_it_was_given_and_follows_the_seed() -> None:
    x, y = torch.randn(6, 4), torch.eye(6)
    before = x.clone()
    torch.manual_seed(5)
    first = mix(x, y, 0.4)
    torch.manual_seed(5)
    again = mix(x, y, 0.4)
    assert torch.equal(x, before) and torch.equal(first[0], again[0]) and torch.equal(first[1], again[1])


def test_one_row_has_only_itself() -> None:
    x = torch.randn(1, 4)
    torch.testing.assert_close(mix(x, torch.ones(1, 1), 0.4)[0], x)
