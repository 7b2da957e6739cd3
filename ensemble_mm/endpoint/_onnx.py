"""A fitted stack as an ONNX graph, from the features of its views to the predictions of its tasks.

The graph takes the features of each view, and which views each row has. What a member counts depends on nothing but
which views are there: tables hold the weights for every pattern of views, and each row takes those of its own.
"""

import os
from copy import copy
from dataclasses import astuple, dataclass
from typing import Any

import numpy as np
from scipy import sparse

from .._checks import require
from ..store import write_atomic
from ._onnx_learners import OPSET, TREES_OPSET, Graph, NotExportedError, add_learner

PRESENT = "present"  # the input that tells which views a row has
MOST_VIEWS = 12  # each doubles the patterns
PART_ROWS = 64  # that are compared at a time
TOLERANCE = 1e-4  # of a probability, or of the largest number of a task
FLOOR, TINY = 1e-5, 1e-12  # of a probability whose logarithm is taken by a meta-learner, and by a calibrator
# Meta-learners that add up what members say, or, of linear ones for classes, its logarithm.
SUMS = {f"{name}{family}" for name in ("Mean", "Simplex", "Greedy", "Fixed", "Linear", "Multinomial")
        for family in ("Classifier", "Regressor", "Quantiles")}  # fmt: skip


def features_of(model, X) -> dict[str, np.ndarray]:
    """Return what the graph of a fitted stack takes of some rows.

    Parameters
    ----------
    model : fitted StackedClassifier, StackedRegressor or MultiOutputStack
    X : as in `predict`

    Returns
    -------
    dict of str to ndarray
        The features of each view, shape (n_samples, n_features), and "present", which views each row has, bool of
        shape (n_samples, n_views).
    """
    return _features(model, model._new_rows(X), slice(None))


def write_onnx(model, X, path: str | os.PathLike) -> None:
    """Write a fitted stack as an ONNX graph, after it predicted some rows as the stack does.

    Parameters
    ----------
    model : fitted StackedClassifier, StackedRegressor or MultiOutputStack
    X : as in `predict`
        Rows to compare: those of the fit, say. Views that no row has, and their weights, stay unchecked.
    path : path-like
        The file. Its graph takes what `features_of` gives, and returns by task the probabilities of the classes, the
        number, or its quantiles: float64, shape (n_samples, n_columns).

    Raises
    ------
    NotExportedError
        Where a learner, a meta-learner or a calibrator has no form in ONNX, with the names of all that have none; and
        where a prediction differs by more than 1e-4.
    """
    if not hasattr(model, "_new_rows"):
        raise NotExportedError(f"A {type(model).__name__} is not a fitted stack: skl2onnx exports single estimators.")
    for package in ("onnx", "onnxruntime"):
        require(package, extra="onnx", caller="Export to ONNX")
    import onnxruntime

    new = model._new_rows(X)
    wanted = model._predicted(new)
    content = _Stack(model, _features(model, new, slice(1)), list(new.present)).whole().SerializeToString()
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    session = onnxruntime.InferenceSession(content, options, providers=["CPUExecutionProvider"])
    inputs, found = [value.name for value in session.get_inputs()], []
    for start in range(0, new.n_rows, PART_ROWS):  # features of words are many, and dense here
        features = _features(model, new, slice(start, start + PART_ROWS))
        found.append(session.run(None, {name: features[name] for name in inputs}))
    for name, out in zip(model.tasks_, map(np.concatenate, zip(*found, strict=True)), strict=True):
        told = wanted[name].reshape(out.shape)
        apart = np.abs(out - told).max(axis=1)
        size = 1.0 if model.tasks_[name].rules.n_classes else np.abs(told).max()
        if not (apart <= TOLERANCE * size).all():
            row = int(np.argmax(np.where(np.isnan(apart), np.inf, apart)))
            raise NotExportedError(
                f"The graph says {out[row].tolist()} of task {name!r} in row {row}, and the model "
                f"{told[row].tolist()}: nothing was written."
            )
    write_atomic(path, content)


@dataclass(frozen=True)
class _Block:
    """The features of a view that some models read."""

    view: str
    fold: int | None
    task: str | None
    form: str
    width: int
    is_sparse: bool

    @classmethod
    def read_by(cls, model, member, fold, fitted, place):
        """Return what a fitted member reads at some place among its views."""
        view = fitted.views[place]
        extracted = model.readers_[view].fitted
        task = member.task if (fold, member.task) in extracted else None
        reducer = extracted.get((fold, task), (None, None))[1]
        form = "native" if reducer is None else member.form
        fold = fold if len({fold for fold, _ in extracted}) > 1 else next(iter(extracted), (None, None))[0]
        return cls(view, fold, task, form, fitted.widths[place], fitted.sparse[place])

    @property
    def name(self):
        """The name of its input."""
        words = [self.view, self.task, self.form if self.form != "native" else None,
                 f"fold {self.fold}" if self.fold is not None and self.fold >= 0 else None]  # fmt: skip
        return ", ".join(word for word in words if word is not None)


