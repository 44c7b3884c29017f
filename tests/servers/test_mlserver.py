"""MLServer with its LightGBM runtime, as it is shipped: what tensors by position do in silence."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import pytest

from tests.kit import real_servers as real
from tests.kit.environments import packages
from tests.kit.real_servers import NUMBERS, Case, Make

SERVE = (Path(__file__).parent / "mlserver" / "serve.py").read_text(encoding="utf-8")
SETTINGS = {
    "name": "served",
    "implementation": "mlserver_lightgbm.LightGBMModel",
    "parameters": {"uri": "./numbers.txt", "version": "v1"},
}


def case(python: Path, protocol: str, *, datatype: str = "") -> Case:
    """A protocol to ask in: of objects of features, or of captured tensors of a type."""
    command = [str(python), "serve.py", "--rest", "{port}"]
    return Case(
        f'url = "http://127.0.0.1:{{port}}/v2/models/served/infer"\nready = "/v2/health/ready"\n'
        f"protocol = {{ {protocol} }}\n{real.start(command)}",
        real.tensors(datatype) if datatype else real.plain(gaps=False),
        features="tensors" if datatype else "numbers",
        beside={"serve.py": SERVE, "model-settings.json": json.dumps(SETTINGS)},
    )


@pytest.mark.parametrize(
    ("protocol", "datatype"),
    [
        ('kind = "oip-v2", ignore = ["country", "plan"]', ""),
        ('kind = "oip-v2"', "FP64"),
        ('kind = "oip-v2", tensors = "columns", ignore = ["*"]', ""),
    ],
    ids=["built", "captured", "columns"],
)
def test_honest_tensors_go(protocol: str, datatype: str, python_of: Make, tmp_path: Path) -> None:
    """Built from features or captured, every score is that of the model to the last bit."""
    ran = real.run(tmp_path, case(python_of("mlserver"), protocol, datatype=datatype))
    assert (ran.done.code, ran.sent, ran.exact) == (0, real.N, real.N), ran.done.err


def over_grpc(python: Path, names: list[str]) -> Case:
    """The same server, asked over gRPC with the columns in an order."""
    command = [str(python), "serve.py", "--grpc", "{port}"]
    protocol = f'{order(names)}, transport = "grpc", model_name = "served"'
    return Case(
        f'url = "http://127.0.0.1:{{port}}"\nready = ""\nprotocol = {{ {protocol} }}\n{real.start(command)}',
        real.plain(gaps=False),
        beside={"serve.py": SERVE, "model-settings.json": json.dumps(SETTINGS)},
    )


@pytest.mark.parametrize(
    ("names", "code", "causes"), [(list(NUMBERS), 0, []), (sorted(NUMBERS), 10, ["columns_alphabetical"])]
)
def test_grpc_is_spoken(
    names: list[str], code: int, causes: list[str], python_of: Make, tmp_path: Path
) -> None:
    """Raw contents there and back, to the last bit, and the order of columns as over REST; grpcio is ours."""
    python, _ = python_of("mlserver"), python_of("grpc")
    ran = real.run(tmp_path, over_grpc(python, names), path=[packages("grpc")])
    assert (ran.done.code, ran.causes) == (code, causes), ran.done.err
    assert ran.sent == (10 if causes else real.N)


def order(names: list[str]) -> str:
    """A protocol that gives the columns in this order."""
    return f'kind = "oip-v2", ignore = ["country", "plan"], columns = {json.dumps(names)}'


@pytest.mark.parametrize(
    ("names", "cause", "words"),
    [
        (list(NUMBERS)[::-1], "columns_reversed", "in reverse order"),
        (sorted(NUMBERS), "columns_alphabetical", "in alphabetical order"),
        ([NUMBERS[k] for k in (3, 5, 1, 0, 2, 4)], "columns_reordered", "in another order"),
    ],
)
def test_columns_by_position_are_told(
    names: list[str], cause: str, words: str, python_of: Make, tmp_path: Path
) -> None:
    """The server answers 200 with other scores; ten of them tell in which order it was asked."""
    ran = real.run(tmp_path, case(python_of("mlserver"), order(names)))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, cause), ran.done.err
    assert words in ran.report["decision"]["headline"]
    assert "send them in the order of the model" in " ".join(ran.report["decision"]["next_steps"])


def test_fractions_cut_off_are_told(python_of: Make, tmp_path: Path) -> None:
    """Captured tensors that say INT64 and hold fractions: the server cuts them off without a word."""
    ran = real.run(tmp_path, case(python_of("mlserver"), 'kind = "oip-v2"', datatype="INT64"))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, "truncated_input"), ran.done.err
    assert "send FP64, not INT64" in ran.done.err


def test_ten_chosen_requests_tell_a_32_bit_tensor(python_of: Make, tmp_path: Path) -> None:
    """Few requests of a capture move when they are cast, and none of the first ten: some are chosen."""
    narrow = case(python_of("mlserver"), 'kind = "oip-v2", datatype = "FP32"')
    done = real.ask(tmp_path, replace(narrow, bodies=real.on_thresholds(6)))
    assert done.code == 10, done.err
    assert "reads its features as float32" in done.out
    assert "send FP64" in done.out
