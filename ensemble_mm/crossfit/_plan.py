"""Jobs of a cross-fitting run, as plain data.

A plan lists what must be computed: first one extraction per (view, fold), then one fit per
(learner, what it reads, task, fold). It computes nothing itself; see `_execute` for that.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from hashlib import blake2b

from sklearn.base import ClassifierMixin, RegressorMixin

from .._checks import check_unique, listed, printable
from .._estimators import seeded
from .._plain_words import plural
from ..data import Problem, View, column_names
from ..store import content_key

MOST_LISTED = 40  # columns of X that are listed on a line of their own
ALL_ROWS = -1  # the "fold" whose training rows are all rows: the refit


@dataclass(frozen=True)
class Extraction:
    """Features of one view for one fold; `fold` is None when they need no fit and serve every fold."""

    view: str
    fold: int | None
    task: str | None = None  # only for an extractor that learns from the labels

    def __str__(self):
        where = "all rows" if self.fold in (None, ALL_ROWS) else f"fold {self.fold}"
        return f"extract {self.view!r}, {where}" + (f", task {self.task!r}" if self.task else "")


@dataclass(frozen=True)
class LearnerSpec:
    """A base learner as the user lists it."""

    name: str
    estimator: object
    reads: object = "each"
    form: str = "native"


@dataclass(frozen=True)
class Estimate:
    """What is said of a task out of fold: by its meta-learner, by a link of a chain, or by a first-level member."""

    task: str
    chain: int | None = None
    learner: str | None = None  # of the member of the first level that says it
    reads: str | None = None


MISSING_VIEWS = "missing views"  # what members read that are told which views a row lacks
MISSING = Estimate(MISSING_VIEWS, chain=-1)  # of no task: one column per view, 1 where a row lacks it


@dataclass(frozen=True)
class Member:
    """One learner on one input for one task: what fills one block of columns of the table.

    `reads` is what its input is called in tables and messages; what it reads are its `views` and `inputs`.
    """

    task: str
    learner: str
    reads: str
    views: tuple[str, ...]
    estimator: object = field(compare=False, repr=False)
    form: str = "native"
    inputs: tuple[Estimate, ...] = ()  # what it reads beside the views: estimates of other tasks, or which views lack
    chain: int | None = None  # of the second level: the chain that it is a link of

    @property
    def is_across(self) -> bool:
        """Whether it reads estimates, of other tasks or of other members: a member of the second level."""
        return any(name != MISSING for name in self.inputs)

    def __iter__(self):
        """Yield what tells it from the other members of its task: the learner, and what it reads."""
        return iter((self.learner, self.reads))

    def __str__(self):
        return f"learner {self.learner!r} (reads {self.reads!r}), task {self.task!r}"


@dataclass(frozen=True)
class Fit:
    """One fit of one member; `fold` is ALL_ROWS for the refit."""

    member: Member
    fold: int

    def __str__(self):
        return f"{self.member}, " + ("refit on all rows" if self.fold == ALL_ROWS else f"fold {self.fold}")


@dataclass(frozen=True)
class Plan:
    """What a fit computes: `str(plan)` counts it, `plan.extractions` and `plan.fits` list it.

    Fits of members that have `inputs` are kept where they help; `meta_learners` and `calibrations` name
    what is fitted on the table. After a trial, `seconds` estimates the work of each stage (on one core) and `bytes` the
    size of all features.
    """

    problem: Problem = field(repr=False, compare=False)
    folds: list = field(repr=False, compare=False)
    extractions: tuple[Extraction, ...]
    fits: tuple[Fit, ...]
    meta_learners: tuple[str, ...] = ()
    calibrations: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()
    seconds: dict[str, float] | None = None
    bytes: int | None = None

    @property
    def views(self) -> tuple[View, ...]:
        return self.problem.views

    @property
    def members(self) -> list[Member]:
        """Those of the first level."""
        return list(dict.fromkeys(fit.member for fit in self.fits if not fit.member.is_across))

    def __str__(self):
        views = ", ".join(f"{v.name} ({v.modality}: {column_names(v.columns, 6)})" for v in self.views)
        own, across = ([fit for fit in self.fits if fit.member.is_across is reads] for reads in (False, True))
        lines = [
            f"{plural(self.problem.n_rows, 'row')}, {self._folds_in_words()}",
            f"views: {views}",
            *_columns_read(self.problem.schema),
            plural(len(self.extractions), "extraction"),
            *_counted(own, "learner fits of {} members"),
            *_counted(across, "fits of {} members that read other tasks or members, kept where they help"),
            ", ".join([plural(len(self.meta_learners), "meta-learner fit"), *self.calibrations]),
            *self.notes,
        ]
        return "\n".join(map(printable, lines))

    __repr__ = __str__

    def joined(self, other: "Plan") -> "Plan":
        """Return the plan of two fits, of tasks that have folds of their own."""
        both: dict = {name: (*getattr(self, name), *getattr(other, name))
                for name in ("extractions", "fits", "meta_learners", "calibrations")}  # fmt: skip
        seconds = size = None
        if self.seconds is not None and other.seconds is not None:  # both had a trial
            stages = self.seconds | other.seconds
            seconds = {stage: self.seconds.get(stage, 0.0) + other.seconds.get(stage, 0.0) for stage in stages}
            size = (self.bytes or 0) + (other.bytes or 0)
        folds, notes = [*self.folds, *other.folds], tuple(dict.fromkeys((*self.notes, *other.notes)))
        return replace(self, folds=folds, notes=notes, seconds=seconds, bytes=size, **both)

    def _folds_in_words(self):
        """Return how many folds there are; where tasks have folds of their own, of which tasks."""
        by_task = {}
        for fit in self.fits:
            by_task.setdefault(fit.member.task, set()).add(fit.fold)
        counts = Counter({name: len(folds - {ALL_ROWS}) for name, folds in by_task.items()})
        if len(self.folds) in (0, *counts.values()):
            return plural(len(self.folds), "fold")
        return "; ".join(
            f"{plural(n, 'fold')} of {listed([repr(name) for name, own in counts.items() if own == n], MOST_LISTED)}"
            for n in dict.fromkeys(counts.values())
        )


def _columns_read(schema):
    """Return what the columns are taken for, on one line per column where they are few, and what to know of them."""
    columns = schema.columns
    if len(columns) > MOST_LISTED:
        counts = Counter(column.taken_as for column in columns)
        lines = [", ".join(f"{n} {kind}" for kind, n in counts.items())]
    else:
        lines = [f"{column.title}: {column.taken_as}, since {column.because}" for column in columns]
    return ["columns:", *(f"  {line}" for line in lines), *schema.notes]


def _counted(fits, words):
    members = Counter(fit.member for fit in fits)
    if not members:
        return []
    head = f"{len(fits)} {words.format(len(members))}"
    return [head, *(f"  {member}: {n} fits" for member, n in members.items())]


def check_learners(learners) -> list[LearnerSpec]:
    """Return the learners as specs; raise an error that says what is wrong with one."""
    if not isinstance(learners, (list, tuple)) or not len(learners):
        raise ValueError(
            f"learners={learners!r} is not known: use the name of a portfolio or a list of (name, estimator) pairs."
        )
    specs = [spec for entry in learners if (spec := _spec_of(entry)) is not None]
    check_unique("Learner", [spec.name for spec in specs])
    if not specs:
        raise ValueError("Every learner is dropped: leave at least one.")
    return specs


def _spec_of(entry) -> LearnerSpec | None:
    """Return a learner of a list as a spec; None where it is dropped."""
    if not isinstance(entry, (list, tuple)) or not 2 <= len(entry) <= 4 or not isinstance(entry[0], str):
        raise ValueError(
            f"Each learner is (name, estimator) or (name, estimator, reads); found {entry!r}: put a name before it."
        )
    spec = LearnerSpec(*entry)
    if isinstance(spec.estimator, str) and spec.estimator == "drop":
        return None
    # Before it is fitted, a stack of scikit-learn has no `predict` where it makes its own final estimator.
    predicts = hasattr(spec.estimator, "predict") or isinstance(spec.estimator, (ClassifierMixin, RegressorMixin))
    if not hasattr(spec.estimator, "fit") or not predicts:
        raise TypeError(
            f"Learner {spec.name!r} is not an estimator: {spec.estimator!r} has no fit and predict. "
            "Give any scikit-learn classifier or regressor."
        )
    if isinstance(spec.estimator, type):
        raise TypeError(
            f"Learner {spec.name!r} is the class {spec.estimator.__name__}: give an instance, with parentheses."
        )
    if "__" in spec.name:
        raise ValueError(f"Learner names must not contain '__', found {spec.name!r}: it separates parameters.")
    if spec.form not in ("native", "reduced"):
        raise ValueError(f"Learner {spec.name!r} has the form {spec.form!r}: use 'native' or 'reduced'.")
    return spec


def members_of(task, specs: list[LearnerSpec], views: list[str], own: Sequence[str] = ()) -> list[Member]:
    """Return the members of one task: a copy per view for reads="each", else one copy on several views.

    The views in `own` are read by learners that name them, and by no other.
    """
    members = [
        _reading(Member(task.name, spec.name, reads, names, spec.estimator, spec.form))
        for spec in specs
        if task.rules.suits(spec.estimator)
        for reads, names in _resolve_reads(spec, list(own) if _reads_some(spec, own) else views)
    ]
    if len(views) == 1:  # what reads "all" views may repeat what reads "each"; two without a seed are not the same
        marks = [content_key(seeded(m.estimator, seed_of(0, m.learner)), m.form) for m in members]
        members = [member for i, member in enumerate(members) if marks[i] not in marks[:i]]
    if not members:
        raise ValueError(
            f"No learner serves task {task.name!r} ({task.kind}): found {', '.join(repr(s.name) for s in specs)}. "
            f"Add a {task.rules.learner} to the learners."
        )
    return members


def _reads_some(spec, own) -> bool:
    """Tell whether a learner reads views of its own."""
    return isinstance(spec.reads, list) and any(name in own for name in spec.reads)


def _reading(member):
    """Return a member that is told which views a row lacks where it is to read that."""
    if MISSING_VIEWS not in member.views:
        return member
    return replace(member, views=tuple(name for name in member.views if name != MISSING_VIEWS), inputs=(MISSING,))


def _resolve_reads(spec: LearnerSpec, views: list[str]):
    word = spec.reads if isinstance(spec.reads, str) else None
    if word == "each":
        return [(view, (view,)) for view in views]
    if word == "all":
        return [("all" if len(views) > 1 else views[0], tuple(views))]
    names: list = list(spec.reads) if word is None else [word]  # type: ignore[call-overload]
    if names and all(isinstance(name, list) for name in names):  # a copy for each of these
        copies = [copy for several in names for copy in _resolve_reads(replace(spec, reads=several), views)]
        check_unique(f"In what learner {spec.name!r} reads, input", [label for label, _ in copies])
        return copies
    for name in names:
        if name not in views:
            raise ValueError(
                f"Learner {spec.name!r} reads {name!r}, but the views are {', '.join(map(repr, views))}: "
                'name one of them, "each" or "all".'
            )
    check_unique(f"In what learner {spec.name!r} reads, view", names)
    return [("+".join(names), tuple(names))]


def failure_of(member: Member, fold, words: str) -> dict:
    """Return what is kept of a member that was left out: a row of `failures_`."""
    return {"learner": member.learner, "reads": member.reads, "task": member.task, "fold": fold, "error": words}


def seed_of(base: int, name: str) -> int:
    """Return the seed of a job: it depends on the run's seed and the job's name, on nothing else."""
    return int.from_bytes(blake2b(f"{base}|{name}".encode(), digest_size=4).digest(), "big") >> 1
