"""What a command shows of its work while it works, and of a fit when it is done."""

import contextlib
import sys
from importlib.util import find_spec

from .._plain_words import plural


@contextlib.contextmanager
def counting_rows(source):
    """Show on a terminal how many rows are done, where rich is installed."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        job = progress.add_task(str(source), total=None)
        yield lambda n: progress.advance(job, n)


@contextlib.contextmanager
def fit_progress(model, quiet):
    """A progress bar on a terminal, where rich is installed; elsewhere plain lines, on the error output."""
    bar = None
    if not quiet and sys.stderr.isatty() and sys.stdout.isatty():
        with contextlib.suppress(ImportError):
            import rich  # noqa: F401
            from sklearn.callback import ProgressBar

            bar = ProgressBar()
    if bar is not None:
        model.set_callbacks(bar)
    model.set_params(verbose=int(bar is None and not quiet))
    try:
        yield
    finally:
        model.set_params(verbose=0)
        if bar is not None:
            model.set_callbacks()


@contextlib.contextmanager
def telling(model, quiet=False):
    """Let a model say on the error output what it works on."""
    model.set_params(verbose=int(not quiet))
    try:
        yield
    finally:
        model.set_params(verbose=0)


def told_of_fit(model):
    """Lines on a fit: failures, and the time."""
    if len(model.failures_):
        yield f"failed or left out: {plural(len(model.failures_), 'job')}; the report lists all"
    seconds = model.fit_report_["seconds"].sum()
    yield f"{seconds:.1f} seconds of work, {plural(model.n_extractions_, 'extraction')}"
