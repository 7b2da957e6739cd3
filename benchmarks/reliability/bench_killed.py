"""Does a fit that is killed at random moments resume to the model of an unbroken fit, bit for bit?

A process fits a stack with `checkpoint=` and is killed with SIGKILL at one to three random moments, then started once
more and left alone. The question is lost when one resumed fit has another table or other predictions than the unbroken
one, or fails.

    python benchmarks/reliability/bench_killed.py [n_kills]
"""

import hashlib
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

RESULTS = Path(__file__).parent.parent / "results"


def fit(checkpoint):
    """Fit, and print a digest of the table and of the predictions."""
    from ensemble_mm import MultiOutputStack, make_multimodal

    X, Y = make_multimodal(n_samples=90, random_state=0)
    Y = Y[list(Y)[:2]]
    model = MultiOutputStack(learners="fast", cv=3, random_state=0, n_jobs=2, checkpoint=checkpoint).fit(X, Y)
    digest = hashlib.sha256(model.table_.to_frame().to_numpy().tobytes())
    digest.update(model.predict(X).to_csv().encode())
    print(digest.hexdigest())


def start(checkpoint):
    return subprocess.Popen(
        [sys.executable, __file__, "--fit", checkpoint], stdout=subprocess.PIPE, text=True, start_new_session=True
    )


def main(n_kills=25):
    """Kill `n_kills` fits, print the figure and write benchmarks/results/killed.json."""
    with tempfile.TemporaryDirectory() as folder:
        started = time.time()
        expected = start(folder).communicate()[0].strip()
        seconds = time.time() - started
    assert expected, "the unbroken fit failed"
    rng, kills, resumed, equal = np.random.default_rng(0), 0, 0, 0
    while kills < n_kills:
        with tempfile.TemporaryDirectory() as folder:
            for _ in range(int(rng.integers(1, 4))):
                process = start(folder)
                try:
                    process.communicate(timeout=rng.uniform(0.2, 1.0) * seconds)
                except subprocess.TimeoutExpired:
                    os.killpg(process.pid, signal.SIGKILL)  # the workers too
                    process.communicate()
                    kills += 1
            found = start(folder).communicate()[0].strip()
            resumed += 1
            equal += found == expected
            print(f"{kills} kills, {resumed} resumed, {equal} equal", flush=True)
    result = {"kills": kills, "resumed": resumed, "equal": equal, "seconds_unbroken": round(seconds, 1)}
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "killed.json").write_text(json.dumps(result, indent=1))
    print(result)
    return equal == resumed


if __name__ == "__main__":
    if "--fit" in sys.argv:
        fit(sys.argv[-1])
    else:
        sys.exit(not main(*map(int, sys.argv[1:])))
