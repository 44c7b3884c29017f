"""Small servers that speak as the stock model servers do, body by body as they were captured; only stdlib.

Each is a function of one request; `Served(mlserver) as server` puts it on a loopback port. The model is
`score_of`, by position; a value that is missing counts as NaN does.
"""

from __future__ import annotations

import json
import math
import struct
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar, Self

COLUMNS = ("radius", "texture", "area")
WEIGHTS = (0.37, -1.91, 0.0113)
Score = Callable[[Sequence[object]], float]
LENGTH = "inference-header-content-length"


@dataclass(frozen=True)
class Seen:
    """One request, header names in lower case."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass(frozen=True)
class Said:
    """One answer."""

    body: bytes
    status: int = 200
    headers: dict[str, str] = field(default_factory=lambda: {"content-type": "application/json"})


class Refused(Exception):  # noqa: N818  -- an answer, not a mistake of a test
    """The answer is an error."""

    def __init__(self, status: int, document: object) -> None:
        super().__init__(status)
        self.said = Said(json.dumps(document).encode(), status)


def score_of(row: Sequence[object]) -> float:
    """The model: a float64 of values by position; null, "NaN" and NaN count as 40."""
    total = 0.0
    for value, weight in zip(row, WEIGHTS, strict=True):
        number = math.nan if value is None else float(value)  # type: ignore[arg-type]  # a number or its text
        total += weight * (40.0 if math.isnan(number) else number)
    return 1.0 / (1.0 + math.exp(-total / 100.0))


def _strict(text: bytes, *, status: int, named: str) -> Any:  # noqa: ANN401  -- any JSON
    """JSON without the word NaN, which orjson refuses."""

    def refuse(word: str) -> float:
        raise ValueError(word)

    try:
        return json.loads(text, parse_constant=refuse)
    except ValueError as error:
        raise Refused(status, {named: str(error)}) from None


def _scored(rows: Sequence[Sequence[object]], score: Score = score_of) -> list[float]:
    """The scores, or what LightGBM raises for another number of columns."""
    for row in rows:
        if len(row) != len(WEIGHTS):
            message = (
                f"LightGBMError: The number of features in data ({len(row)}) is not the same as it was in "
                f"training data ({len(WEIGHTS)}).\nYou can set ``predict_disable_shape_check=true``"
            )
            raise Refused(500, {"error": message})
        if any(isinstance(value, str) and value != "NaN" for value in row):
            raise Refused(500, {"error": f"ValueError: could not convert string to float: {row!r}"})
    return [score(row) for row in rows]


def _matrix(inputs: list[dict[str, Any]]) -> list[list[object]]:
    if len(inputs) > 1:
        return [list(row) for row in zip(*(one["data"] for one in inputs), strict=True)]
    n, width = (*inputs[0]["shape"], 1)[:2]
    return [inputs[0]["data"][at : at + width] for at in range(0, n * width, width)]


def mlserver(seen: Seen, *, score: Score = score_of) -> Said:
    """MLServer 1.7.1 with mlserver-lightgbm: output `predict` of [n, 1]; the body's id is echoed."""
    try:
        asked = _strict(seen.body, status=422, named="error")
        rows = _matrix(asked["inputs"])
    except (KeyError, TypeError):
        problem = {"type": "missing", "loc": ["body", "inputs"], "msg": "Field required"}
        raise Refused(422, {"detail": [problem | {"input": seen.body.decode()}]}) from None
    outputs: list[dict[str, Any]] = [
        {
            "name": "predict",
            "shape": [len(rows), 1],
            "datatype": "FP64",
            "parameters": {"content_type": "np"},
            "data": _scored(rows, score),
        }
    ]
    if {"name": "features"} in asked.get("outputs", []):
        flat = [value for row in rows for value in row]
        outputs.insert(
            0, {"name": "features", "shape": [len(rows), len(WEIGHTS)], "datatype": "FP64", "data": flat}
        )
    answer = {"model_name": "bc", "model_version": "v1", "id": asked["id"], "parameters": {}}
    headers = {"content-type": "application/json", "ce-specversion": "0.3", "ce-id": asked["id"]}
    return Said(json.dumps({**answer, "outputs": outputs}).encode(), headers=headers)


