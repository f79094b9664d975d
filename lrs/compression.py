"""Compression before encryption: ciphertext does not compress."""

import threading

import zstandard


class Compression(threading.local):
    """Zstandard contexts, one pair for each thread: sharing one crashes the process."""

    def __init__(self) -> None:
        super().__init__()
        self._compressor = zstandard.ZstdCompressor(level=3, write_content_size=True)
        self._decompressor = zstandard.ZstdDecompressor()

    def compress(self, content: bytes) -> bytes:
        """Returns a frame that says its content's size."""
        return self._compressor.compress(content)

    def decompress(self, frame: bytes) -> bytes:
        """Returns the content of a frame that `compress` made."""
        return self._decompressor.decompress(frame)
