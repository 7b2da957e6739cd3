"""What the service takes and gives, from the schema of its model: as an OpenAPI document, and as a page."""

import html
import json
import shlex
from datetime import datetime
from typing import Any

from .._kinds import LABEL_SETS
from .._modalities import cell_kinds_of
from .._plain_words import percent
from ..data import classes_by_column, kinds_by_column
from ..store import example_of
from ._bodies import MOST_ROWS
from ._inputs import Inputs

KNOWN = 30  # categories that are listed
PLACE = "HOST:PORT"
STYLE = (
    ":root{color-scheme:light dark}body{font:16px/1.5 sans-serif;max-width:60em;margin:2em auto;padding:0 1em;"
    "overflow-wrap:anywhere}td{padding:.2em 1em .2em 0;vertical-align:top}td:first-child{min-width:7em}"
    "td:nth-child(2){min-width:5em}pre{background:light-dark(#eee,#333);padding:1em;overflow:auto}"
)
CELLS: dict[str, dict[str, Any]] = {
    "file": {"type": ["string", "null"], "contentEncoding": "base64"},
    "numbers": {"type": ["array", "null"], "items": {"type": ["number", "null"]}},
    "value": {"type": ["string", "number", "boolean", "null"]},
}
OPTIONS = {
    "probabilities": {"type": "boolean", "default": False},
    "interval": {"type": "boolean", "default": False},
    "set": {"type": "boolean", "default": False},
    "coverage": {"type": "number", "exclusiveMinimum": 0, "exclusiveMaximum": 1, "default": 0.9},
}
OPTION_WORDS = {
    "probabilities": "true: also the probability of each class",
    "interval": "true: also the bounds that hold the true number with the probability of coverage",
    "set": "true: also the classes that hold the true one with the probability of coverage; of a ranking whether a row "
    "may be the most relevant of its query",
    "coverage": "a number between 0 and 1; 0.9 if it is left out",
}
POSTS = {
    "/predict": "Predict rows: as JSON, or as a form with pictures, sounds or clips as files",
    "/invocations": "Predict rows in MLflow's protocol",
}
GETS = {
    "/ping": "Whether the service runs",
    "/schema": "What it takes and gives, as OpenAPI",
    "/docs": "A page for people",
    "/metrics": "Counts for Prometheus",
}
ERRORS = {
    "400": "The body is not as it must be",
    "413": "The body is too large",
    "415": "The body is of another kind",
    "503": "Too many requests wait: try again",
}


def columns_of(model, inputs: Inputs) -> dict[str, dict[str, Any]]:
    """Return the JSON schema of the cells of each column.

    It names categories of the training data, and shows nothing else of them.
    """
    records = {str(column.name): column for column in model.schema_.columns}
    found = {}
    for name in inputs.columns or inputs.order or ():
        cell = dict(CELLS[inputs.columns.get(name, "value")])
        record = records.get(name)
        if record is not None:
            noun = f"{record.taken_as}{_written(record.reading)}"
            noun = f"{noun}, the bytes of a file" if inputs.columns[name] == "file" else noun
            cell["type"] = ["string", "null"] if record.is_string or record.taken_as == "date" else cell["type"]
            cell["description"] = f"{noun}; {percent(record.missing, 0)} missing in fit"
            if record.taken_as == "category" and getattr(record.reading, "known", None):
                cell["examples"] = list(record.reading.known[:KNOWN])
        found[name] = cell
    return found


def _written(reading) -> str:
    """Return in words how values of a column are written, with a date that stands in no row."""
    if getattr(reading, "format", None):
        return f", as {datetime(2024, 1, 31, 12).strftime(reading.format)}"
    units = [unit for unit, _ in getattr(reading, "units", ()) if unit]
    return f", in {' or '.join(units)}" if units else ""


