"""How `TunedLearner` searches: what candidates are tried, on which rows, and how they are scored."""

from dataclasses import dataclass, field
from pickle import PicklingError
from typing import Any

import numpy as np
from joblib import hash as content_hash
from sklearn.base import clone, is_classifier
from sklearn.model_selection import ParameterGrid, ParameterSampler

from .._checks import require, warn
from .._metadata import Metadata
from .._scorers import weighted_score
from .._stopping import fit_learner, taken

WORST = -1e12  # score of a candidate that fails
HALVING = (0.25, 0.5)  # shares of the rows that halving fits candidates on, before all
FEWEST_ROWS = 20  # on which halving tries candidates


@dataclass(frozen=True)
class SearchRows:
    """The rows of a search, and how a candidate is fitted and scored on them."""

    learner: Any
    X: Any
    y: Any
    weight: np.ndarray | None
    groups: np.ndarray | None
    folds: list
    scorer: Any
    seed: int
    metadata: Metadata | None = None
    failed: dict = field(default_factory=dict)  # content of a candidate -> why, in words

    def fitted(self, drawn, rows=None):
        """Return the learner with some parameters, fitted on some rows; None: all."""
        model = clone(self.learner).set_params(**clone(drawn, safe=False))
        given = self.X, self.y, self.weight, self.groups, self.metadata
        X, y, weight, groups, metadata = (taken(part, rows) for part in given)
        return fit_learner(model, X, y, weight, self.seed, groups, metadata)

    def mean(self, scores, but=None):
        """Return means over the folds (the last axis), but for one of them; they count by the weights of their rows."""
        folds = [f for f in range(len(self.folds)) if f != but]
        weights = None if self.weight is None else [self.weight[self.folds[f][1]].sum() for f in folds]
        return np.average(np.asarray(scores)[..., folds], axis=-1, weights=weights)

    def score_of_choice(self, scores):
        """Return the mean over the folds of the candidate that is best on the others; `scores` has a row per candidate.

        A lone fold has no others: there it is the score of the best.
        """
        scores, n_folds = np.asarray(scores), len(self.folds)
        if n_folds == 1:
            return float(scores.max())
        return float(self.mean([scores[self.mean(scores, but=f).argmax(), f] for f in range(n_folds)]))

    def tried(self, drawn, share=1.0):
        """Return the scores of a candidate on the folds, fitted on a share of the rows.

        One that fails gets the worst there is, but for the learner as given.
        """
        try:
            return np.array([self._score(drawn, self._some(train, share), test) for train, test in self.folds])
        except Exception as error:
            if drawn:
                self.failed.setdefault(_content_of(drawn), f"The candidate {drawn} failed and is left out: {error}")
            elif share == 1:
                raise
            return np.full(len(self.folds), WORST)

    def check_any(self, candidates):
        """Warn of candidates that failed, once; raise a ValueError where all did but for the learner as given."""
        if not self.failed:
            return
        drawn = {_content_of(candidate) for candidate in candidates if candidate}
        first, *others = self.failed.values()
        if drawn <= {*self.failed}:
            raise ValueError(f"Every candidate of the space failed. {first} Correct the space.")
        more = f" (So did {len(others)} more.)" if others else ""
        warn(f"{first}{more}", UserWarning)

    def _score(self, drawn, train, test):
        model = self.fitted(drawn, train)
        X, y, weight = (taken(part, test) for part in (self.X, self.y, self.weight))
        return weighted_score(self.scorer, model, X, y, weight)

    def _some(self, train, share):
        """Return a share of the rows, with their share of each class."""
        if share == 1:
            return train
        order = np.random.RandomState(self.seed).permutation(train)
        if is_classifier(self.learner):
            order = order[np.argsort(np.unique(taken(self.y, order), return_inverse=True)[1], kind="stable")]
        return order[np.linspace(0, len(order) - 1, int(np.ceil(share * len(order)))).astype(int)]


