"""Merkle trees over SHA-256 as RFC 9162, section 2.1: leaves and nodes are told apart by their first byte."""

from collections.abc import Iterable
from hashlib import sha256


def leaf(data: bytes) -> bytes:
    """The hash of one leaf: SHA-256(0x00 || data)."""
    return sha256(b"\x00" + data).digest()


def root(leaves: Iterable[bytes]) -> bytes:
    """The tree head over leaf hashes in order, in memory that grows with the logarithm of their number.

    The head of an empty tree is SHA-256 of nothing.
    """
    # One complete subtree per binary digit of the count so far; equal sizes merge as they meet.
    subtrees: list[tuple[int, bytes]] = []
    for item in leaves:
        size, node = 1, item
        while subtrees and subtrees[-1][0] == size:
            _, left = subtrees.pop()
            node = sha256(b"\x01" + left + node).digest()
            size *= 2
        subtrees.append((size, node))
    if not subtrees:
        return sha256(b"").digest()
    _, head = subtrees.pop()
    while subtrees:
        _, left = subtrees.pop()
        head = sha256(b"\x01" + left + head).digest()
    return head


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
