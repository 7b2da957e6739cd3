"""Portfolios: ordered lists of base learners that suit a task without any setting.

A portfolio is a list of `Entry` in `PORTFOLIOS`; which of them serve, and with what settings, depends on the number of
rows and classes and on what the features of the views are like only, so that the same call gives the same learners on
any machine.
"""

from collections.abc import Callable
from dataclasses import dataclass

from sklearn.base import BaseEstimator

from .._checks import check_choice, check_count
from .._kinds import KINDS, Classes, Counts, Numbers, Quantiles, Ranking, Survival
from .._modalities import NATURES
from ._hazards import hazard_learner
from ._presets import (
    LARGE,
    MIXED_SHARE,
    SMALL,
    WIDE_SHARE,
    deep_gbm,
    discriminant,
    extra_trees,
    gaussian_process,
    gbm,
    kernel_linear,
    linear,
    naive_bayes_logistic,
    neighbors,
    paired,
    quick_gbm,
    random_gbm,
    svr,
    xgb,
)
from ._quantiles import quantile_learner
from ._ranks import rank_learner

MANY_CLASSES = 100  # above this many, learners whose cost grows with classes x columns are left out
BOOSTED_CLASSES = 30  # above this many, boosting (a tree per class and round) costs too much
XGB_CLASSES = 5  # above this many, "balanced" has LightGBM alone, at a third of XGBoost's time
NATIVE_CLASSES = 30  # above this many, linear models read text reduced
DEEP = 200  # rows from which trees of many leaves find more than noise
WORDS_ROWS = 2000  # rows from which the share of a word in each class is known well enough to weigh it by
QUICK_ROWS = 150  # rows by which "fast" fits the kernel of a Gaussian process
KERNEL_ROWS = 5000  # rows up to which kernels of all rows are cheap
TEXTS, TABLES = ("words", "sentences"), ("table", "vector")
OF_TREES = ("words", *TABLES)  # what trees find something in, beside what they read alone
FAST, BALANCED, BEST = ("fast",), ("balanced",), ("best",)
SLOW = BALANCED + BEST
OWN_LOSS = {  # what makes learners of these tasks of regressors, by the name of their kind and family
    Quantiles.family: quantile_learner,
    Ranking.family: rank_learner,
    Survival.family: hazard_learner,
}


@dataclass(frozen=True)
class Facts:
    """What a portfolio depends on: family of the task, rows, classes (2 for numbers), and the nature of each view.

    Of counts, and of hazards, the logarithm of what is expected is learned.
    """

    family: str
    n_rows: int
    n_classes: int
    views: dict[str, str]
    counts: bool = False
    quantiles: bool = False
    own_loss: bool = False

    @property
    def regression(self) -> bool:
        return self.family == Numbers.family

    @property
    def many_classes(self) -> bool:
        return not self.regression and (self.n_classes > MANY_CLASSES or 4 * self.n_classes > self.n_rows)

    @property
    def boosted(self) -> bool:
        return self.n_classes <= BOOSTED_CLASSES

    @property
    def only_tables(self) -> bool:
        return set(self.views.values()) <= set(TABLES)

    @property
    def plain(self) -> bool:
        """Whether `but_media` gives plain tables."""
        return {*self.views.values()} & {*OF_TREES} == {"table"}

    @property
    def several(self) -> bool:
        """Whether there are several views that can stand side by side as they are: none is text."""
        return len(self.views) > 1 and not self.has_texts

    @property
    def has_texts(self) -> bool:
        return bool(set(self.views.values()) & set(TEXTS))

    @property
    def vectors(self) -> bool:
        """Whether there are several views of numbers, some of which are vectors."""
        return self.only_tables and len(self.views) > 1 and "vector" in self.views.values()

    @property
    def share(self) -> float:
        """Share of the columns of `but_media` that a tree sees: tables have few, vectors any number, media hundreds."""
        natures = {*self.views.values()} & {*OF_TREES} or {"media"}
        if natures <= {*TABLES}:
            return self.share_of_tables
        return MIXED_SHARE if natures <= {*OF_TREES} else WIDE_SHARE

    @property
    def share_of_tables(self) -> float:
        return 0.25 if "vector" in self.views.values() else 0.7


