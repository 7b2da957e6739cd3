"""How far a fit is: for scikit-learn's callbacks, and as plain lines."""

import time
from contextlib import contextmanager

from .._lines import say
from .._plain_words import plural

LINE_EVERY = 5.0  # seconds between two lines of a stage


class Progress:
    """Tells of stages and jobs.

    Parameters
    ----------
    context : sklearn.callback.CallbackContext
        Of the fit: stages and their jobs become nested tasks of it.
    estimator : estimator
        That is fitted. Where it is verbose, lines tell the time that a stage will still take.
    """

    def __init__(self, context, estimator):
        self.context, self.estimator = context, estimator

    @contextmanager
    def stage(self, name, n_jobs):
        """Open a stage of `n_jobs`; gives what to call for each finished job."""
        stage = self.context.subcontext(task_name=name, max_subtasks=n_jobs)
        stage.call_on_fit_task_begin(estimator=self.estimator)
        started = reported = time.perf_counter()
        done = 0

        def tick(job):
            nonlocal done, reported
            done += 1
            part = stage.subcontext(task_name=job)
            part.call_on_fit_task_begin(estimator=self.estimator)
            part.call_on_fit_task_end(estimator=self.estimator)
            now = time.perf_counter()
            if now - reported >= LINE_EVERY and done < n_jobs:
                reported, left = now, (now - started) / done * (n_jobs - done)
                say(
                    self.estimator,
                    f"{name}: {done} of {n_jobs} jobs, {now - started:.0f} s, about {left:.0f} s to go in this stage",
                )

        yield tick
        if n_jobs:
            say(self.estimator, f"{name}: {plural(n_jobs, 'job')} in {time.perf_counter() - started:.1f} s")
        stage.call_on_fit_task_end(estimator=self.estimator)
