"""The tree: vectors computed by hand from RFC 9162's definition, and what must hold for trees of any size."""

from hashlib import sha256

from hypothesis import given
from hypothesis import strategies as st

from foundation.audit import merkle

leaf_hashes = st.lists(st.binary(min_size=32, max_size=32), max_size=70)


def node(left: bytes, right: bytes) -> bytes:
    return sha256(b"\x01" + left + right).digest()


def by_definition(leaves: list[bytes]) -> bytes:
    """RFC 9162, 2.1.1, as it is written there."""
    if not leaves:
        return sha256(b"").digest()
    if len(leaves) == 1:
        return leaves[0]
    split = 1
    while split * 2 < len(leaves):
        split *= 2
    return node(by_definition(leaves[:split]), by_definition(leaves[split:]))


def test_has_the_heads_of_known_trees() -> None:
    # The test vectors of Certificate Transparency's reference implementations.
    inputs = [
        b"",
        b"\x00",
        b"\x10",
        b"\x20\x21",
        b"\x30\x31",
        b"\x40\x41\x42\x43",
        bytes(range(0x50, 0x58)),
        bytes(range(0x60, 0x70)),
    ]
    heads = {
        0: "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855",
        1: "6e340b9cffb37a989ca544e6bb780a2c78901d3fb33738768511a30617afa01d",
        2: "fac54203e7cc696cf0dfcb42c92a1d9dbaf70ad9e621f4bd8d98662f00e3c125",
        3: "aeb6bcfe274b70a14fb067a5e5578264db0fa9b51af5e0ba159158f329e06e77",
        8: "5dc9da79a70659a9ad559cb701ded9a2ab9d823aad2f4960cfe370eff4604328",
    }
    for size, expected in heads.items():
        assert merkle.root([merkle.leaf(data) for data in inputs[:size]]).hex() == expected


@given(leaf_hashes)
def test_gives_the_head_of_the_definition(leaves: list[bytes]) -> None:
    assert merkle.root(leaves) == by_definition(leaves)


@given(leaf_hashes, leaf_hashes)
def test_grows_from_a_frontier_as_if_made_at_once(before: list[bytes], more: list[bytes]) -> None:
    frontier = merkle.extend([], before)
    kept = merkle.frontier_at(len(before), [head for _, head in frontier])
    assert kept == frontier
    assert merkle.head(merkle.extend(kept, more)) == by_definition(before + more)


@given(leaf_hashes)
def test_every_path_leads_to_the_head(leaves: list[bytes]) -> None:
    for leaf, path in zip(leaves, merkle.paths(leaves), strict=True):
        assert merkle.root_by_path(leaf, path) == by_definition(leaves)
