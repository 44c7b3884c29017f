"""Bodies out of their content encoding: every member of a gzip body, up to a limit."""

from __future__ import annotations

import zlib

#: content encodings that can be undone
ENCODINGS = frozenset({"gzip", "x-gzip", "deflate"})

_GZIP, _ZLIB = b"\x1f\x8b", b"\x78"
#: of the packed bytes: what follows a member is copied by zlib, and a member may have twenty bytes
_PIECE = 4 << 10


def inflated(body: bytes, encoding: str, *, limit: int) -> bytes:
    """The decoded body, of all its members (RFC 1952, section 2.2); deflate with its frame or without.

    Zeros may follow, as padding. Raises ValueError on an unknown encoding, damage, an end that is missing, or
    more than `limit` bytes.
    """
    if encoding not in ENCODINGS:
        raise ValueError(f"content encoding {encoding[:20]!r}")
    framed = encoding != "deflate" or body.startswith((_ZLIB, _GZIP))
    found, packed, at = bytearray(), memoryview(body), 0
    stream = zlib.decompressobj(47 if framed else -zlib.MAX_WBITS)
    try:
        while at < len(body):
            if stream.eof:
                if not body[at] and not any(packed[at:]):
                    break
                stream = zlib.decompressobj(47)
            piece = packed[at : at + _PIECE]
            found += stream.decompress(piece, limit + 1 - len(found))
            at += len(piece) - len(stream.unused_data)
            if len(found) > limit:
                raise ValueError(f"over {limit} bytes")
    except zlib.error:
        raise ValueError(f"damaged {encoding}") from None
    if not stream.eof:
        raise ValueError(f"{encoding} cut short")
    return bytes(found)
