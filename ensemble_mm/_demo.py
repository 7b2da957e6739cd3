"""The demo: one fit on real recordings that are packaged with the project, and what came of it.

`main` fits a `MultiOutputStack` on most rows of "moving_digits", compares it on the rows that were held out with what
simpler models reach, and leaves the model, the run database and the report in a folder.
"""

import time
from functools import partial
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.model_selection import train_test_split

from .data import load_demo
from .inspection import write_report
from .meta import alternatives, cross_fitted, for_members
from .stacking import MultiOutputStack
from .store import TaskDatabase, save


def main(folder="demo-output"):
    """Fit, compare and save; print what was found. Takes one to three minutes on two cores.

    Parameters
    ----------
    folder : path-like, default="demo-output"
        Where the model, the database and the report go.

    Returns
    -------
    int
        Exit status: 0.
    """
    start = time.perf_counter()
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    X, Y = load_demo("moving_digits")
    X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.25, random_state=0)
    model = MultiOutputStack(learners="fast", cv=3, n_jobs=-1, random_state=0)
    print(_opening(X, Y, model, X_train, X_test, Y_train), flush=True)
    _with_progress(model).fit(X_train, Y_train)

    print(_scores(model, compare(model, X_test, Y_test), len(X_test)))
    print(_weights(model), flush=True)

    files = {"model": folder / "model.emm", "runs": folder / "runs.db", "report": folder / "report.html"}
    save(model, files["model"])
    TaskDatabase(f"sqlite:///{files['runs']}").log(model, X_train, Y_train, name="moving digits")
    write_report(model, files["report"], X_test, Y_test)
    print(_closing(files, time.perf_counter() - start))
    return 0


def compare(model, X, Y):
    """Return scores on held-out rows: of the ensemble, of each view alone and of early fusion.

    A view alone is the ensemble of the members that read this view only, early fusion that of those that read all views
    side by side: the same learners, combined in the same way on the same training rows.

    Parameters
    ----------
    model : fitted MultiOutputStack
    X, Y : rows that it was not fitted on

    Returns
    -------
    DataFrame
        Index: the tasks. Columns: "metric" (that of `scoring`, else accuracy or R2), "ensemble", the views, "all",
        which are scores, and "best": the view that did best on rows that were held out of the fit. NaN where the table
        has no member of that kind.
    """
    table, views, board = model.predict_members(X), list(model.views_), model.leaderboard()
    best = board[board["learner"] == "best single view"].set_index("task")["reads"]
    proba, numbers, scores = model.predict_proba(X), model.predict(X), {}
    for name, task in model.tasks_.items():
        kind, first, metric = task.rules, model.levels_[0], model.judged_by(name).metric
        truth = task.encode(Y[name])
        known = ~np.isnan(truth)
        whole = kind.whole(proba[name] if name in proba else numbers[name].to_numpy())
        scores[name] = {"metric": metric.name, "ensemble": metric.score(truth[known], whole[known])}
        members = first.table.members(name)
        for reads, positions in alternatives([member.views for member in members], views).items():
            some = [members[m] for m in positions]
            blend, _ = cross_fitted(
                for_members(first.metas[name], some), partial(first.table.block, some), model.targets_[name], kind
            )
            alone = kind.ask(blend, table.block(some, rows=known))
            scores[name]["all" if len(reads) > 1 else reads[0]] = metric.score(truth[known], alone)
    frame = pd.DataFrame.from_dict(scores, orient="index").assign(best=best)
    return frame.reindex(columns=["metric", "ensemble", *views, "all", "best"])


def _with_progress(model):
    if find_spec("rich") is None:
        return model
    from sklearn.callback import ProgressBar

    return model.set_callbacks(ProgressBar())


def _opening(X, Y, model, X_train, X_test, Y_train):
    plan = model.plan(X_train, Y_train)
    views = ", ".join(f"{v.name} (missing in {X[v.columns].isna().to_numpy().mean():.0%})" for v in plan.views)
    tasks = ", ".join(
        f"{name} (unknown for {share:.0%})" if share else str(name) for name, share in Y.isna().mean().items()
    )
    return "\n".join(
        [
            "",
            "  ensemble_mm: digits that are spoken, drawn and moving",
            "",
            f"  views   {views}",
            f"  tasks   {tasks}",
            f"  rows    {len(X_train)} to learn from, {len(X_test)} held out",
            f"  work    {len(plan.extractions)} extractions, {len(plan.fits)} learner fits, then a second level",
            "",
        ]
    )


def _scores(model, scores, n_rows):
    """Lay out the comparison; the best single view is the one that did best on rows that were held out of the fit."""
    rows = [("task", "kind", "ensemble", "best single view", "early fusion")]
    for name, task in model.tasks_.items():
        own = scores.loc[name]
        single = f"{own[own['best']]:.3f} ({own['best']})"
        rows.append(
            (name, f"{task.rules.words}, {own['metric']}", f"{own['ensemble']:.3f}", single, f"{own['all']:.3f}")
        )
    return "\n".join(["", f"  Scores on the {n_rows} rows held out", "", *_aligned(rows, n_left=2), ""])


def _weights(model):
    """Lay out what share of the weight each view has; members that read all views have lines of their own."""
    inputs = {m.reads: "all, and other tasks" if m.is_across else m.reads for m in model.table_.members()}
    shares = model.contributions_.rename(index=inputs, level="reads").groupby(level="reads").sum()
    order = [name for name in [*model.views_, "all", "all, and other tasks"] if name in shares.index]
    rows = [("read by the learners", *shares.columns)]
    rows += [(name, *(f"{share:.0%}" for share in shares.loc[name])) for name in order]
    return "\n".join(["  Weight of each view for each task", "", *_aligned(rows), ""])


def _aligned(rows, n_left=1):
    """Return lines of text: `n_left` columns to the left, the others to the right; the first row is underlined."""
    widths = [max(len(str(row[i])) for row in rows) for i in range(len(rows[0]))]
    lines = []
    for row in rows:
        cells = [f"{cell:{'<' if i < n_left else '>'}{widths[i]}}" for i, cell in enumerate(row)]
        lines.append("  " + "   ".join(cells).rstrip())
    return [lines[0], "  " + "-" * (max(map(len, lines)) - 2), *lines[1:]]


def _closing(files, seconds):
    use = {
        "model": f"ensemble-mm predict {files['model']} new.csv --out predictions.csv",
        "runs": f"ensemble-mm runs --db sqlite:///{files['runs']}",
        "report": "open it in a browser",
    }
    rows = [("what was made", "where", "use it"), *((name, str(path), use[name]) for name, path in files.items())]
    return "\n".join([*_aligned(rows, n_left=3), "", f"  {seconds:.0f} seconds in all", ""])
