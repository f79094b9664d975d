"""Key-encryption keys in a file of mode 0600, apart from the database: the embedded default."""

import base64
import os
from pathlib import Path

import orjson
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF

NONCE = 12


class KeyFile:
    """A `KeyService` whose KEKs and root secret stand in one file, made at first use."""

    def __init__(self, path: Path) -> None:
        self._path = path
        content = orjson.loads(_read_or_create(path))
        self._keks = {int(k): AESGCM(base64.b64decode(v)) for k, v in content["keks"].items()}
        self._current = int(content["current"])
        self._root = base64.b64decode(content["root"])

    def wrap(self, key: bytes, context: bytes) -> tuple[int, bytes]:
        nonce = os.urandom(NONCE)
        return self._current, nonce + self._keks[self._current].encrypt(nonce, key, context)

    def unwrap(self, kek_id: int, wrapped: bytes, context: bytes) -> bytes:
        return self._keks[kek_id].decrypt(wrapped[:NONCE], wrapped[NONCE:], context)

    def secret(self, purpose: str) -> bytes:
        return HKDF(SHA256(), 32, salt=None, info=purpose.encode()).derive(self._root)


def _read_or_create(path: Path) -> bytes:
    if not path.exists():
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        content = {
            "keks": {"1": base64.b64encode(os.urandom(32)).decode()},
            "current": 1,
            "root": base64.b64encode(os.urandom(32)).decode(),
        }
        draft = path.with_name(f"{path.name}.{os.getpid()}")
        with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
            file.write(orjson.dumps(content))
            file.flush()
            os.fsync(file.fileno())
        try:
            os.link(draft, path)  # fails where another process was first: its file counts
        except FileExistsError:
            pass
        finally:
            draft.unlink()
    return path.read_bytes()