def _models(model):
    """Yield (member, fold, fitted member) of all that a stack asks."""
    for level in model.levels_:
        for member in level.table.members():
            for fold, fitted in level.models.get(member, {}).items():
                if fitted is not None and fitted.estimator is not None:
                    yield member, fold, fitted


def _features(model, new, rows):
    """Return the features of some of the new rows by the names of the graph's inputs."""
    out = {PRESENT: np.column_stack(list(new.present.values()))[rows]}
    blocks = [_Block.read_by(model, *asked, place) for asked in _models(model) for place in range(len(asked[2].views))]
    for block in dict.fromkeys(blocks):
        if block.name in out:
            raise NotExportedError(
                f"Two inputs of the graph would be called {block.name!r}: give the view another name."
            )
        features = new.block(block.view, block.fold, block.task, block.form)
        if features is None:  # no row has the view
            features = np.full((new.n_rows, block.width), 0.0 if block.is_sparse else np.nan, np.float32)
        out[block.name] = features[rows].toarray() if sparse.issparse(features) else features[rows]
    return out


class _Stack:
    """Makes the graph of a stack, of features as `features_of` gives them, with views in the order of its columns."""

    def __init__(self, model, features, views):
        if len(views) > MOST_VIEWS:
            raise NotExportedError(f"A model of {len(views)} views is not exported: at most {MOST_VIEWS} are.")
        self.model, self.features, self.graph = model, features, Graph([*features, *map(str, model.tasks_)])
        self.bits = {view: 1 << place for place, view in enumerate(views)}
        here = self.graph.cast(PRESENT)
        self.lacking = self.graph("Sub", 1.0, here)
        code = self.graph("MatMul", here, np.array(list(self.bits.values()), dtype=float))
        self.pattern = self.graph.cast(code, "INT64")
        self.blocks = {name: self.graph.cast(name) for name in features if name != PRESENT}
        self.cells: dict[Any, str] = {}
        self.refused: dict[str, None] = {}

    def whole(self):
        """Return the graph as a model of ONNX."""
        tasks, out = self.model.tasks_, {}
        members = [member for level in self.model.levels_ for member in level.table.members()]
        self.read = {astuple(e) for member in members for e in member.inputs}
        # (task, chain, learner, reads) -> what members may read beside views; of no task: which views a row lacks
        estimates = {key: self.lacking for key in self.read if key[0] not in tasks}
        for level in self.model.levels_:
            self._add_members(level, estimates)
            out = {name: self._combined(level, name) for name in tasks}
            estimates |= {(name, None, None, None): self._rest(said, name) for name, said in out.items()}
        out = {name: self._calibrated(self.model.levels_[-1], name, said) for name, said in out.items()}
        if self.refused:
            raise NotExportedError(f"Nothing was exported: ONNX has no form for {'; '.join(self.refused)}.")
        if both := {*self.features} & {str(name) for name in out}:
            raise NotExportedError(f"A view and a target are both called {min(both)!r}: give one another name.")
        return self._as_model(out)

    def _add_members(self, level, estimates):
        """Add the members of a level, those of a chain link after link, and what others read of them."""
        waiting = level.table.members()
        while waiting:
            ready = [member for member in waiting if all(astuple(e) in estimates for e in member.inputs)]
            for member in ready:
                self.cells[member] = self._cell(level, member, estimates)
                alone = (member.learner, member.reads) if member.chain is None else (None, None)
                own = (member.task, member.chain, *alone)
                if own in self.read:
                    estimates[own] = self._rest(self._with_holes(member), member.task)
            waiting = [member for member in waiting if member not in ready]

    def _as_model(self, out):
        """Return the graph, of which `out` tells the predictions by task, as a model."""
        from onnx import TensorProto, helper

        kinds = {np.dtype(bool): TensorProto.BOOL, np.dtype(np.float32): TensorProto.FLOAT,
                 np.dtype(np.float64): TensorProto.DOUBLE}  # fmt: skip
        given = [helper.make_tensor_value_info(name, kinds[block.dtype], [None, block.shape[1]])
                 for name, block in self.features.items()]  # fmt: skip
        widths = {str(name): self.model.tasks_[name].rules.width for name in out}
        told = [helper.make_tensor_value_info(name, TensorProto.DOUBLE, [None, width])
                for name, width in widths.items()]  # fmt: skip
        nodes = [*self.graph.nodes, *(helper.make_node("Identity", [said], [str(name)]) for name, said in out.items())]
        graph = helper.make_graph(nodes, "ensemble_mm", given, told, self.graph.constants)
        opsets = [helper.make_opsetid("", OPSET), helper.make_opsetid("ai.onnx.ml", TREES_OPSET)]
        return helper.make_model(graph, opset_imports=opsets, ir_version=9)

    def _rest(self, said, task):
        """Return what is said of a task as an input of another: of classes all but the first."""
        rules = self.model.tasks_[task].rules
        return self.graph("Gather", said, np.arange(1, rules.width), axis=1) if rules.n_classes else said

    def _cell(self, level, member, estimates):
        """Return the columns of a member, shape (n_rows, width), 0 where a row has none of its views."""
        graph, rules = self.graph, self.model.tasks_[member.task].rules
        models = [(fold, fitted) for fold, fitted in level.models.get(member, {}).items() if fitted is not None]
        said = []
        for fold, fitted in models:
            if fitted.estimator is None:
                continue
            try:
                said.append(self._said(member, fold, fitted, estimates))
            except NotExportedError as error:
                self.refused[f"{error} ({member})"] = None
        if not said:
            return graph("Mul", graph("Gather", self.lacking, np.array([0]), axis=1), np.zeros(rules.width))
        mean = graph("Div", graph("Sum", *said), float(len(models)))
        return self._where_there(member, mean, 0.0)

    def _with_holes(self, member):
        """Return the columns of a member as others read them: NaN where a row has none of its views."""
        return self._where_there(member, self.cells[member], np.nan)

    def _where_there(self, member, said, hole):
        """Return what a member says of rows that have one of its views, and of others a hole."""
        if not member.views:
            return said
        graph = self.graph
        lacks = graph("Gather", self.lacking, np.array([list(self.bits).index(view) for view in member.views]), axis=1)
        gone = graph("Greater", graph("ReduceMin", lacks, np.array([1]), keepdims=1), 0.5)
        return graph("Where", gone, hole, said)

    def _said(self, member, fold, fitted, estimates):
        """Return what a fitted member says of each class, or its numbers."""
        graph, blocks = self.graph, []
        for place in range(len(fitted.views)):
            blocks.append(self.blocks[_Block.read_by(self.model, member, fold, fitted, place).name])
        if member.inputs:
            more = graph("Concat", *(estimates[astuple(e)] for e in member.inputs), axis=1)
            blocks.append(graph.cast(graph.cast(more, "FLOAT")))
        blocks = [x if fill is None else graph("Where", graph("IsNaN", x), np.asarray(fill, dtype=float), x)
                  for x, fill in zip(blocks, fitted.fills, strict=True)]  # fmt: skip
        learner = fitted.estimator
        if fitted.n_classes and not hasattr(learner, "predict_proba"):
            raise NotExportedError(type(learner).__name__)
        out = add_learner(graph, learner, graph("Concat", *blocks, axis=1))
        if fitted.counted:
            out = graph("Div", out, np.asarray(fitted.counted))
            out = graph("Div", out, graph("ReduceSum", out, np.array([1]), keepdims=1))
        if fitted.n_classes:
            out = graph("Clip", graph("MatMul", out, np.eye(fitted.n_classes)[fitted.codes]), 0.0, 1.0)
        return out

    def _combined(self, level, name):
        """Return what the meta-learner of a task makes of its members."""
        graph, rules = self.graph, self.model.tasks_[name].rules
        apart = level.apart.get(name, {})
        members = list(dict.fromkeys([*level.columns[name], *(m for own in apart.values() for m in own.members)]))
        try:
            *tables, crossed = self._tables(level, name, members)
        except NotExportedError as error:
            self.refused[f"{error}, the meta-learner of task {name!r}"] = None
            return self.cells[members[0]]
        cells = graph("Concat", *(graph("Unsqueeze", self.cells[m], np.array([1])) for m in members), axis=1)
        plain, constant, logs, bias, part = (graph("Gather", table, self.pattern, axis=0) for table in tables)
        out = graph("Add", self._weighed(cells, plain), constant)
        if tables[-1].any():
            spread = graph("Log", graph("Clip", cells, FLOOR, 1 - FLOOR))
            scores = self._weighed(spread, logs)
            if crossed is not None:
                row = graph("Reshape", spread, np.array([-1, 1, len(members) * rules.width]))
                matrix = graph("Gather", crossed, self.pattern, axis=0)
                scores = graph("Add", scores, graph("Squeeze", graph("MatMul", row, matrix), np.array([1])))
            soft = graph("Softmax", graph("Add", scores, bias), axis=1)
            out = graph("Add", out, graph("Mul", soft, part))
        if rules.n_classes:
            return graph("Div", out, graph("ReduceSum", out, np.array([1]), keepdims=1))
        return graph("Max", out, rules.least_number) if np.isfinite(rules.least_number) else out

    def _weighed(self, cells, weights):
        """Return the weighed sum of what members say."""
        parts = self.graph("Mul", cells, self.graph("Unsqueeze", weights, np.array([2])))
        return self.graph("ReduceSum", parts, np.array([1]), keepdims=0)

    def _tables(self, level, name, members):
        """Return what to make of the members in each pattern: weights and a constant, the same of their logarithms,
        what is to be added of these, as shares of the classes, and what one class tells of others, or None."""
        rules, place = self.model.tasks_[name].rules, {member: m for m, member in enumerate(members)}
        n = 1 << len(self.bits)
        plain, logs = np.zeros((2, n, len(members)))
        constant, bias = np.zeros((2, n, rules.width))
        part, crossed = np.zeros((n, 1)), None
        for code in range(n):
            own = level.apart.get(name, {}).get(code & level.there)
            meta, read = (level.metas[name], level.columns[name]) if own is None else (own.meta, own.members)
            here = np.array([self._has(level, member, code) for member in read])
            columns = [place[member] for member in read]
            if not here.any():
                constant[code] = meta.prior_
                continue
            for share, blend in _blends(meta):
                if hasattr(blend, "coef_") and rules.n_classes:
                    if part[code]:
                        raise NotExportedError("two sums of logarithms")
                    logs[code, columns], bias[code], matrix = _of_logarithms(blend, here, rules)
                    if matrix is not None and crossed is None:
                        crossed = np.zeros((n, len(members), rules.width, rules.width))
                    if matrix is not None:
                        crossed[code, columns] = matrix
                    part[code] = share
                else:
                    weights, rest = _of_sum(blend, here, rules)
                    plain[code, columns] += share * weights
                    constant[code] += share * rest
        return plain, constant, logs, bias, part, None if crossed is None else crossed.reshape(n, -1, rules.width)

    def _has(self, level, member, code):
        """Tell whether a member says something of rows with some views."""
        models = level.models.get(member) or (level.below.models.get(member, {}) if level.below is not None else {})
        there = not member.views or any(code & self.bits[view] for view in member.views)
        return there and any(model is not None for model in models.values())

    def _calibrated(self, level, name, said):
        calibrator = level.calibrators.get(name)
        if calibrator is None:
            return said
        if not hasattr(calibrator, "temperature_"):
            self.refused[f"{type(calibrator).__name__} of task {name!r}"] = None
            return said
        logs = self.graph("Log", self.graph("Clip", said, TINY, 1.0))
        return self.graph("Softmax", self.graph("Div", logs, calibrator.temperature_), axis=1)


