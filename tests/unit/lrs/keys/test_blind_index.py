"""Keyed hashes stay what they were: what is stored under them must be found for ever."""

import hmac
from hashlib import blake2b
from pathlib import Path
from uuid import uuid4

import pytest

from lrs.keys.blind_index import AT_ONCE, MUCH, BlindIndex
from lrs.keys.file import KeyFile

INSTITUTION = uuid4()


@pytest.fixture
def keys(tmp_path: Path) -> KeyFile:
    return KeyFile(tmp_path / "kek.json")


@pytest.mark.parametrize("size", [0, 1, AT_ONCE, AT_ONCE + 1, 3 * AT_ONCE, MUCH, MUCH + 1])
def test_a_digest_is_the_same_in_one_piece_and_in_many(keys: KeyFile, size: int) -> None:
    content = bytes(number % 251 for number in range(size))
    key = blake2b(keys.secret("digests:1") + INSTITUTION.bytes, digest_size=32).digest()
    whole = blake2b(content, key=key, digest_size=16).digest()
    assert BlindIndex(keys).digest(INSTITUTION, content) == whole


def test_a_person_is_found_by_the_mac_of_rfc_2104(keys: KeyFile) -> None:
    ifi = "mailto:ada@example.org"
    message = INSTITUTION.bytes + ifi.encode()
    blind = BlindIndex(keys)
    for _ in range(2):  # the first must leave nothing behind for the second
        for mac, purpose in ((blind.blind, "people:pepper:1"), (blind.fence, "people:fence:1")):
            expected = hmac.digest(keys.secret(purpose), message, "sha256")
            assert mac(INSTITUTION, ifi) == expected
