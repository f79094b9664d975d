"""Compression before encryption: ciphertext does not compress.

Statements are short and alike, so they are compressed against a trained dictionary: five times
smaller than without. A frame names its dictionary (Zstandard frame format, RFC 8878, 3.1.1.1.3);
every dictionary that ever wrote stays in `dictionaries/`, numbered, and the newest one writes.
`infra.dictionary` trains them, from public vocabulary and made-up people only.
"""

import re
from collections.abc import Sequence
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


class Compression:
    """Zstandard contexts, kept for whoever is next. Thread-safe: no context is shared meanwhile.

    As many as were ever needed at once, the last one used first: it is warm in the processor's
    cache. A context for each of hundreds of threads would be cold every time.
    """

    def __init__(self) -> None:
        self._compressors: list[zstandard.ZstdCompressor] = []
        self._decompressors: dict[int, list[zstandard.ZstdDecompressor]] = {0: []}
        self._decompressors.update((number, []) for number in dictionaries())

    def compress(self, content: bytes) -> bytes:
        """Returns a frame that says its content's size and its dictionary."""
        context = self._compressor()
        frame = context.compress(content)
        self._compressors.append(context)
        return frame

    def compress_all(self, contents: Sequence[bytes]) -> list[bytes]:
        """Returns a frame of each: the interpreter is let go of once, not for each of them.

        Whoever waits for the interpreter is woken each time, mostly to find it taken again.
        """
        if len(contents) == 1:
            return [self.compress(contents[0])]
        context = self._compressor()
        frames = context.multi_compress_to_buffer([*contents])
        self._compressors.append(context)
        return [frames[number].tobytes() for number in range(len(frames))]

    def _compressor(self) -> zstandard.ZstdCompressor:
        try:
            return self._compressors.pop()
        except IndexError:
            newest = next(reversed(dictionaries().values()))
            return zstandard.ZstdCompressor(level=LEVEL, dict_data=newest, write_content_size=True)

    def decompress(self, frame: bytes) -> bytes:
        """Returns the content of a frame that this or an earlier version made."""
        number = zstandard.get_frame_parameters(frame).dict_id
        free = self._decompressors.get(number)
        if free is None:
            raise UnknownDictionary(f"compression dictionary {number}")
        try:
            context = free.pop()
        except IndexError:
            context = zstandard.ZstdDecompressor(dict_data=dictionaries().get(number))
        content = context.decompress(frame)
        free.append(context)
        return content