@dataclass(frozen=True)
class Entry:
    """One learner of a portfolio.

    Parameters
    ----------
    name : str
    make : callable
        Returns the unfitted learner for some `Facts`.
    reads : str or callable, default="all"
        As in the stacks' parameter `learners`, or a callable that returns it for some `Facts`.
    form : {"native", "reduced"}, default="reduced"
        What the extractor gives, sparse for text; or dense, in few columns.
    when : callable, default=None
        Tells for some `Facts` whether the learner serves; None: always.
    of : tuple of str, default=("fast", "balanced", "best")
        Which of the package's own portfolios have it.
    """

    name: str
    make: Callable
    reads: str | Callable = "all"
    form: str = "reduced"
    when: Callable | None = None
    of: tuple[str, ...] = FAST + SLOW


def alone(*natures):
    """Return what gives views of some natures, each to be read alone: "each" where that is all of them.

    Learners of dense columns get no texts. The leading directions of words, brought to equal variance, hold more noise
    than the words themselves; on vectors of sentences kernels, neighbours and trees found nothing that linear models
    did not.
    """

    def reads(facts):
        groups = [[view] for view, nature in facts.views.items() if nature in natures]
        return "each" if len(groups) == len(facts.views) else groups

    return reads


def together(*natures):
    """Return what gives the views of some natures side by side, where there are several."""

    def reads(facts):
        groups = [view for view, nature in facts.views.items() if nature in natures]
        return groups if len(groups) > 1 else []

    return reads


def but_media(facts):
    """Return all views but pictures, sounds, clips and vectors of sentences where there are others, else all.

    The hundreds of columns of these cost most of the time of trees and hide the few of a table: of houses with four
    pictures, boosting explained .62 of the variance of prices in 1.6 s, and .73 in .1 s without the pictures; of books
    .63 of that of ratings beside vectors of their descriptions, and .85 without.
    """
    others = [view for view, nature in facts.views.items() if nature in OF_TREES]
    return others if 0 < len(others) < len(facts.views) else "all"


def _mixes_tables(facts):
    """Tell whether boosting reads more than one table, so that a model of a table alone is another one."""
    read = but_media(facts)
    return facts.boosted and len(facts.views if read == "all" else read) > 1


def pairing(make):
    """Return what makes a learner of `but_media`; of tables it reads sums and products of two columns, too."""
    return lambda facts: paired(facts, make(facts)) if facts.plain else make(facts)


def tables(facts):
    """Return all views where they are tables, else the tables, each alone: what suits ten columns spoils hundreds."""
    return "all" if facts.only_tables else alone(*TABLES)(facts)


def forest(facts):
    """Return what `tables` gives; several vectors, each alone.

    Trees of all of them fill what is missing, and split by it. Of sounds and clips of which parts are missing, trees of
    each view were right on .003 of new rows more (63 fits, error .002), where most sounds are missing on .02.
    """
    return "each" if facts.vectors else tables(facts)


def smooth(facts):
    """Return vectors and media, and tables that stand alone, each alone: beside others, boosting says more."""
    return alone("vector", "media", *(["table"] if facts.only_tables else []))(facts)


def kernels_of(*natures):
    """Return what gives views of some natures, and tables, each to be read alone by kernels.

    Of tables that stand beside other views that is so of few rows only: of many, boosting says all that they do.
    """

    def reads(facts):
        few = facts.only_tables or facts.n_rows <= SMALL
        return alone(*(TABLES if few else ("vector",)), *natures)(facts)

    return reads


def _is_small_table(facts):
    return facts.regression and facts.n_rows <= 500 and facts.only_tables


def _is_large_table(facts):
    return facts.boosted and facts.n_rows > SMALL and set(facts.views.values()) == {"table"}


def _mixes_numbers(facts):
    return facts.regression and facts.n_rows > SMALL and _mixes_tables(facts)


