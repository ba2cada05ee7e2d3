from typing import Any, get_args, get_type_hints

import pytest
import torch

from hubbub.train.config import Network
from hubbub.train.networks.build import trunk as build
from hubbub.train.networks.chain import Chain
from hubbub.train.networks.registry import NETWORKS


def test_a_recipe_can_name_every_kind() -> None:
    assert set(get_args(get_type_hints(Network)["kind"])) == set(NETWORKS)


@pytest.mark.parametrize("kind", NETWORKS)
def test_it_has_as_many_blocks_as_a_recipe_counts_on_and_ends_in_an_embedding(kind: Any) -> None:
    for network in (Network(kind, width=0.1), Network(kind, width=0.1, pool="attention")):
        trunk = build(network).eval()
        assert len(trunk.blocks) == network.blocks
        with torch.inference_mode():
            assert trunk(torch.zeros(2, 1, 64, 64)).shape == (2, trunk.embedding_size)


@pytest.mark.parametrize("kind", [kind for kind in NETWORKS if NETWORKS[kind].published])
def test_published_names_cover_the_blocks_before_the_pooling_and_nothing_twice(kind: Any) -> None:
    network = Network(kind)
    published = NETWORKS[kind].published
    assert published is not None
    with torch.device("meta"):
        trunk = build(network)
    blocks = trunk.blocks[:-1] if isinstance(trunk, Chain) else trunk.blocks
    names = list(published.names(network).values())
    assert sorted(names) == sorted({f"blocks.{key.rpartition('.')[0]}" for key in blocks.state_dict()})
    assert names[0].startswith("blocks.0.")
