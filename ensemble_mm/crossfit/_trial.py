"""What a fit will cost: a short trial on few rows, scaled to all rows and folds."""

from dataclasses import replace

import numpy as np

from ._execute import Runner, size_of
from ._plan import ALL_ROWS
from ._run import CrossFit

TRIAL_ROWS = 120
HELD_OUT = 5  # one row in so many is held out in the trial


def measured(plan, seed, n_workers, job_timeout=None):
    """Return a plan with `seconds` and `bytes`, from one fold of a trial on at most 120 rows.

    Reading and extraction are scaled by the rows that are read, fits by the rows that they learn from: right for what
    takes linear time, too low for what takes more. The second level of several tasks is not in it.
    """
    n_rows = plan.problem.n_rows
    rows = np.sort(np.random.RandomState(seed).permutation(n_rows)[:TRIAL_ROWS])
    test = np.arange(0, len(rows), HELD_OUT)
    train = np.setdiff1d(np.arange(len(rows)), test)
    problem = replace(plan.problem.take(rows), weights=dict.fromkeys(plan.problem.tasks))
    runner = Runner(n_jobs=1, job_timeout=job_timeout)
    run = CrossFit(problem, [(train, test)], False, seed, runner, on_error="drop", on_bad="missing")
    run.extract(plan.members)
    run.fit(plan.members)
    spent = runner.to_frame()["job_seconds"]
    folds = plan.folds + ([(np.arange(n_rows), [])] if any(fit.fold == ALL_ROWS for fit in plan.fits) else [])
    n_train, n_read = sum(len(train) for train, _ in folds), sum(map(len, (part for pair in folds for part in pair)))
    scale = {"read": n_rows / len(rows), "extract": n_read / len(rows), "fit": n_train / len(train)}
    seconds = {stage: float(spent.get(stage, 0.0) * factor) for stage, factor in scale.items()}
    size = sum(
        size_of(block) * n_rows / len(rows) * (1 if fold is None else len(folds))
        for (_, fold, _, _), block in run.features.blocks.items()
    )
    total = sum(seconds.values())
    note = (
        f"about {total:.2g} s of work ({seconds['read']:.2g} s reading, {seconds['extract']:.2g} s extraction, "
        f"{seconds['fit']:.2g} s learning), {total / n_workers:.2g} s on {n_workers} core(s); "
        f"features of {size / 1e6:.2g} MB"
    )
    return replace(plan, seconds=seconds, bytes=int(size), notes=(*plan.notes, note))