# Where classes are many, this is every portfolio.
MANY = [Entry("linear", discriminant, "each"), Entry("neighbors", neighbors, when=lambda t: t.n_rows <= 2 * LARGE)]
# Of quantiles, too: one fit per level.
QUANTILES = [
    Entry("linear", linear, tables, "native", when=lambda t: t.only_tables and t.n_rows <= KERNEL_ROWS),
    Entry("gbm", lambda t: gbm(t, 80, t.share), of=FAST),
    Entry("gbm", lambda t: gbm(t, 200, t.share), of=SLOW),
    Entry("gbm_each", lambda t: gbm(t, 80, t.share), "each", of=SLOW, when=lambda t: len(t.views) > 1),
    Entry("xgb", lambda t: xgb(t, 150, t.share), of=BEST),
]
# Texts (words, and vectors of length one by an encoder) can stand side by side as they are.
ENTRIES = [
    Entry("linear", linear, "each", "native", when=lambda t: t.n_classes <= NATIVE_CLASSES),
    Entry("linear", linear, "each", when=lambda t: t.n_classes > NATIVE_CLASSES),
    Entry("gp", lambda t: gaussian_process(t, max_rows=QUICK_ROWS), "each", "native", of=FAST, when=_is_small_table),
    Entry("kernel", kernel_linear, smooth, "native", of=FAST,
          when=lambda t: not _is_small_table(t) and not _is_large_table(t)),
    Entry("kernel", kernel_linear, kernels_of("media"), "native", of=SLOW),
    Entry("linear_text", linear, together(*TEXTS), "native", of=BEST),
    Entry("naive_bayes", naive_bayes_logistic, alone("words"), "native", of=SLOW,
          when=lambda t: not t.regression and t.n_rows >= WORDS_ROWS and t.n_classes <= NATIVE_CLASSES),
    Entry("linear_all", linear, of=BEST, when=lambda t: t.several),
    Entry("gbm", pairing(lambda t: quick_gbm(t, t.share)), but_media, of=FAST + BALANCED, when=lambda t: t.boosted),
    Entry("gbm_random", random_gbm, alone("table"), of=FAST + BALANCED,
          when=lambda t: _is_large_table(t) or _mixes_numbers(t)),
    Entry("gbm", pairing(lambda t: gbm(t, 200, t.share)), but_media, of=BEST, when=lambda t: t.boosted),
    Entry("gbm_tables", lambda t: quick_gbm(t, t.share_of_tables), alone("table"), of=FAST,
          when=lambda t: _mixes_tables(t) and not t.only_tables),
    Entry("gbm_tables", lambda t: gbm(t, 80 if "table" in t.views.values() else 40, t.share_of_tables), alone(*TABLES),
          of=BALANCED, when=_mixes_tables),
    Entry("gbm_tables", lambda t: gbm(t, 240, t.share_of_tables), alone(*TABLES), of=BEST, when=_mixes_tables),
    Entry("gbm_media", lambda t: gbm(t, 60 if t.regression else 40, WIDE_SHARE), alone("media"), of=BALANCED,
          when=lambda t: t.boosted and len(t.views) > 1),
    Entry("gbm_media", lambda t: gbm(t, 240, WIDE_SHARE), alone("media"), of=BEST, when=lambda t: t.boosted),
    Entry("xgb", lambda t: xgb(t, 150, t.share_of_tables), tables, of=BALANCED,
          when=lambda t: t.n_classes <= XGB_CLASSES),
    Entry("xgb", lambda t: xgb(t, 150, t.share_of_tables), tables, of=BEST, when=lambda t: t.boosted),
    Entry("trees", lambda t: extra_trees(t, 20 if t.only_tables and not t.vectors else 60, t.share_of_tables), forest,
          of=FAST, when=lambda t: t.n_rows <= SMALL or not t.boosted),
    Entry("trees", lambda t: extra_trees(t, 100, t.share_of_tables), tables, of=BALANCED),
    Entry("trees", lambda t: extra_trees(t, 300, t.share_of_tables), tables, of=BEST),
    Entry("gbm_deep", lambda t: deep_gbm(t, t.share), of=SLOW,
          when=lambda t: t.regression and t.only_tables and t.n_rows >= DEEP),
    Entry("svr", svr, kernels_of("media", "states"), "native", of=SLOW,
          when=lambda t: t.regression and t.n_rows <= KERNEL_ROWS),
    Entry("gp", gaussian_process, of=SLOW, when=lambda t: t.regression and t.n_rows <= SMALL and t.only_tables),
    Entry("gp_columns", lambda t: gaussian_process(t, anisotropic=True), of=SLOW,
          when=lambda t: t.regression and t.n_rows <= SMALL and t.only_tables),
    Entry("neighbors", neighbors, "each", "native", of=SLOW, when=lambda t: t.only_tables and t.n_rows <= LARGE),
    Entry("kernel_all", kernel_linear, of=BEST, when=lambda t: t.several),
    Entry("xgb_all", lambda t: xgb(t, 150, WIDE_SHARE), of=BEST, when=lambda t: t.boosted and not t.only_tables),
    Entry("trees_each", lambda t: extra_trees(t, 150, t.share), "each", of=BEST),
    Entry("svr_all", svr, of=BEST,
          when=lambda t: t.regression and t.n_rows <= KERNEL_ROWS and not t.has_texts),
]  # fmt: skip
# What a list of learners may call by name. A name means the model that suits the kind of the task.
NAMED = {
    entry.name: entry
    for entry in [
        *(Entry(name, linear, "each", "native") for name in ("linear", "logistic", "ridge")),
        Entry("kernel", kernel_linear, "each"),
        Entry("lightgbm", lambda t: gbm(t, 200, t.share)),
        Entry("neighbors", neighbors, "each"),
        Entry("trees", lambda t: extra_trees(t, 100, t.share)),
        Entry("xgboost", lambda t: xgb(t, 150, t.share)),
    ]
}
PORTFOLIOS = {name: [entry for entry in ENTRIES if name in entry.of] for name in FAST + SLOW}


