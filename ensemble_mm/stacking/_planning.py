"""What a fit of a stack would compute, without computing it."""

from dataclasses import replace

from ..crossfit import ALL_ROWS, CrossFit, Fit, Plan, draw_folds, measured, plan_extractions
from ..meta import parts_of
from ..store import BlockFolder
from ._cautions import sampled_learners
from ._parameters import calibrator_of


def plan_of(stack, problem, members, seed, measure) -> Plan:
    """Return the plan of a fit of some members to a problem; see `BaseStack.plan`."""
    folds, across = draw_folds(stack._folds, problem, seed), stack._members_across(problem, members)
    all_folds = [*range(len(folds)), *([ALL_ROWS] if stack.refit else [])]
    parts = parts_of(folds, problem.n_rows, problem.group_codes, once=bool(stack.refit))
    rows = ["all rows", *(f"fold {fold}" for fold in range(len(parts)))]
    levels = ["", ", second level"] if across else [""]
    names = list(problem.tasks)
    plan = Plan(
        problem,
        folds,
        tuple(plan_extractions(problem.views, len(folds), stack.refit, names)),
        tuple(Fit(member, fold) for member in [*members, *across] for fold in all_folds),
        tuple(f"meta-learner of task {name!r}, {part}{of}" for of in levels for name in names for part in rows),
        tuple(_calibrations(stack.calibration, problem.tasks)),
        tuple(sampled_learners(members, problem.n_rows)),
    )
    if stack.memory is not None:
        run = CrossFit(
            problem, folds, bool(stack.refit), seed, stack._runner(), on_error=stack.on_error, n_copies=stack.augment
        )
        with BlockFolder(stack.workdir) as run.folder:
            plan = replace(plan, notes=(*plan.notes, str(stack._needs(run, members))))
    return measured(plan, seed, stack._runner().n_workers, stack.job_timeout) if measure else plan


def _calibrations(calibration, tasks):
    """Yield what is fitted on the predictions of each task."""
    for name, task in tasks.items():
        calibrator = calibrator_of(calibration, task)
        if calibrator is not None:
            yield f"{calibrator} calibration of task {name!r}"
        if task.rules.region is not None:
            yield f"prediction {task.rules.region} of task {name!r}"
