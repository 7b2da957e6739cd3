"""What makes a model file one of MLflow's own models: its signature, an example, and how it is loaded.

Loading runs nothing of the model: MLflow calls `ensemble_mm.endpoint`, which reads the file as `load` does.
"""

import json
import os
import sys
from datetime import datetime
from pathlib import Path

from .._modalities import cell_kinds_of
from ._keys import versions

LOADER = "ensemble_mm.endpoint"  # stands in the files: `_load_pyfunc` stays there
# The last is written by MLflow when it loads a model.
FILES = ("MLmodel", "requirements.txt", "python_env.yaml", "input_example.json", "registered_model_meta")


def write_pyfunc(model, folder: str | os.PathLike, file: str, run: str) -> None:
    """Write the files that let MLflow load a model from a folder, beside the model file in it.

    Parameters
    ----------
    model : estimator
        A fitted stack; of another estimator no signature is written.
    folder : path-like
    file : str
        Name of the model file.
    run : str
        The id of its run.
    """
    from mlflow import pyfunc
    from mlflow.models import Model, ModelSignature
    from mlflow.types import ParamSchema, ParamSpec

    folder = Path(folder)
    entry = Model(run_id=run, artifact_path="")
    if hasattr(model, "schema_"):
        params = [ParamSpec("probabilities", "boolean", False), ParamSpec("interval", "boolean", False),
                  ParamSpec("coverage", "double", 0.9)]  # fmt: skip
        entry.signature = ModelSignature(_inputs(model), _outputs(model), ParamSchema(params))
        example = example_of(model)
        if cell_kinds_of(model):
            content = {"columns": list(example), "data": [list(example.values())]}
            (folder / "input_example.json").write_text(json.dumps(content), encoding="utf-8")
            entry.saved_input_example_info = {
                "artifact_path": "input_example.json",
                "type": "dataframe",
                "pandas_orient": "split",
            }
    pyfunc.add_to_model(entry, loader_module=LOADER, data=file, python_env="python_env.yaml")
    entry.save(folder / "MLmodel")
    (folder / "requirements.txt").write_text("\n".join(requirements()) + "\n", encoding="utf-8")
    python = {"python": ".".join(map(str, sys.version_info[:3])), "build_dependencies": ["pip"],
              "dependencies": ["-r requirements.txt"]}  # fmt: skip
    (folder / "python_env.yaml").write_text(json.dumps(python, indent=1), encoding="utf-8")  # JSON is YAML


def requirements() -> list[str]:
    """Return the packages that a model was made with, as pip takes them."""
    return [f"{name}=={number}" for name, number in versions().items() if name != "python"]


def example_of(model) -> dict:
    """Return a row that a stack can read, by column. No value of the training data but categories is in it."""
    return {name: _example(_record(model, name), cell) for name, cell in cell_kinds_of(model).items()}


def _record(model, name: str):
    """Return the record of a column, of which a table of a dict of views may hold several."""
    return next((column for column in model.schema_.columns if column.name == name), None)


def _example(record, cell: str):
    if cell != "value" or record is None:
        return None
    known = getattr(record.reading, "known", None)
    if record.taken_as == "category" and known:
        return known[0]
    if getattr(record.reading, "format", None):
        return datetime(2024, 1, 31, 12).strftime(record.reading.format)  # of no row
    if record.taken_as == "number" and not record.is_string:
        return 12 if record.example.replace(", ", "").isdigit() else 12.3
    return "some words" if record.is_string else None


def _inputs(model):
    """Return the columns that a stack reads. Each may be absent: it counts as missing then."""
    import numpy as np
    from mlflow.types import ColSpec, DataType, Schema, TensorSpec
    from mlflow.types.schema import AnyType, Array

    cells = cell_kinds_of(model)
    if not cells:
        return Schema([TensorSpec(np.dtype(np.float64), (-1, model.n_features_in_))])
    columns = []
    for name, cell in cells.items():
        record = _record(model, name)
        kind = Array(DataType.double) if cell == "numbers" else AnyType()  # MLflow's own type of bytes takes no None
        if record is not None and cell == "value" and record.is_string:
            kind = DataType.string
        columns.append(ColSpec(kind, name, required=False))
    return Schema(columns)


def _outputs(model):
    from mlflow.types import ColSpec, DataType, Schema
    from mlflow.types.schema import AnyType

    kinds = {
        "U": DataType.string,
        "T": DataType.string,
        "i": DataType.long,
        "b": DataType.boolean,
        "f": DataType.double,
    }
    columns = []
    for name, task in {task.column or name: task for name, task in model.tasks_.items()}.items():
        kind = DataType.double if task.column is None else AnyType()  # lists of tags
        if task.column is None and task.rules.region == "sets":
            texts = all(isinstance(label, str) for label in task.classes)
            kind = DataType.string if texts else kinds.get(task.classes.dtype.kind, AnyType())
        columns.append(ColSpec(kind, str(name)))
    return Schema(columns)
