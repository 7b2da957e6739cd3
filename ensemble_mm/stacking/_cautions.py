"""What to tell of learners that cannot do all that a fit asks for, or that were fitted before, in words."""

from collections.abc import Iterator, Mapping

from .._checks import did_you_mean
from .._estimators import fitted_part, most_rows
from .._metadata import check_unasked
from .._routing import keyword, splits_groups

READ_AS_MADE = (
    " Learners read the features that extractors make, such as scaled numbers: one that was fitted on numbers as they "
    'are needs a view that gives these, as in views=[("facts", em.VectorExtractor(standardize=False), columns)].'
)


def idle_learners(listed, tasks) -> Iterator[str]:
    """Yield what to tell of learners, listed by task, that suit none of the tasks."""
    used = {spec.name for name, task in tasks.items() for spec in listed[name] if task.rules.suits(spec.estimator)}
    idle = {spec.name: spec.estimator for specs in listed.values() for spec in specs if spec.name not in used}
    if idle:
        found = ", ".join(f"{name!r} ({type(learner).__name__})" for name, learner in idle.items())
        yield (
            f"These learners are left out, because they can learn none of the tasks: {found}. Classifiers learn "
            "classes, regressors numbers: remove them, or declare another kind of task."
        )


def check_weighed_tasks(listed, tasks):
    """Raise a ValueError where a learner of all tasks has a weight for what is no task."""
    for spec in (spec for specs in listed.values() for spec in specs):
        weights = getattr(spec.estimator, "task_weight", None)
        strange = [name for name in weights if name not in tasks] if isinstance(weights, Mapping) else []
        if strange:
            raise ValueError(
                f"task_weight of learner {spec.name!r} names {strange[0]!r}, but the tasks are "
                f"{', '.join(map(repr, tasks))}.{did_you_mean(strange[0], list(tasks))}"
            )


def repeated_learners(listed, tasks, members) -> Iterator[str]:
    """Yield what to tell of learners, listed by task, that would say no more than others do."""
    kept = {(member.task, member.learner) for member in members}
    gone = dict.fromkeys(spec.name for name, specs in listed.items() for spec in specs
                         if (name, spec.name) not in kept and tasks[name].rules.suits(spec.estimator))  # fmt: skip
    if gone:
        yield (
            f"These learners are left out: {', '.join(map(repr, gone))}. There is one view to read, of which each "
            "would say what another with the same settings and seed says. Change these, or remove them."
        )


def unweighted(learners) -> Iterator[str]:
    """Yield what to tell of learners, as pairs (name, learner), that take no sample weights."""
    names = dict.fromkeys(name for name, learner in learners if keyword(learner, "sample_weight") is None)
    if names:
        yield f"These learners take no sample weights and are fitted without them: {', '.join(names)}."


def splitting_groups(learners, n_rows) -> Iterator[str]:
    """Yield what to tell of learners, as pairs (name, learner), that split groups by holding rows aside themselves."""
    names = dict.fromkeys(name for name, learner in learners if splits_groups(learner, n_rows))
    if names:
        yield (
            "These learners hold rows aside by themselves, which splits groups and lets them stop late or choose "
            f"settings that suit rows they saw: {', '.join(names)}. Turn early stopping off, or search with "
            "TunedLearner, which keeps groups whole."
        )


def sampled_learners(members, n_rows) -> Iterator[str]:
    """Yield what a plan tells of learners that are fitted on some of the rows only."""
    for name, most in {member.learner: most_rows(member.estimator) for member in members}.items():
        if n_rows > most:
            yield f"learner {name!r} is fitted on at most {most:,} rows of those of a fold, drawn by the seed"


def fitted_before(members, views, metas) -> Iterator[str]:
    """Yield what to tell of learners, extractors and meta-learners (by task) that are handed over fitted."""
    own = {view.name: view.extractor.estimator for view in views if view.is_own}  # each reads its view itself
    handed = [(f"learner {m.learner!r}", m.estimator if own.get(m.reads) is None else own[m.reads]) for m in members]
    handed += [(f"the meta-learner of task {name!r}", meta) for name, meta in metas.items()]
    handed += [(f"the extractor of view {view.name!r}", view.extractor) for view in views if not view.is_own]
    found = {name: inner for name, part in handed if (inner := fitted_part(part)) is not None}
    if found:
        names = ", ".join(f"{name} ({type(inner).__name__})" for name, inner in found.items())
        as_made = any(m.reads not in own and fitted_part(m.estimator) is not None for m in members)
        yield (
            f"These were fitted before and stay as they are in every fold: {names}. If they saw any of these rows, "
            "scores, weights and intervals are too good to be true. Give them unfitted, or make sure that they "
            "saw other rows only; em.audit(model, X, Y) looks for signs that they did not."
            + (READ_AS_MADE if as_made else "")
        )


def left_out(report, budget) -> str:
    """Return what to tell of what a time budget left no time for; "" where that is nothing."""
    late = "; ".join(words for words in report["left_out"] if words)
    return late and (
        f"The time budget of {budget} s was over before these were done, so the model is without them: {late}. Give "
        "more time for a better model."
    )


def check_requests(stack) -> None:
    """Raise a ValueError where a part of a stack asks for metadata that it would not get."""
    metas = stack.meta_learner.values() if isinstance(stack.meta_learner, dict) else [stack.meta_learner]
    check_unasked(
        [(f"Learner {name!r}", part) for name, part in stack._named_parts("learners")],
        [(f"The extractor of view {name!r}", part) for name, part in stack._named_parts("views")],
        [(f"The meta-learner {meta!r}", meta) for meta in metas if hasattr(meta, "fit")],
    )
