import copy
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from torch import Tensor

import tinylearning as tiny
from hubbub.train.arrays import clean
from hubbub.train.config import Recipe, Stage
from hubbub.train.lightning_module import Tuning, mix
from hubbub.train.networks.classifier import ClassifierNetwork, head

PLAIN = tiny.changed(tiny.FINETUNE, mixup=0.0, label_smoothing=0.0, ema_decay=0.7)


def tuning(start: int = 0, recipe: Recipe = PLAIN, seed: int = 0, lr: float = 1e-2) -> Tuning:
    """A module that can be stepped by hand, with what it logs in `logged`."""
    trunk = tiny.trunk()
    torch.manual_seed(0)
    layers = head(trunk.embedding_size, len(tiny.LABELS), recipe.network.hidden, recipe.network.dropout)
    module = Tuning(ClassifierNetwork(trunk, layers), recipe, Stage(start, 1, lr), seed, start)
    module._trainer = SimpleNamespace(current_epoch=0, estimated_stepping_batches=4)  # type: ignore[assignment]
    module._fabric = None
    logged: dict[str, Any] = {}
    module.log = lambda name, value, **_: logged.update({name: value})  # type: ignore[method-assign,assignment]
    module.log_dict = lambda values, **_: logged.update(values)  # type: ignore[method-assign,assignment]
    module.logged = logged  # type: ignore[assignment]
    return module


def batch(rows: list[int], start: int = 0) -> tuple[Tensor, Tensor]:
    given = tiny.clip_arrays()
    with torch.no_grad():
        x = tiny.trunk().prefix(clean(given, np.array(rows)), start)
    return x, torch.from_numpy(given.targets[rows])


def steps(module: Tuning, count: int, start: int = 0) -> list[dict[str, Tensor]]:
    """So many steps as Lightning makes them; the weights after each."""
    optimizer = module.configure_optimizers()["optimizer"]
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
        loss = float(module.training_step((x, targets), 0))
        logs = torch.log_softmax(module.classifier(x)[0], 1).numpy()
    shares = np.full((3, 3), 0.1)
    shares[np.arange(3), targets] += 0.7
    assert loss == pytest.approx(-(shares * logs).sum(1).mean(), rel=1e-5)
    assert module.logged["train_loss"] == loss


@pytest.mark.parametrize("start", [7, 17])
def test_a_step_goes_on_from_what_the_frozen_blocks_made(start: int) -> None:
    module = tuning(start).eval()
    with torch.no_grad():
        loss = module.training_step(batch([1, 2], start), 0)
        expected = tuning().eval().training_step(batch([1, 2]), 0)
    assert float(loss) == pytest.approx(float(expected), rel=1e-4)


def test_validation_scores_the_averaged_weights() -> None:
    module = tuning()
    steps(module, 3)
    module.eval()
    x, targets = batch([0, 1, 5, 6])
    module.on_validation_epoch_start()
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


@pytest.mark.parametrize("start", [7, 17])
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
    assert module.classifier.head.training
    assert not any(part.training for block in module.classifier.trunk.blocks for part in block.modules())


def test_training_draws_derive_from_seed_stage_epoch_and_batch() -> None:
    def draw(seed: int, start: int, epoch: int, index: int) -> float:
        module = tuning(start, seed=seed)
        module._trainer = SimpleNamespace(current_epoch=epoch)  # type: ignore[assignment]
        module.on_train_batch_start(None, index)
        return float(torch.rand(()))

    cases = [(0, 17, 0, 0), (1, 17, 0, 0), (0, 7, 0, 0), (0, 17, 1, 0), (0, 17, 0, 1)]
    assert len({draw(*case) for case in cases}) == len(cases)
    assert draw(*cases[0]) == draw(*cases[0])


def test_only_what_is_trained_is_given_to_the_optimizer() -> None:
    module = tuning(7, lr=0.03)
    optimizer = module.configure_optimizers()["optimizer"]
    given = {id(parameter) for group in optimizer.param_groups for parameter in group["params"]}
    blocks = module.classifier.trunk.blocks
    parameters = [*blocks[7:].parameters(), *module.classifier.head.parameters()]
    assert given == {id(parameter) for parameter in parameters}
    assert optimizer.param_groups[0]["lr"] == 0.03 and isinstance(optimizer, torch.optim.AdamW)


# --- mixup ------------------------------------------------------------------------------------------------------------