def _blends(meta):
    """Return (share, meta-learner) of those that a meta-learner averages."""
    chosen = getattr(meta, "chosen_", None)
    blends = [(meta.shares_[name], part) for name, part in chosen.items()] if chosen else [(1.0, meta)]
    for _, blend in blends:
        if type(blend).__name__ not in SUMS:
            raise NotExportedError(type(blend).__name__)
    return blends


def _of_sum(blend, here, rules):
    """Return weights and a constant of a sum of what some members say."""
    if rules.n_classes:
        return _asked(blend, here, rules, *np.eye(rules.width)[:2])[1:, 1], 0.0
    out = _asked(blend, here, rules, np.zeros(rules.width), np.ones(rules.width))
    return (out[1:] - out[0])[:, 0], out[0]


def _of_logarithms(blend, here, rules):
    """Return weights and biases of a sum of logarithms of what some members say, of classes, up to a constant.

    The third is what each class tells of each, shape (n_members, n_classes, n_classes), or None.
    """
    matrix = getattr(blend, "matrix_", None)
    if matrix is not None:  # members that are absent say what the others do on average
        share = here * blend.coef_ if (here * blend.coef_).any() else here.astype(float)
        absent = np.multiply.outer(share / share.sum(), matrix[~here].sum(axis=0))
        matrix = here[:, np.newaxis, np.newaxis] * matrix + absent
        blend = copy(blend)
        blend.matrix_ = None
    one, other = np.ones((2, rules.width))
    other[1] = 2.0
    out = np.log(_asked(blend, here, rules, one / one.sum(), other / other.sum()))
    odds = out[:, 1] - out[:, 0]
    return (odds[1:] - odds[0]) / np.log(2), out[0], matrix


def _asked(blend, here, rules, one, other):
    """Return what a blend says where all members that are there say one thing, and where each in turn says another."""
    cells = np.tile(one, (1 + len(here), len(here), 1))
    cells[1:][np.diag_indices(len(here))] = other
    cells[:, ~here] = np.nan
    return rules.ask(blend, rules.flat(cells))
