"""One HTTP request as it goes out, taken apart, so that parts of it can be left out."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass, field, replace

#: set anew for each message; they cannot be left out
FRAMING = frozenset({"host", "content-length", "traceparent"})


@dataclass(frozen=True)
class Message:
    """Method, path with query, headers by lower-case name, and body."""

    method: str
    path: str
    headers: dict[str, str] = field(default_factory=dict)
    body: bytes = b""

    @classmethod
    def of(cls, data: bytes) -> Message:
        """The message in the bytes that an arm prepared."""
        head, _, body = data.partition(b"\r\n\r\n")
        first, *lines = head.decode().split("\r\n")
        method, path, _ = first.split(" ")
        fields = (line.partition(": ") for line in lines)
        return cls(method, path, {name: value for name, _, value in fields}, body)

    def encode(self) -> bytes:
        """The message as bytes, its length counted anew where it says one."""
        framed = {"content-length": str(len(self.body))} if "content-length" in self.headers else {}
        headers = {**self.headers, **framed}
        lines = [f"{self.method} {self.path} HTTP/1.1", *(f"{n}: {v}" for n, v in headers.items())]
        return "\r\n".join((*lines, "", "")).encode() + self.body

    def choosable(self, *, always: Collection[str] = ()) -> list[str]:
        """The headers that may be left out."""
        return [name for name in self.headers if name not in FRAMING and name not in always]

    def with_headers(self, names: Collection[str], *, always: Collection[str] = ()) -> Message:
        """The message with these of its headers, and those that cannot be left out."""
        kept = {n: v for n, v in self.headers.items() if n in names or n in FRAMING or n in always}
        return replace(self, headers=kept)
