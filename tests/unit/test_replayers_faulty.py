"""The stub names its behaviour for each request, the same each time."""

import httpx
import pytest

from harness.replay.clock import run_async
from replayers.faulty import Faulty, score_of

BODY = b'{"a": 1}'


@pytest.mark.parametrize(
    ("path", "headers", "status"),
    [
        ("/score", {}, 204),
        ("/health", {}, 200),
        ("/faulty/422", {}, 422),
        ("/faulty/422", {"X-Faulty": "500"}, 500),
    ],
)
def test_the_nearest_word_counts(path: str, headers: dict[str, str], status: int) -> None:
    """A header before the path, the path before the server's own behaviour; health is always well."""

    async def main() -> int:
        async with Faulty(behaviour="204") as faulty, httpx.AsyncClient(trust_env=False) as client:
            return (await client.post(faulty.url.replace("/score", path), headers=headers)).status_code

    assert run_async(main) == status


def test_every_kth_request_meets_its_fault() -> None:
    """Counted from one; the others are answered well."""

    async def main() -> list[int]:
        async with Faulty(every={3: "500"}) as faulty, httpx.AsyncClient(trust_env=False) as client:
            return [(await client.post(faulty.url, content=BODY)).status_code for _ in range(6)]

    assert run_async(main) == [200, 200, 500, 200, 200, 500]


def test_the_model_depends_on_every_byte() -> None:
    """The same body, the same score."""
    assert score_of(BODY) == score_of(bytes(BODY)) != score_of(BODY + b" ")