def kserve_v2(seen: Seen, *, score: Score = score_of) -> Said:
    """KServe 0.21, lgbserver: output `output-0` of [n], null model_version, binary in and out."""
    size = int(seen.headers.get(LENGTH, len(seen.body)))
    asked = json.loads(seen.body[:size])
    at = size
    for one in asked["inputs"]:
        if binary := one.get("parameters", {}).get("binary_data_size"):
            letter = {"FP64": "d", "FP32": "f", "INT64": "q"}[one["datatype"]]
            count = binary // struct.calcsize(letter)
            one["data"] = list(struct.unpack(f"<{count}{letter}", seen.body[at : at + binary]))
            at += binary
    scores = _scored(_matrix(asked["inputs"]), score)
    answer = {"id": asked["id"], "model_name": "bc", "model_version": None}
    output: dict[str, Any] = {"name": "output-0", "shape": [len(scores)], "datatype": "FP64"}
    if any(one.get("parameters", {}).get("binary_data") for one in asked.get("outputs", [])):
        raw = struct.pack(f"<{len(scores)}d", *scores)
        head = json.dumps(
            {**answer, "outputs": [output | {"parameters": {"binary_data_size": len(raw)}}]}
        ).encode()
        types = {
            "content-type": "application/octet-stream",
            "Inference-Header-Content-Length": str(len(head)),
        }
        return Said(head + raw, headers=types)
    full = {**answer, "parameters": None, "outputs": [output | {"parameters": None, "data": scores}]}
    return Said(json.dumps(full).encode())


def kserve_v1(seen: Seen) -> Said:
    """KServe 0.21, lgbserver, first protocol: rows, or objects of lists; of plain values it makes a 500."""
    asked = _strict(seen.body, status=400, named="error")
    rows = []
    for one in asked.get("instances", asked.get("inputs", ())):
        if isinstance(one, dict) and not all(isinstance(value, list | dict) for value in one.values()):
            raise Refused(500, {"error": "ValueError : If using all scalar values, you must pass an index"})
        rows.append([one[name][0] for name in COLUMNS] if isinstance(one, dict) else one)
    return Said(json.dumps({"predictions": _scored(rows)}).encode())


def tf_serving(seen: Seen) -> Said:
    """TensorFlow Serving: rows give `predictions` of [[p]], columns give `outputs`."""
    asked = json.loads(seen.body)
    if asked.get("signature_name") != "serving_default":
        raise Refused(404, {"error": 'Serving signature name: "None" not found in signature def'})
    if "inputs" in asked:
        rows = list(zip(*(asked["inputs"][name] for name in COLUMNS), strict=True))
        return Said(json.dumps({"outputs": [[score] for score in _scored(rows)]}).encode())
    return Said(json.dumps({"predictions": [[score] for score in _scored(asked["instances"])]}).encode())


def vertex(seen: Seen) -> Said:
    """Vertex AI: objects of features, a pair of probabilities a row, and the deployed model beside them."""
    asked = json.loads(seen.body)
    if missing := [one for one in asked["instances"] if set(one) != set(COLUMNS)]:
        message = f"The column {sorted(set(COLUMNS) - set(missing[0]))} is required. Got {missing[0]}"
        error = {"code": 400, "message": message, "status": "INVALID_ARGUMENT"}
        raise Refused(400, {"error": error})
    pairs = [[1.0 - p, p] for p in _scored([[one[name] for name in COLUMNS] for one in asked["instances"]])]
    scores = [{"classes": ["0", "1"], "scores": pair} for pair in pairs]
    model = {"deployedModelId": "4242", "model": "projects/1/locations/eu/models/7", "modelVersionId": "1"}
    return Said(json.dumps({"predictions": scores, **model}).encode())


def mlflow(seen: Seen) -> Said:
    """MLflow 3.17 with a signature: by name; an error holds the row that was asked."""
    asked = json.loads(seen.body)
    if "dataframe_split" in asked:
        split = asked["dataframe_split"]
        rows = [dict(zip(split["columns"], row, strict=True)) for row in split["data"]]
    else:
        rows = asked.get("dataframe_records") or _of_inputs(asked["inputs"])
    for row in rows:
        if set(row) != set(COLUMNS):
            message = (
                f"Failed to predict data '{row}'. \nError: Model is missing inputs {set(COLUMNS) - set(row)}."
            )
            raise Refused(400, {"error_code": "BAD_REQUEST", "message": message})
    body: dict[str, object] = {"predictions": _scored([[row[name] for name in COLUMNS] for row in rows])}
    if "client_request_id" in asked:
        body["databricks_output"] = {"databricks_request_id": "a1b2"}
    return Said(json.dumps(body).encode())


