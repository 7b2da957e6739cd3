"""What a fit will cost: a short trial on few rows, scaled to all rows and folds."""

from dataclasses import replace

import numpy as np

from .._plain_words import plural
from .._rows import size_of
from ._execute import Runner
from ._plan import ALL_ROWS
from ._run import CrossFit

TRIAL_ROWS = 60  # of the first trial
GROWTH = 4  # times the rows of the one before
LONGEST = 5.0  # seconds that a trial may be expected to take; two there are in any case
HELD_OUT = 5  # one row in so many is held out in a trial


def measured(plan, seed, n_workers, job_timeout=None):
    """Return a plan with `seconds` and `bytes`, from one fold of trials on 60 rows, 240, and more if these take little.

    Seconds of an extraction or a fit are taken as a constant and a part that grows with the rows, as it grew between
    the last two trials: on few rows learners and words grow faster than on many. That is right for what takes linear
    time, too low for what takes more. Meta-learners and the second level of several tasks are not in it.
    """
    n_rows = plan.problem.n_rows
    shuffled = np.random.RandomState(seed).permutation(n_rows)
    spent, most, next_takes = {}, TRIAL_ROWS, 0.0
    while max(spent, default=0) < n_rows and (len(spent) < 2 or (most <= n_rows and next_takes <= LONGEST)):
        rows = np.sort(shuffled[:most])
        run, runner = _tried(plan, rows, seed, job_timeout)
        spent[len(rows)] = runner.to_frame()["job_seconds"]
        most, next_takes = GROWTH * most, GROWTH * spent[len(rows)].sum()
    folds = plan.folds + ([(np.arange(n_rows), [])] if any(fit.fold == ALL_ROWS for fit in plan.fits) else [])
    n_train = [len(train) * HELD_OUT / (HELD_OUT - 1) for train, _ in folds]  # rows of a trial that trains on as many
    jobs = {"read": [n_rows], "extract": [sum(map(len, pair)) for pair in folds], "fit": n_train}
    seconds = {stage: sum(_scaled(spent, stage, n) for n in sizes) for stage, sizes in jobs.items()}
    size = sum(
        size_of(block) * n_rows / len(rows) * (1 if fold is None else len(folds))
        for (_, fold, _, _), block in run.features.blocks.items()
    )
    total = sum(seconds.values())
    note = (
        f"about {total:.2g} s of work ({seconds['read']:.2g} s reading, {seconds['extract']:.2g} s extraction, "
        f"{seconds['fit']:.2g} s learning), {total / n_workers:.2g} s on {plural(n_workers, 'core')}; "
        f"features of {size / 1e6:.2g} MB"
    )
    return replace(plan, seconds=seconds, bytes=int(size), notes=(*plan.notes, note))


def _tried(plan, rows, seed, job_timeout):
    """Return the run of one fold on some rows, and its runner."""
    test = np.arange(0, len(rows), HELD_OUT)
    train = np.setdiff1d(np.arange(len(rows)), test)
    problem = replace(plan.problem.take(rows), weights=dict.fromkeys(plan.problem.tasks))
    runner = Runner(n_jobs=1, job_timeout=job_timeout)
    run = CrossFit(problem, [(train, test)], False, seed, runner, on_error="drop", on_bad="missing")
    run.extract(plan.members)
    run.fit(plan.members)
    return run, runner


def _scaled(spent, stage, n):
    """Return the seconds of a stage on `n` rows, from those on the rows of the trials: {rows: seconds by stage}."""
    points = sorted((rows, float(by_stage.get(stage, 0.0))) for rows, by_stage in spent.items())
    (few, first), (many, last) = points[-2:][0], points[-1]
    slope = max(0.0, (last - first) / (many - few)) if many > few else last / many
    return last + slope * (n - many)
