"""Compression from many threads at once."""

import os
from concurrent.futures import ThreadPoolExecutor

from lrs.compression import Compression


def test_threads_share_one_instance() -> None:
    compression = Compression()

    def round_trips(_: int) -> bool:
        contents = [os.urandom(200) * 20 for _ in range(300)]
        return all(compression.decompress(compression.compress(one)) == one for one in contents)

    with ThreadPoolExecutor(8) as threads:
        assert all(threads.map(round_trips, range(16)))