def _of_inputs(inputs: Any) -> list[dict[str, object]]:  # noqa: ANN401  -- any JSON
    if isinstance(inputs, dict):
        return [dict(zip(inputs, row, strict=True)) for row in zip(*inputs.values(), strict=True)]
    return [dict(zip(COLUMNS, row, strict=False)) for row in inputs]


def sagemaker(seen: Seen, *, score: Score = score_of) -> Said:
    """SageMaker's toolkit: CSV by position or a JSON list, as asked; the id in its header is its own."""
    ours = {"x-request-id": "5ea6f1de-aaaa-4e0e-9d3d-000000000000"}
    kind = seen.headers.get("content-type")
    if kind == "text/csv":
        lines = seen.body.decode().splitlines()
        rows: list[list[object]] = [
            [float(text) if text else None for text in line.split(",")] for line in lines
        ]
    elif kind == "application/json":
        rows = json.loads(seen.body)
    else:
        raise Refused(500, {"code": 500, "type": "InternalServerException", "message": "Worker died."})
    scores = _scored(rows, score)
    if seen.headers.get("accept") == "text/csv":
        text = "".join(f"{one!r}\n" for one in scores)
        return Said(text.encode(), headers=ours | {"content-type": "text/csv"})
    return Said(json.dumps(scores).encode(), headers=ours | {"content-type": "application/json"})


def fastapi(seen: Seen) -> Said:
    """A service written by hand: an object of features in, one score out, features on demand, id echoed."""
    asked = json.loads(seen.body)
    features = asked.get("features", {})
    if missing := [name for name in COLUMNS if name not in features]:
        problem = {"type": "missing", "loc": ["body", "features", missing[0]], "msg": "Field required"}
        raise Refused(422, {"detail": [problem | {"input": features}]})
    body: dict[str, object] = {"score": _scored([[features[name] for name in COLUMNS]])[0]}
    if seen.headers.get("x-debug-features") == "1":
        body["features"] = features
    headers = {"content-type": "application/json", "X-Request-Id": seen.headers["x-request-id"]}
    return Said(json.dumps(body).encode(), headers=headers | {"X-Model-Hash": "ab" * 32})


def bentoml(seen: Seen) -> Said:
    """BentoML 1.4: {"rows": [...]} in, a bare list out; ids of its own."""
    rows = json.loads(seen.body)["rows"]
    scores = _scored([[row[name] for name in COLUMNS] for row in rows])
    ids = {"server": "BentoML Service/bc", "x-bentoml-request-id": "36d3dede71dfc23b"}
    return Said(json.dumps(scores).encode(), headers=ids | {"content-type": "application/json"})


Speaking = Callable[[Seen], Said]


@dataclass
class Served:
    """One of these servers on a port of its own; `seen` holds what it was asked."""

    speak: Speaking
    seen: list[Seen] = field(default_factory=list)

    @property
    def origin(self) -> str:
        """Its scheme, host and port."""
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Self:
        handler = type("Handler", (_Handler,), {"served": self})
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    served: ClassVar[Served]

    def do_GET(self) -> None:
        """Every path of a GET says that the server is there."""
        self._send(Said(b"{}"))

    def do_POST(self) -> None:
        """A request is remembered, then answered."""
        body = self.rfile.read(int(self.headers["content-length"]))
        seen = Seen(self.path, {name.lower(): value for name, value in self.headers.items()}, body)
        self.served.seen.append(seen)
        try:
            said = self.served.speak(seen)
        except Refused as error:
            said = error.said
        self._send(said)

    def _send(self, said: Said) -> None:
        self.send_response(said.status)
        for name, value in said.headers.items():
            self.send_header(name, value)
        self.send_header("content-length", str(len(said.body)))
        self.end_headers()
        self.wfile.write(said.body)

    def log_message(self, *_: object) -> None:
        """Tests say what they have to say themselves."""
