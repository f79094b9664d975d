"""Compression before encryption: ciphertext does not compress.

Statements are short and alike, so they are compressed against a trained dictionary: five times
smaller than without. A frame names its dictionary (Zstandard frame format, RFC 8878, 3.1.1.1.3);
every dictionary that ever wrote stays in `dictionaries/`, numbered, and the newest one writes.
`infra.dictionary` trains them, from public vocabulary and made-up people only.
"""

import re
import threading
from functools import cache
from importlib.resources import files

import zstandard

LEVEL = 3
_NAME = re.compile(r"^(\d{4})\.zdict$")


class UnknownDictionary(Exception):
    """A frame names a dictionary that this version does not have: it is older than the data."""


@cache
def dictionaries() -> dict[int, zstandard.ZstdCompressionDict]:
    """Returns the dictionaries by their id, in order; the last one is for writing."""
    found: dict[int, zstandard.ZstdCompressionDict] = {}
    for entry in sorted((files("lrs") / "dictionaries").iterdir(), key=lambda one: one.name):
        if _NAME.match(entry.name):
            dictionary = zstandard.ZstdCompressionDict(entry.read_bytes())
            found[dictionary.dict_id()] = dictionary
    newest = next(reversed(found.values()))
    newest.precompute_compress(level=LEVEL)
    return found


class Compression(threading.local):
    """Zstandard contexts, a set for each thread: sharing one crashes the process."""

    def __init__(self) -> None:
        super().__init__()
        known = dictionaries()
        self._compressor = zstandard.ZstdCompressor(
            level=LEVEL, dict_data=next(reversed(known.values())), write_content_size=True
        )
        self._decompressors = {
            number: zstandard.ZstdDecompressor(dict_data=dictionary)
            for number, dictionary in known.items()
        }
        self._decompressors[0] = zstandard.ZstdDecompressor()

    def compress(self, content: bytes) -> bytes:
        """Returns a frame that says its content's size and its dictionary."""
        return self._compressor.compress(content)

    def decompress(self, frame: bytes) -> bytes:
        """Returns the content of a frame that this or an earlier version made."""
        number = zstandard.get_frame_parameters(frame).dict_id
        decompressor = self._decompressors.get(number)
        if decompressor is None:
            raise UnknownDictionary(f"compression dictionary {number}")
        return decompressor.decompress(frame)
