"""A hand-written FastAPI service under uvicorn and granian: honest ones go, each silent mistake is named."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.kit import real_servers as real
from tests.kit.real_servers import Case, Make

APP = (Path(__file__).parent / "fastapi" / "app.py").read_text(encoding="utf-8")
SERVERS = {
    "uvicorn": ["-m", "uvicorn", "app:app", "--port", "{port}", "--log-level", "warning"],
    "granian": [
        "-m",
        "granian",
        "app:app",
        "--interface",
        "asgi",
        "--port",
        "{port}",
        "--log-level",
        "warning",
    ],
}


def case(python: Path, server: str, *, mistake: str = "", model: str = "mixed", serves: str = "") -> Case:
    """A service that makes a mistake; only an honest one shows its features."""
    command = [str(python), *SERVERS[server]]
    serving = real.start(command, MODEL=f"{serves or model}.txt", MISTAKE=mistake)
    echo = mistake == "" and not serves
    response = "" if echo else 'response = { features = "" }\n'
    return Case(
        f'url = "http://127.0.0.1:{{port}}/score"\n{response}{serving}',
        real.plain(texts=model == "mixed", gaps=mistake != "position"),
        model=model,
        features="mixed" if model == "mixed" else "numbers",
        echo=echo,
        also=["numbers"] if model == "best" else [],
        beside={"app.py": APP},
    )


@pytest.mark.parametrize("server", SERVERS)
def test_an_honest_service_goes(server: str, python_of: Make, tmp_path: Path) -> None:
    """Every score to the last bit, every feature as offline, the model by its hash."""
    ran = real.run(tmp_path, case(python_of("fastapi"), server))
    assert (ran.done.code, ran.sent, ran.exact) == (0, real.N, real.N), ran.done.out
    assert "first 10 answers of challenger: 10 of 10 scored as offline:mixed scores them" in ran.done.err


@pytest.mark.parametrize(
    ("mistake", "model", "cause", "words"),
    [
        ("position", "numbers", "columns_by_position", "by position, in the order of the request"),
        ("alphabetical", "numbers", "columns_alphabetical", "in alphabetical order"),
        ("whole", "numbers", "truncated_input", "cuts its features to whole numbers"),
        ("margin", "mixed", "raw_score", "serves the raw score"),
        ("other class", "mixed", "complement", "1 − p"),
        ("class", "mixed", "class_label", "serves the class"),
    ],
)
def test_a_silent_mistake_ends_the_run_after_ten(
    mistake: str, model: str, cause: str, words: str, python_of: Make, tmp_path: Path
) -> None:
    """NO-GO in words after the first ten answers, each of which the mistake reproduces to the last bit."""
    ran = real.run(tmp_path, case(python_of("fastapi"), "uvicorn", mistake=mistake, model=model))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, cause), ran.done.err
    assert words in ran.report["decision"]["headline"]
    assert "first 10 answers of challenger" in ran.done.err


def test_levels_lost_on_single_rows_are_told(python_of: Make, tmp_path: Path) -> None:
    """The model was saved again without its levels: pandas codes each request alone, and every code is 0."""
    ran = real.run(tmp_path, case(python_of("fastapi"), "uvicorn", serves="lost"))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, "category_codes_by_request"), ran.done.err
    assert "by their place within one request" in ran.report["decision"]["headline"]
    assert "pandas_categorical" in " ".join(ran.report["decision"]["next_steps"])


def test_a_missing_key_filled_otherwise_is_told(python_of: Make, tmp_path: Path) -> None:
    """Only a sixth of the requests leave it out, so the run goes on and tells it of all."""
    ran = real.run(tmp_path, case(python_of("fastapi"), "uvicorn", mistake="missing"))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, real.N, "missing_key_filled"), ran.done.err
    assert "visits" in ran.report["decision"]["headline"]


def test_a_model_saved_with_all_its_trees_is_told(python_of: Make, tmp_path: Path) -> None:
    """The best iteration is lost on saving; the scenario knows the longer model beside the best."""
    ran = real.run(tmp_path, case(python_of("fastapi"), "uvicorn", model="best", serves="numbers"))
    assert (ran.done.code, ran.sent, ran.causes[0]) == (10, 10, "all_trees"), ran.done.err


@pytest.mark.parametrize("mistake", ["rounded", "float32 score"])
def test_what_is_benign_is_not_accused(mistake: str, python_of: Make, tmp_path: Path) -> None:
    """A score rounded to six decimals or cast to 32 bits is within the tolerance: the run goes to its end."""
    ran = real.run(tmp_path, case(python_of("fastapi"), "uvicorn", mistake=mistake))
    assert (ran.done.code, ran.sent, ran.causes) == (0, real.N, []), ran.done.out


@pytest.mark.parametrize(
    ("serves", "code", "singly"),
    [
        ("mixed", 0, "10 of 10 scored as offline:mixed scores them"),
        ("lost", 10, "by their place within one request"),
    ],
)
def test_ten_requests_are_asked_singly_and_as_one_batch(
    serves: str, code: int, singly: str, python_of: Make, tmp_path: Path
) -> None:
    """Levels that are lost on single rows come out right in a batch that holds them all."""
    command = [str(python_of("fastapi")), *SERVERS["uvicorn"]]
    by_name = 'url = "http://127.0.0.1:{port}/v1/models/served:predict"\n'
    protocol = 'protocol = { kind = "instances", form = "object" }\n'
    target = by_name + protocol + real.start(command, MODEL=f"{serves}.txt")
    asked = Case(target, real.plain(gaps=False), model="mixed", features="mixed", beside={"app.py": APP})
    done = real.ask(tmp_path, asked)
    assert done.code == code, done.err
    first, second = done.out.splitlines()
    assert first.startswith("challenger, asked one by one: ")
    assert singly in first
    assert second == "challenger, asked as one batch: 10 of 10 scored as offline:mixed scores them."