def search_listed(tuned, rows, space, seed):
    """Score the learner of a TunedLearner as given, then a grid or random draws; the better half goes on to more rows.

    Returns the best candidate, the score of the choice, and what is told of all.
    """
    if tuned.search == "grid":
        drawn = list(ParameterGrid(_grid(space)))
    else:
        n_drawn = min(tuned.n_trials - 1, _size(space))
        drawn = list(ParameterSampler(space, n_drawn, random_state=seed)) if n_drawn else []
    shares = [s for s in HALVING if s * len(rows.y) >= FEWEST_ROWS] if tuned.search == "halving" else []
    candidates, told = [{}, *drawn], []
    for share in [*shares, 1.0]:
        scores = np.array([rows.tried(candidate, share) for candidate in candidates])
        means = rows.mean(scores)
        told += zip(candidates, means, scores.std(axis=1), [share] * len(candidates), strict=True)
        if share < 1:
            better = np.sort(np.argsort(-means[1:], kind="stable")[: max(1, len(candidates) // 2)]) + 1
            candidates = [{}, *(candidates[i] for i in better)]
    rows.check_any([params for params, *_ in told])
    best = int(np.argmax(means))
    names = ("params", "mean_test_score", "std_test_score", "share_of_rows")
    params, *numbers = zip(*told, strict=True)
    results = dict(zip(names, [list(params), *map(np.array, numbers)], strict=True))
    return candidates[best], rows.score_of_choice(scores), results


def search_with_optuna(tuned, rows, space, seed):
    """Score the learner as given, then what a tree-structured Parzen estimator proposes."""
    optuna = require("optuna", extra="tuning", caller="TunedLearner(search='optuna')")
    name = None
    if tuned.storage is not None:  # the same learner, space, rows and folds: the same search
        given = (part for part in (rows.weight, rows.groups, rows.metadata) if part is not None)
        parts = (rows.learner, _describe(space), str(tuned.scoring), rows.X, np.asarray(rows.y), rows.folds, *given)
        name = "tuned-" + content_hash([_content_of(part) for part in parts])
    # Optuna tells of every new study on the screen.
    verbosity = optuna.logging.get_verbosity()
    optuna.logging.set_verbosity(optuna.logging.WARNING)
    try:
        study = optuna.create_study(
            storage=tuned.storage, study_name=name, direction="maximize", load_if_exists=True,
            sampler=optuna.samplers.TPESampler(seed=seed),
        )  # fmt: skip
        done = _complete(study)
        if done:  # a resumed search must not draw again what it drew before
            study.sampler = optuna.samplers.TPESampler(seed=(seed + len(done)) % (2**31))
        if not any(trial.user_attrs.get("as_given") for trial in done):
            trial = study.ask()
            trial.set_user_attr("as_given", True)
            _tell(study, trial, rows, rows.tried({}))
        while len(_complete(study)) < tuned.n_trials:
            trial = study.ask()
            drawn = {key: _suggest(trial, key, value) for key, value in space.items()}
            trial.set_user_attr("as_given", False)
            _tell(study, trial, rows, rows.tried(drawn))
        trials = _complete(study)
    finally:
        optuna.logging.set_verbosity(verbosity)
    candidates = [{} if t.user_attrs.get("as_given") else _chosen(t, space) for t in trials]
    means = np.array([t.value for t in trials])
    results = {
        "params": candidates,
        "mean_test_score": means,
        "std_test_score": np.array([t.user_attrs["std"] for t in trials]),
    }
    rows.check_any(candidates)
    best = int(np.argmax(means))
    return candidates[best], rows.score_of_choice([t.user_attrs["scores"] for t in trials]), results


def _content_of(part) -> str:
    """Return what tells a learner, a candidate or data from others; the `repr` of long estimators is cut."""
    try:
        return content_hash(part)
    except (PicklingError, AttributeError, TypeError):  # of functions without a name
        return repr(part)


def _complete(study):
    return [
        trial for trial in study.get_trials(deepcopy=False) if trial.value is not None and "scores" in trial.user_attrs
    ]


def _tell(study, trial, rows, scores):
    trial.set_user_attr("std", float(np.std(scores)))
    trial.set_user_attr("scores", [float(score) for score in scores])
    study.tell(trial, float(rows.mean(scores)))


def _is_distribution(values):
    return hasattr(values, "rvs") and hasattr(values, "ppf")


def _size(space):
    if any(_is_distribution(values) for values in space.values()):
        return np.iinfo(np.int32).max
    return len(ParameterGrid({key: list(values) for key, values in space.items()}))


def _grid(space):
    """Return lists: those of the space, or three quantiles of a distribution."""
    grid = {}
    for key, values in space.items():
        quantiles = values.ppf([0.1, 0.5, 0.9]) if _is_distribution(values) else None
        if quantiles is None:
            grid[key] = list(values)
        else:
            grid[key] = [int(q) for q in quantiles] if _is_discrete(values) else [float(q) for q in quantiles]
    return grid


def _is_discrete(distribution):
    return hasattr(distribution.dist, "pmf")


def _describe(space):
    """Return what a space holds, without the state of its distributions."""
    return {
        key: (v.dist.name, v.args, sorted(v.kwds.items())) if _is_distribution(v) else list(v)
        for key, v in space.items()
    }


def _suggest(trial, key, values):
    if not _is_distribution(values):
        values = list(values)
        return values[trial.suggest_categorical(key, list(range(len(values))))]
    low, high = (float(bound) for bound in values.support())
    if not np.isfinite([low, high]).all():
        raise ValueError(f"The distribution of {key!r} has no bounds: use uniform, loguniform or randint.")
    if _is_discrete(values):
        return trial.suggest_int(key, int(low), int(high))
    return trial.suggest_float(key, low, high, log=values.dist.name in ("loguniform", "reciprocal"))


def _chosen(trial, space):
    return {
        key: trial.params[key] if _is_distribution(values) else list(values)[trial.params[key]]
        for key, values in space.items()
    }
