"""Bodies as text and back, byte for byte: unpacked where they are packed, in the letters they use."""

from __future__ import annotations

import codecs
import gzip
import json
import zlib
from collections.abc import Callable
from functools import reduce
from typing import NamedTuple

#: of a body that is unpacked; a larger one cannot be searched
MAX_BYTES = 64 << 20

#: how often a body may be packed
MOST_LAYERS = 4

_GZIP = b"\x1f\x8b"
_ZSTD = b"\x28\xb5\x2f\xfd"
_PACKED = frozenset({"br", "zstd", "compress", "snappy", "lz4", "x-snappy-framed"})

_MARK = "\ufeff"
_MARKS = {
    "utf-32-le": codecs.BOM_UTF32_LE,
    "utf-32-be": codecs.BOM_UTF32_BE,
    "utf-16-le": codecs.BOM_UTF16_LE,
    "utf-16-be": codecs.BOM_UTF16_BE,
}


class UnreadableError(Exception):
    """The body is packed in a way that the standard library does not read, or is a bomb."""


class Opened(NamedTuple):
    """A body as text, and how a changed text becomes a body again."""

    text: str
    closed: Callable[[str], bytes]


class Unpacked(NamedTuple):
    """The content of a body, and how a changed content becomes a body again."""

    plain: bytes
    packed: Callable[[bytes], bytes]


def opened(body: bytes, encoding: str = "") -> Opened:
    """The text of a body with this `content-encoding`; one that is already unpacked is read as it is.

    Raises UnreadableError.
    """
    plain, packed = unpacked(body, encoding)
    text, encoded = decoded(plain)
    return Opened(text, lambda changed: packed(encoded(changed)))


def unpacked(body: bytes, encoding: str = "") -> Unpacked:
    """The content of a body, packed as its `content-encoding` says or as it begins, several times too.

    Raises UnreadableError.
    """
    said = [name.strip() for name in encoding.lower().split(",")]
    packers: list[Callable[[bytes], bytes]] = []
    plain = body
    while said or plain.startswith(_GZIP):
        last = said.pop() if said else ""
        if plain.startswith(_GZIP):
            plain = _inflated(plain, 31)
            packers.append(_gzipped)
        elif last == "deflate" and (found := _zlib(plain)) is not None:
            plain = found
            packers.append(_deflated)
        elif plain.startswith(_ZSTD) or (last in _PACKED and not _is_text(plain)):
            raise UnreadableError(last or "zstd")
        if len(packers) > MOST_LAYERS:
            raise UnreadableError(f"packed more than {MOST_LAYERS} times")
    if plain.startswith(_ZSTD):
        raise UnreadableError("zstd")
    return Unpacked(plain, lambda changed: reduce(lambda data, pack: pack(data), reversed(packers), changed))


def _gzipped(data: bytes) -> bytes:
    return gzip.compress(data, compresslevel=6, mtime=0)


def _deflated(data: bytes) -> bytes:
    return zlib.compress(data)


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


def decoded(body: bytes) -> Opened:
    """The text of bytes; what is no text comes as latin-1, a letter a byte.

    UTF-16 and UTF-32 are known by their mark, or by the zeros beside the first letters (RFC 4627, section 3).
    """
    codec = _wide(body)
    if codec:
        end = len(body) - len(body) % (4 if "32" in codec else 2)
        try:
            text = body[:end].decode(codec, "surrogatepass")
        except UnicodeDecodeError:
            text = ""
        if text.startswith(_MARK) or _reads(text):
            return Opened(text, lambda changed: changed.encode(codec, "surrogatepass") + body[end:])
    try:
        return Opened(body.decode(), lambda changed: changed.encode("utf-8", "backslashreplace"))
    except UnicodeDecodeError:
        return Opened(body.decode("latin-1"), lambda changed: changed.encode("latin-1", "backslashreplace"))


def _wide(body: bytes) -> str:
    marked = (codec for codec, mark in _MARKS.items() if body.startswith(mark))
    found = next(marked, None) or json.detect_encoding(body[:4])
    return "" if "8" in found else found


def _reads(text: str) -> bool:
    """Whether letters that were found in pairs or fours begin a text, and are not just any bytes."""
    first = "".join(text[:64].split())
    return first[:1] in {"{", "[", '"'} or (first.isprintable() and "" < max(first, default="") < "\u0250")
