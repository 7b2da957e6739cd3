"""Metadata of a learner's own: what its `fit` asks for beside X, y, and the weights and groups of the rows.

A learner, or a part of one, asks as in scikit-learn: `set_fit_request(price=True)`.
"""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import pandas as pd
from sklearn import get_config
from sklearn.utils.metadata_routing import (
    MetadataRequest,
    MetadataRouter,
    get_routing_for_object,
    process_routing,
)

from ._checks import did_you_mean

WHERE_ROWS_ARE_NEW = ("predict", "predict_proba", "decision_function", "transform")
OF_THE_STACK = ("sample_weight", "groups")  # which learners that can take them get without asking


@dataclass(frozen=True)
class Metadata:
    """Values by name: those that have one per row, and those that serve all rows."""

    rows: Mapping[str, Any]
    whole: Mapping[str, Any]

    @classmethod
    def of(cls, given, n_rows) -> Self | None:
        """Return what a fit of so many rows was given; None where that is nothing."""
        rows = {name: _as_rows(value) for name, value in given.items() if has_rows(value, n_rows)}
        return cls(rows, {name: value for name, value in given.items() if name not in rows}) if given else None

    @property
    def params(self) -> dict[str, Any]:
        """The keyword arguments of `fit`."""
        return {**self.rows, **self.whole}

    def __getitem__(self, places) -> "Metadata":
        """Return the metadata of some rows."""
        return Metadata({name: _taken(value, places) for name, value in self.rows.items()}, self.whole)

    def asked_by(self, learner, method="fit") -> "Metadata | None":
        """Return what a learner asks for, by the keywords of its `fit` or another method; None where it is nothing."""
        if hands_on(learner):
            asked = known_names(learner, method)
            names = {name: name for name, is_asked in asked.items() if is_asked and name not in OF_THE_STACK}
        else:
            requests = getattr(_routing_of(learner), method).requests
            names = {word: _called(word, alias) for word, alias in requests.items() if alias}
        rows, whole = (
            {word: part[name] for word, name in names.items() if name in part} for part in (self.rows, self.whole)
        )
        return Metadata(rows, whole) if rows or whole else None


def has_rows(value, n_rows) -> bool:
    """Tell whether metadata have a value for each row."""
    if isinstance(value, (str, bytes, Mapping)) or not (hasattr(value, "shape") or hasattr(value, "__len__")):
        return False
    shape = value.shape if hasattr(value, "shape") else (len(value),)
    return bool(shape) and shape[0] == n_rows


def _as_rows(value):
    """Return values by row in a container of which some rows can be taken."""
    if isinstance(value, (list, tuple)):
        with suppress(ValueError):  # of rows of several lengths
            array = np.asarray(value)
            if array.dtype.kind not in "US":  # of texts and others it makes texts, such as "nan"
                return array
        return pd.Series(value, dtype=object).to_numpy()
    return value.tocsr() if hasattr(value, "tocsr") else value


def _taken(value, places):
    return value.iloc[places] if hasattr(value, "iloc") else value[places]


def hands_on(estimator) -> bool:
    """Tell whether an estimator, such as a pipeline or a search, hands metadata on by scikit-learn's rules."""
    return isinstance(_routing_of(estimator), MetadataRouter)


def known_names(estimator, method="fit") -> dict[str, bool]:
    """Return the names of metadata that a method of an estimator and its parts can take, and which are asked for."""
    if method == "partial_fit":  # of a pipeline the last step alone goes on
        estimator = getattr(estimator, "steps", [("", estimator)])[-1][1]
    return _known(_routing_of(estimator), method)


def _routing_of(estimator):
    try:
        return get_routing_for_object(estimator)
    except NotImplementedError:  # some of scikit-learn's own hand nothing on
        return get_routing_for_object(None)


def _known(routing, method) -> dict[str, bool]:
    if isinstance(routing, MetadataRouter):
        pairs = [
            (part.router, mapped.callee) for _, part in routing for mapped in part.mapping if mapped.caller == method
        ]
        names = [name for part, callee in pairs for name in _known(part, callee).items()]
    else:
        requests = getattr(routing, method).requests.items()
        names = [(_called(word, alias), alias is not None) for word, alias in requests if alias is not False]
    return {name: (name, True) in names for name, _ in names}


def _called(word, alias) -> str:
    """Return what metadata are called outside that `fit` takes by a word."""
    return alias if isinstance(alias, str) else word


def check_asked(given, learners, methods=("fit",), **own) -> None:
    """Raise an error, of the classes that scikit-learn has for it, unless learners can take the metadata of a fit.

    `learners` are listed by name and asked by the `methods` that they learn by, `own` are the weights and groups that
    the fit is also given.
    """
    if not given:
        return
    _check_routed(given)
    known = [known_names(learner, method) for _, learner in learners for method in methods]
    asked = {name for names in known for name, is_asked in names.items() if is_asked}
    if strange := [name for name in given if name not in asked]:
        near = did_you_mean(strange[0], [*OF_THE_STACK, *sorted(asked)])
        raise TypeError(
            f"fit got {strange[0]!r}, for which no learner asks: have it ask by set_fit_request({strange[0]}=True), or "
            f"leave it out.{near}"
        )
    for _, learner in learners:
        if hands_on(learner):
            names = known_names(learner)
            passed = {key: value for key, value in (given | own).items() if value is not None and key in names}
            process_routing(learner, "fit", **passed)


def _check_routed(given) -> None:
    """Raise an error unless metadata of these names may be handed on."""
    if kept := [name for name in given if name in OF_THE_STACK]:  # of `add_task` and `add_learner`
        raise TypeError(f"{kept[0]} is kept from the fit of the model: leave it out here.")
    if not get_config()["enable_metadata_routing"]:
        raise ValueError(
            f"fit got {', '.join(map(repr, given))}, which is handed on to learners only with metadata routing: call "
            "sklearn.set_config(enable_metadata_routing=True), and set_fit_request of the learners."
        )


def check_unasked(learners, extractors, metas) -> None:
    """Raise a ValueError where a part asks for metadata that it would not get: a stack hands them to fits of learners.

    Parameters
    ----------
    learners, extractors, metas : list of (what it is called, part)
    """
    if not get_config()["enable_metadata_routing"]:
        return
    everywhere = ("fit", *WHERE_ROWS_ARE_NEW)
    for parts, methods, given in (
        (learners, WHERE_ROWS_ARE_NEW, ()), (extractors, everywhere, ()), (metas, everywhere, OF_THE_STACK)
    ):  # fmt: skip
        for name, part in parts:
            for method in methods:
                asked = [word for word, is_asked in known_names(part, method).items() if is_asked]
                strange = [word for word in asked if word not in given]
                if strange:
                    raise ValueError(
                        f"{name} asks for {strange[0]!r} in {method}, but metadata are handed on only where learners "
                        f"are fitted: put what it needs into a column of X, or ask by set_{method}_request("
                        f"{strange[0]}=False) for nothing."
                    )


def asking_for(own: MetadataRequest, learners) -> MetadataRequest:
    """Return the request of an estimator, which is changed, as one that asks for what the learners that it holds do."""
    for learner in learners:
        for name, asked in known_names(learner).items():
            if asked and own.fit.requests.get(name) is None:  # what was said of the whole counts more
                own.fit.add_request(param=name, alias=True)
    return own