def open_api(model, inputs: Inputs, version: str) -> dict[str, Any]:
    """Return the OpenAPI document."""
    cells = columns_of(model, inputs)
    row = _object(cells)
    if inputs.order is not None:
        n = len(inputs.order)
        row = {"type": "array", "items": CELLS["value"], "minItems": n, "maxItems": n}
    rows = {"type": "array", "items": row, "minItems": 1, "maxItems": MOST_ROWS}
    split = {"columns": {"type": "array", "items": {"type": "string"}}, "data": {"type": "array", "items": {}}}
    asked = {
        "/predict": {
            "application/json": _object({"rows": rows, **OPTIONS}, required=["rows"], additionalProperties=False),
            "multipart/form-data": _object(
                OPTIONS | {name: {"type": "array", "items": cell} for name, cell in cells.items()}
            ),
        },
        "/invocations": {
            "application/json": _object(
                {"dataframe_split": _object(split), "dataframe_records": rows, "params": _object(OPTIONS)}
            ),
            "text/csv": {"type": "string"},
        },
    }
    entries = {"type": "array", "items": {"type": "object"}}
    tasks = {str(name): {"description": kind} for name, kind in kinds_by_column(model.tasks_).items()}
    answer = _object(
        {
            "predictions": {"type": "array", "items": _object(tasks)},
            "probabilities": entries,
            "intervals": entries,
            "sets": entries,
            "warnings": {"type": "array", "items": {"type": "string"}},
        },
        required=["predictions"],
    )
    error = _object({"error": {"type": "string"}}, required=["error"])
    answers = {"200": _response("One entry per row", answer)}
    answers |= {status: _response(words, error) for status, words in ERRORS.items()}
    posts = {
        path: {"post": {"summary": POSTS[path], "responses": answers,
                        "requestBody": {"required": True, "content": _content(kinds)}}}
        for path, kinds in asked.items()
    }  # fmt: skip
    gets = {path: {"get": {"summary": words, "responses": {"200": {"description": words}}}}
            for path, words in GETS.items()}  # fmt: skip
    return {"openapi": "3.1.0", "info": {"title": _title(model), "version": version}, "paths": posts | gets}


def page(model, inputs: Inputs) -> str:
    """Return a page on the service, whole in itself; PLACE stands in it where its address does."""
    cells = columns_of(model, inputs)
    columns = [
        (name, cell.get("description", ""), ", ".join(map(str, cell.get("examples", ()))))
        for name, cell in cells.items()
    ]
    example = example_of(model) if cell_kinds_of(model) else dict.fromkeys(cells, 1.0)
    body = {"rows": [example if inputs.order is None else list(example.values())], "probabilities": True}
    sent = json.dumps(body, indent=1, ensure_ascii=False)
    calls = [f"curl -H 'Content-Type: application/json' -d @- http://{PLACE}/predict <<'END'\n{sent}\nEND"]
    if inputs.order is None and not any("=" in name for name in example):  # where curl takes the name to end
        calls.append(" \\\n     ".join([f"curl http://{PLACE}/predict", *_fields(example, inputs)]))
    said = json.dumps(_made_up_answer(model), indent=1, ensure_ascii=False)
    title = html.escape(_title(model))
    return (
        "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content='width=device-width'>"
        f"<title>{title}</title><style>{STYLE}</style><h1>{title}</h1><h2>A request</h2>"
        f"{''.join(f'<pre>{html.escape(call)}</pre>' for call in calls)}"
        f"<p>Send every column of a table, and null where a value is not known.</p>"
        f"<h2>The answer</h2><p>One entry per row, such as:</p><pre>{html.escape(said)}</pre>"
        f"<h2>Options</h2>{_table(OPTION_WORDS.items())}<h2>Columns</h2>{_table(columns)}<h2>Pages</h2>"
        f"{_table((POSTS | GETS).items())}</html>"
    )


def _made_up_answer(model) -> dict[str, list]:
    """Return what an answer looks like: the kind of each value is right, the values are not."""
    predictions, probabilities = {}, {}
    classes = classes_by_column(model.tasks_)
    for name, kind in kinds_by_column(model.tasks_).items():
        labels = classes[name][:KNOWN].tolist() if name in classes else []
        said = labels[:1] if kind == LABEL_SETS else labels[0] if labels else 12.3
        predictions[str(name)] = said
        if labels:
            probabilities[str(name)] = {str(label): round(1 / len(labels), 2) for label in labels}
    return {"predictions": [predictions]} | ({"probabilities": [probabilities]} if probabilities else {})


def _fields(example: dict, inputs: Inputs) -> list[str]:
    """Return what curl has to say to send an example as a form."""
    fields = []
    for name, value in example.items():
        if inputs.columns[name] == "file":
            fields.append(f"-F {shlex.quote(name + '=@FILE')}")
        elif inputs.columns[name] == "value":
            text = "" if value is None else value
            fields.append(f"--form-string {shlex.quote(f'{name}={text}')}")
    return [*fields, *(() if "probabilities" in example else ["-F probabilities=true"])]


def _title(model) -> str:
    return "Predictions of " + ", ".join(kinds_by_column(model.tasks_))


def _object(properties: dict, **rest) -> dict[str, Any]:
    return {"type": "object", "properties": properties, **rest}


def _content(kinds: dict[str, dict]) -> dict[str, Any]:
    return {kind: {"schema": schema} for kind, schema in kinds.items()}


def _response(words: str, schema: dict) -> dict[str, Any]:
    return {"description": words, "content": _content({"application/json": schema})}


def _table(rows) -> str:
    lines = ("".join(f"<td>{html.escape(cell)}</td>" for cell in row) for row in rows)
    return "<table>" + "".join(f"<tr>{line}</tr>" for line in lines) + "</table>"
