"""Merkle trees over SHA-256 as RFC 9162, section 2.1: leaves and nodes are told apart by their first byte."""

from collections.abc import Iterable
from hashlib import sha256


def leaf(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


# Of a tree that grows: its complete subtrees, largest first, as (leaves, head). One per binary digit of the size.
Frontier = list[tuple[int, bytes]]


def extend(frontier: Frontier, leaves: Iterable[bytes]) -> Frontier:
    """The frontier of the tree with more leaf hashes at its end; in memory of the logarithm of the size."""
    subtrees = list(frontier)
    for item in leaves:
        size, node = 1, item
        while subtrees and subtrees[-1][0] == size:
            _, left = subtrees.pop()
            node = sha256(b"\x01" + left + node).digest()
            size *= 2
        subtrees.append((size, node))
    return subtrees


def head(frontier: Frontier) -> bytes:
    """The tree head over a frontier; that of an empty tree is SHA-256 of nothing."""
    if not frontier:
        return sha256(b"").digest()
    *others, (_, node) = frontier
    for _, left in reversed(others):
        node = sha256(b"\x01" + left + node).digest()
    return node


def frontier_at(size: int, heads: Iterable[bytes]) -> Frontier:
    """A frontier from the heads of its subtrees, largest first: their sizes are the binary digits of `size`."""
    sizes = [1 << digit for digit in reversed(range(size.bit_length())) if size >> digit & 1]
    return list(zip(sizes, heads, strict=True))


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree head over leaf hashes in order, in memory that grows with the logarithm of their number."""
    return head(extend([], leaves))


def paths(leaves: list[bytes]) -> list[bytes]:
    """For every leaf hash the way up to the root: per level one byte (0: the sibling stands left, 1: right) and its hash."""
    steps: list[list[bytes]] = [[] for _ in leaves]

    def climb(first: int, last: int) -> bytes:
        if last - first == 1:
            return leaves[first]
        split = 1 << (last - first - 1).bit_length() - 1  # the largest power of two below the size (RFC 9162, 2.1.1)
        left, right = climb(first, first + split), climb(first + split, last)
        for index in range(first, first + split):
            steps[index].append(b"\x01" + right)
        for index in range(first + split, last):
            steps[index].append(b"\x00" + left)
        return sha256(b"\x01" + left + right).digest()

    if leaves:
        climb(0, len(leaves))
    return [b"".join(way) for way in steps]


def root_by_path(leaf_hash: bytes, path: bytes) -> bytes:
    """The root that a leaf hash and its path lead to."""
    node = leaf_hash
    for start in range(0, len(path), 33):
        sibling = path[start + 1 : start + 33]
        pair = node + sibling if path[start] else sibling + node
        node = sha256(b"\x01" + pair).digest()
    return node
