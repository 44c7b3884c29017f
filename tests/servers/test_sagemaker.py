"""A container of SageMaker's contract, hand-written: lines of CSV by position under gunicorn."""

from __future__ import annotations

import json
from pathlib import Path

from tests.kit import real_servers as real
from tests.kit.real_servers import NUMBERS, Case, Make

APP = (Path(__file__).parent / "sagemaker" / "app.py").read_text(encoding="utf-8")


def case(python: Path, *, columns: list[str] | None = None) -> Case:
    """The service, asked in an order of columns."""
    command = [str(python), "-m", "gunicorn", "app:app", "--bind", "127.0.0.1:{port}", "--workers", "1"]
    order = f", columns = {json.dumps(columns)}" if columns else ""
    return Case(
        'url = "http://127.0.0.1:{port}/invocations"\nready = "/ping"\nconnections = 0\n'
        f'protocol = {{ kind = "csv", ignore = ["*"]{order} }}\n{real.start(command, MODEL="numbers.txt")}',
        real.plain(gaps=False),
        beside={"app.py": APP},
    )


def test_an_honest_container_goes(python_of: Make, tmp_path: Path) -> None:
    """Every score to the last bit, the empty fields among them."""
    ran = real.run(tmp_path, case(python_of("sagemaker")))
    assert (ran.done.code, ran.sent, ran.exact) == (0, real.N, real.N), ran.done.err


def test_columns_by_position_are_told(python_of: Make, tmp_path: Path) -> None:
    """A CSV has no names at all: two columns in each other's place are found by ten scores."""
    swapped = [{"amount": "balance", "balance": "amount"}.get(name, name) for name in NUMBERS]
    ran = real.run(tmp_path, case(python_of("sagemaker"), columns=swapped))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, "columns_swapped"), ran.done.err
    assert "swaps the columns amount and balance" in ran.report["decision"]["headline"]
