"""Bodies as text and back, byte for byte: unpacked where they are packed, in the letters they use."""

from __future__ import annotations

import codecs
import gzip
import zlib
from collections.abc import Callable
from typing import NamedTuple

#: of a body that is unpacked; a larger one cannot be searched
MAX_BYTES = 64 << 20

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PACKED = frozenset({"br", "zstd", "compress", "snappy", "lz4", "x-snappy-framed"})


class UnreadableError(Exception):
    """The body is packed in a way that the standard library does not read, or is a bomb."""


class Opened(NamedTuple):
    """A body as text, and how a changed text becomes a body again."""

    text: str
    closed: Callable[[str], bytes]


def opened(body: bytes, encoding: str = "") -> Opened:
    """The text of a body with this `content-encoding`; one that is already unpacked is read as it is.

    Raises UnreadableError.
    """
    packed: Callable[[bytes], bytes]
    if body.startswith(_GZIP):
        plain, packed = _inflated(body, 31), _gzipped
    elif encoding == "deflate" and (found := _zlib(body)) is not None:
        plain, packed = found, _deflated
    elif body.startswith(_ZSTD) or (encoding in _PACKED and not _is_text(body)):
        raise UnreadableError(encoding or "zstd")
    else:
        plain, packed = body, _as_it_is
    codec, text = _decoded(plain)
    return Opened(text, lambda changed: packed(_encoded(changed, codec)))


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)


def _deflated(data: bytes) -> bytes:
    return zlib.compress(data)


def _as_it_is(data: bytes) -> bytes:
    return data


def _zlib(body: bytes) -> bytes | None:
    try:
        return _inflated(body, 15)
    except UnreadableError:
        if _is_text(body):
            return None
        raise


def _inflated(body: bytes, window: int) -> bytes:
    """The content, of several gzip members too; one that was cut is read as far as it goes."""
    found = bytearray()
    rest = body
    while rest:
        stream = zlib.decompressobj(window)
        try:
            found += stream.decompress(rest, MAX_BYTES + 1 - len(found))
        except zlib.error as error:
            raise UnreadableError(str(error)) from error
        if len(found) > MAX_BYTES or stream.unconsumed_tail:
            raise UnreadableError(f"more than {MAX_BYTES >> 20} MiB")
        rest = stream.unused_data if stream.eof else b""
    return bytes(found)


def _is_text(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def _decoded(body: bytes) -> tuple[str, str]:
    """The codec and the text; what is no text comes as latin-1, a letter a byte."""
    wide = body.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE))
    for codec in (("utf-16-le" if body[:1] == b"\xff" else "utf-16-be",) if wide else ()) + ("utf-8",):
        try:
            return codec, body.decode(codec)
        except UnicodeDecodeError:
            continue
    return "latin-1", body.decode("latin-1")


def _encoded(text: str, codec: str) -> bytes:
    return text.encode(codec, "backslashreplace")