def portfolio(name, kind, *, n_rows, n_classes=None, views=None, random_state=None):
    """Return the learners of a portfolio, with settings for this task.

    Parameters
    ----------
    name : {"fast", "balanced", "best"}
        How much time to spend; or the name of a list of entries that was put into `PORTFOLIOS`.
    kind : {"classification", "regression"}
        Family of the task, or its kind.
    n_rows : int
        Number of training rows with a known label.
    n_classes : int or None, default=None
        Number of classes; not used for regression.
    views : dict of str to str, default=None
        What the features of each view are like: "words", "sentences", "table", "vector", "media" or "states"; see
        `ensemble_mm.features.Modality`. None: one table.
    random_state : int, RandomState instance or None, default=None
        Seed given to the learners that have one.

    Returns
    -------
    list of (name, estimator, reads, form)
        Unfitted learners, the most useful first.

    Examples
    --------
    >>> from ensemble_mm.learners import portfolio
    >>> entries = portfolio("fast", "regression", n_rows=500, views={"facts": "table"})
    >>> [(name, reads) for name, estimator, reads, form in entries]
    [('linear', 'each'), ('gp', 'each'), ('gbm', 'all'), ('trees', 'all')]
    """
    check_choice("portfolio", name, PORTFOLIOS)
    facts = _facts_of(kind, n_rows, n_classes, views)
    learners = []
    entries = QUANTILES if facts.quantiles else MANY if facts.many_classes else PORTFOLIOS[name]
    for entry in entries:
        reads = entry.reads(facts) if callable(entry.reads) else entry.reads
        if len(reads) and (entry.when is None or entry.when(facts)) and (name in entry.of or name not in FAST + SLOW):
            learners.append((entry.name, _seeded(entry.make(facts), random_state), reads, entry.form))
    made = OWN_LOSS.get(kind)
    if made is None:
        return learners
    own = [(name, made(learner), *rest) for name, learner, *rest in learners]
    return [entry for entry in own if KINDS[kind]().suits(entry[1])]


def named_learner(name, kind, *, n_rows, n_classes=None, views=None):
    """Return (name, estimator, reads, form) of a learner that is called by its name; see `portfolio`."""
    check_choice("learners", name, NAMED)
    return name, NAMED[name].make(_facts_of(kind, n_rows, n_classes, views)), NAMED[name].reads, NAMED[name].form


def _facts_of(kind, n_rows, n_classes, views):
    check_choice("kind", kind, (Classes.family, Numbers.family, *KINDS))
    check_count("n_rows", n_rows, minimum=1)
    views = dict(views or {"X": "table"})
    for nature in views.values():
        check_choice("views", nature, NATURES)
    rules = KINDS.get(kind, Classes if kind == Classes.family else Numbers)
    family = Numbers.family if issubclass(rules, Numbers) else Classes.family
    n_classes = 2 if n_classes is None or family == Numbers.family else max(int(n_classes), 2)
    return Facts(
        family, n_rows, n_classes, views, rules in (Counts, Survival), rules is Quantiles, kind in OWN_LOSS
    )  # fmt: skip


def _seeded(estimator, random_state):
    if random_state is not None and isinstance(estimator, BaseEstimator):
        names = [p for p in estimator.get_params() if p == "random_state" or p.endswith("__random_state")]
        estimator.set_params(**dict.fromkeys(names, random_state))
    return estimator
