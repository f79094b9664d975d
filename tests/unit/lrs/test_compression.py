"""Compression: every frame is read again, old ones too, and the dictionary knows nobody."""

import gzip
import os
from concurrent.futures import ThreadPoolExecutor

import orjson
import pytest
import zstandard

from infra.dictionary import Maker
from infra.local import demo
from lrs.compression import Compression, UnknownDictionary, dictionaries

MAKER = Maker(seed=7)


@pytest.mark.parametrize("content", [b"", b"{}", b"\x00" * 100_000, MAKER.body({"id": "x"})])
def test_what_was_compressed_is_read_again(content: bytes) -> None:
    compression = Compression()
    assert compression.decompress(compression.compress(content)) == content


def test_several_at_once_are_the_same_frames() -> None:
    compression = Compression()
    bodies = [MAKER.body(MAKER.statement()) for _ in range(5)]
    for several in (bodies, bodies[:1]):
        frames = compression.compress_all(several)
        assert frames == [compression.compress(body) for body in several]


def test_frames_of_the_first_release_are_read() -> None:
    """They had no dictionary."""
    frame = zstandard.ZstdCompressor(level=3).compress(b"as it was")
    assert Compression().decompress(frame) == b"as it was"


def test_a_frame_names_the_newest_dictionary() -> None:
    frame = Compression().compress(MAKER.body(MAKER.statement()))
    assert zstandard.get_frame_parameters(frame).dict_id == max(dictionaries())


def test_a_dictionary_that_is_not_here_is_named() -> None:
    foreign = zstandard.train_dictionary(
        8192, [MAKER.body(MAKER.statement()) for _ in range(400)], dict_id=4711
    )
    frame = zstandard.ZstdCompressor(dict_data=foreign).compress(MAKER.body({"id": "x"}))
    with pytest.raises(UnknownDictionary, match="4711"):
        Compression().decompress(frame)


def test_statements_shrink_to_less_than_half_of_what_no_dictionary_makes_of_them() -> None:
    plain, trained = zstandard.ZstdCompressor(level=3), Compression()
    bodies = [MAKER.body(MAKER.statement()) for _ in range(200)]
    small = sum(len(trained.compress(body)) for body in bodies)
    assert small * 2 < sum(len(plain.compress(body)) for body in bodies)


def test_the_dictionary_names_nobody_of_the_course_that_it_was_trained_with() -> None:
    with gzip.open(demo.COURSE) as lines:
        statements = [orjson.loads(line) for line in lines]
    told = {s["actor"]["account"]["name"] for s in statements}
    told |= {s["context"]["registration"] for s in statements if "registration" in s["context"]}
    assert len(told) == 400  # 200 learners, each with a registration
    for dictionary in dictionaries().values():
        content = dictionary.as_bytes()
        assert not [name for name in told if name.encode() in content]


def test_threads_share_one_instance() -> None:
    compression = Compression()

    def round_trips(_: int) -> bool:
        contents = [os.urandom(200) * 20 for _ in range(300)]
        return all(compression.decompress(compression.compress(one)) == one for one in contents)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trips, range(16)))
