import numpy as np
import pytest
import sklearn.preprocessing
import torch
from torch import nn

from hubbub.heads.logistic import LogisticHead
from hubbub.train.networks.classifier import ClassifierNetwork, Standardise, head, linear_head


def test_standardise_agrees_with_scikit_learn() -> None:
    x = np.random.default_rng(0).normal(5, [1, 10, 0.1], (200, 3)).astype(np.float32)
    layer = Standardise(3)
    layer.measure(torch.from_numpy(x))
    expected = sklearn.preprocessing.StandardScaler().fit(x.astype(np.float64))
    new = np.random.default_rng(1).normal(5, 1, (7, 3)).astype(np.float32)
    np.testing.assert_allclose(layer(torch.from_numpy(new)), expected.transform(new), rtol=1e-3, atol=1e-3)


def test_a_constant_column_is_left_unscaled() -> None:
    layer = Standardise(2)
    layer.measure(torch.tensor([[3.0, 1.0], [3.0, 2.0]]))
    assert layer(torch.tensor([[4.0, 1.5]])).tolist() == [[1.0, 0.0]]


def test_before_it_is_measured_it_changes_nothing() -> None:
    x = torch.randn(4, 6)
    torch.testing.assert_close(Standardise(6)(x), x)


def test_the_measure_is_saved_and_not_learned() -> None:
    layer = Standardise(2)
    layer.measure(torch.tensor([[0.0, 1.0], [2.0, 5.0]]))
    copy = Standardise(2)
    copy.load_state_dict(layer.state_dict())
    assert copy.mean.tolist() == [1, 3] and copy.std.tolist() == [1, 2] and not list(layer.parameters())


def test_a_linear_head_by_hand() -> None:
    layers = head(5, 3, dropout=0.5).eval()
    x = torch.randn(4, 5)
    (linear,) = [layer for layer in layers if isinstance(layer, nn.Linear)]
    torch.testing.assert_close(layers(x), x @ linear.weight.T + linear.bias)
    assert sum(p.numel() for p in layers.parameters()) == 5 * 3 + 3


def test_the_layers_of_a_logistic_regression_give_its_scores() -> None:
    rng = np.random.default_rng(0)
    logistic = LogisticHead(
        rng.normal(size=5), rng.uniform(0.5, 2, 5), rng.normal(size=(3, 5)), rng.normal(size=3), c=1.0
    )
    x = rng.normal(size=(4, 5)).astype(np.float32)
    with torch.inference_mode():
        np.testing.assert_allclose(linear_head(logistic).eval()(torch.from_numpy(x)), logistic.scores(x), atol=1e-5)


def test_a_hidden_layer_by_hand() -> None:
    layers = head(5, 3, hidden=7, dropout=0.5).eval()
    layers[0].measure(torch.randn(50, 5) * 3 + 1)
    first, last = [layer for layer in layers if isinstance(layer, nn.Linear)]
    x = torch.randn(4, 5)
    hidden = (x - layers[0].mean) / layers[0].std @ first.weight.T + first.bias
    hidden = hidden * (hidden + 3).clamp(0, 6) / 6  # hard swish
    torch.testing.assert_close(layers(x), hidden @ last.weight.T + last.bias)


@pytest.mark.parametrize(("hidden", "dropouts"), [(0, 1), (7, 2)])
def test_dropout_stands_on_embedding_and_hidden_layer(hidden: int, dropouts: int) -> None:
    layers = head(5, 3, hidden, dropout=0.3)
    assert [layer.p for layer in layers if isinstance(layer, nn.Dropout)] == [0.3] * dropouts
    torch.manual_seed(0)
    x = torch.randn(1, 5).expand(64, 5)
    assert layers.train()(x).std(0).min() > 0 and layers.eval()(x).std(0).max() < 1e-6


def test_a_classifier_gives_logits_and_the_embedding_that_they_come_from() -> None:
    trunk, layers = nn.Sequential(nn.Flatten(), nn.Linear(12, 5)), head(5, 3)
    logits, embedding = ClassifierNetwork(trunk, layers)(x := torch.randn(2, 1, 3, 4))
    torch.testing.assert_close(embedding, trunk(x))
    torch.testing.assert_close(logits, layers(embedding))