def test_each_row_is_mixed_with_one_other_and_with_its_label_alike() -> None:
    torch.manual_seed(3)
    names = torch.eye(20)
    embedding, shares = mix(names, names, 0.4)
    assert torch.equal(embedding, shares)
    torch.testing.assert_close(shares.sum(1), torch.ones(20))
    assert (shares >= 0).all() and ((shares > 0).sum(1) <= 2).all()
    foreign = (shares > 0) & (names == 0)
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


# --- what is mixed, and how classes count -----------------------------------------------------------------------------


def smooth_loss(logits: Tensor, shares: Tensor, weights: Tensor) -> float:
    return float(-(weights * shares * torch.log_softmax(logits, 1)).sum(1).mean())


@pytest.mark.parametrize("of", ["input", "embedding"])
def test_spectrograms_or_embeddings_are_mixed(of: str) -> None:
    module = tuning(recipe=tiny.changed(PLAIN, mixup=1.0, mixup_of=of)).eval()
    x, targets = batch([0, 1, 5, 6])
    trunk, layers = module.classifier.trunk, module.classifier.head
    with torch.no_grad():
        torch.manual_seed(7)
        loss = float(module.training_step((x, targets), 0))
        torch.manual_seed(7)
        mixed, shares = mix(x if of == "input" else trunk(x), torch.eye(3)[targets], 1.0)
        logits = layers(trunk(mixed) if of == "input" else mixed)
        unmixed = smooth_loss(module.classifier(x)[0], torch.eye(3)[targets], torch.ones(3))
    assert loss == pytest.approx(smooth_loss(logits, shares, torch.ones(3)), rel=1e-5)
    assert abs(loss - unmixed) > 1e-3


def test_classes_weigh_as_they_are_told() -> None:
    weights = torch.tensor([0.5, 2.0, 0.1])
    plain = tuning()
    module = Tuning(plain.classifier, PLAIN, plain.stage, 0, 0, weights).eval()
    module.log = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    x, targets = batch([0, 1, 5, 6])
    with torch.no_grad():
        loss = float(module.training_step((x, targets), 0))
        expected = smooth_loss(module.classifier(x)[0], torch.eye(3)[targets], weights)
    assert loss == pytest.approx(expected, rel=1e-5)
    assert "class_weights" not in module.state_dict()


def test_recall_of_each_class_by_hand() -> None:
    module = tuning().eval()
    module.on_validation_epoch_start()
    with torch.no_grad():
        for rows in ([0, 3, 6], [1, 4, 9]):  # classes 0 0 0, then 1 1 0; none of class 2
            module.validation_step(batch(rows), 0)
        x, targets = batch([0, 3, 6, 1, 4, 9])
        right = (module.average.module(x)[0].argmax(1) == targets).tolist()
    expected = [sum(right[i] for i in (0, 1, 2, 5)) / 4, sum(right[3:5]) / 2, float("nan")]
    assert module.recall.tolist() == pytest.approx(expected, nan_ok=True)
    module.on_validation_epoch_start()
    module.validation_step(batch([2]), 0)
    assert module.recall.isnan().tolist() == [True, True, False]  # each validation starts anew


# --- batch norm of networks from scratch ------------------------------------------------------------------------------


@pytest.mark.parametrize(("kept", "batch_norm"), [(0, "trained"), (2, "trained"), (0, "frozen")])
def test_statistics_are_measured_of_trained_blocks_alone(kept: int, batch_norm: str) -> None:
    trunk = tiny.cnn()
    classifier = ClassifierNetwork(trunk, head(trunk.embedding_size, 3))
    module = Tuning(classifier, PLAIN, Stage(kept, 1, 1e-2, batch_norm=batch_norm), 0)  # type: ignore[arg-type]
    module.log = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    module.on_train_epoch_start()
    module.training_step((clean(tiny.clip_arrays(), np.arange(6)), torch.arange(6) % 3), 0)
    changed = {int(n.split(".")[1]) for n, v in trunk.named_buffers() if not torch.equal(v, tiny.cnn().get_buffer(n))}
    assert changed == (set(range(kept, 4)) if batch_norm == "trained" else set())
    assert [block.training for block in trunk.blocks] == [
        batch_norm == "trained" and index >= kept for index in range(5)
    ]
    assert not any(part.training for part in module.average.modules())


def test_the_average_has_the_statistics_of_the_last_step() -> None:
    trunk = tiny.cnn()
    stage = Stage(0, 1, 1e-2, batch_norm="trained")
    module = Tuning(
        ClassifierNetwork(trunk, head(trunk.embedding_size, 3)), tiny.changed(PLAIN, ema_decay=0.9), stage, 0
    )
    module.log = lambda *_, **__: None  # type: ignore[method-assign,assignment]
    module.on_train_epoch_start()
    module.training_step((clean(tiny.clip_arrays(), np.arange(6)), torch.arange(6) % 3), 0)
    module.on_train_batch_end()
    averaged = dict(module.average.module.named_buffers())
    for name, value in module.classifier.named_buffers():
        assert torch.equal(averaged[name], value), name


# --- optimisers and schedules -----------------------------------------------------------------------------------------


def configured(stage: Stage, batches: int = 3) -> dict[str, Any]:
    module = Tuning(tuning().classifier, PLAIN, stage, 0)
    module._trainer = SimpleNamespace(estimated_stepping_batches=stage.epochs * batches)  # type: ignore[assignment]
    module._fabric = None
    return module.configure_optimizers()


def rates(stage: Stage, batches: int = 3) -> np.ndarray:
    """The learning rate of every step, one row an epoch, and the one that would come next."""
    configuration = configured(stage, batches)
    optimizer, schedule = configuration["optimizer"], configuration["lr_scheduler"]
    assert schedule["interval"] == "step"
    values = []
    for _ in range(stage.epochs * batches):
        values.append(optimizer.param_groups[0]["lr"])
        optimizer.step()
        schedule["scheduler"].step()
    return np.array(values).reshape(stage.epochs, batches)


def test_a_constant_rate() -> None:
    np.testing.assert_allclose(rates(Stage(0, 3, 0.2)), 0.2)


def test_a_rate_that_halves_every_second_epoch() -> None:
    learning_rates = rates(Stage(0, 5, 0.8, schedule="step", step_epochs=2, step_factor=0.5))
    np.testing.assert_allclose(learning_rates, np.repeat([[0.8], [0.8], [0.4], [0.4], [0.2]], 3, axis=1))


def test_a_cosine_falls_from_the_rate_to_nothing() -> None:
    learning_rates = rates(Stage(0, 5, 0.8, schedule="cosine"), batches=4).ravel()
    np.testing.assert_allclose(learning_rates, 0.4 * (1 + np.cos(np.pi * np.arange(20) / 20)), atol=1e-6)
    assert learning_rates[0] == pytest.approx(0.8) and learning_rates[-1] < 0.01


def test_a_warmup_rises_in_even_steps_and_then_the_schedule_goes_on() -> None:
    plain = rates(Stage(0, 6, 0.8, schedule="cosine"), batches=4).ravel()
    warm = rates(Stage(0, 6, 0.8, schedule="cosine", warmup=1.5), batches=4).ravel()
    np.testing.assert_allclose(warm[:6], 0.8 * np.arange(1, 7) / 7)
    np.testing.assert_allclose(warm[6:], plain[6:])


@pytest.mark.parametrize(
    ("name", "kind", "options"),
    [
        ("adamw", torch.optim.AdamW, {}),
        ("adam", torch.optim.Adam, {}),
        ("sgd", torch.optim.SGD, {"momentum": 0.9, "nesterov": True}),
    ],
)
def test_optimizers(name: Any, kind: type, options: dict[str, Any]) -> None:
    optimizer = configured(Stage(0, 1, 0.05, weight_decay=0.3, optimizer=name))["optimizer"]
    group = optimizer.param_groups[0]
    assert type(optimizer) is kind and group["weight_decay"] == 0.3
    assert {key: group[key] for key in options} == options


@pytest.mark.parametrize(("batches", "momentum"), [(1, 1.0), (4, 0.25), (9, 1 / 9), (10, 0.01), (43, 0.01)])
def test_batch_norm_of_few_batches_takes_their_mean(batches: int, momentum: float) -> None:
    """Its statistics would else lag behind the weights, so that validation finds nothing learnt."""
    module = tuning()
    module._trainer = SimpleNamespace(num_training_batches=batches)  # type: ignore[assignment]
    module.on_train_start()
    norms = [part for part in module.classifier.modules() if isinstance(part, torch.nn.BatchNorm2d)]
    assert norms and {part.momentum for part in norms} == {momentum}
