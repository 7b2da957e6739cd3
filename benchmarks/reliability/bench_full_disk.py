"""Does a full disk give a clear error, and is nothing lost by it?

On a file system in memory of a megabyte, a fit fills the disk with its checkpoint, its feature cache, its model file or
its report. The question is lost when the error (of the cache: a warning, after which the fit goes on) does not name the
place and the cause, when a file that was there before is changed, when something half written stays behind, or when a
fit that goes on, or the one after space was made, differs from the unbroken one. Mounting needs rights: without them,
nothing is measured and the script says so.

    python benchmarks/reliability/bench_full_disk.py
"""

import errno
import json
import shutil
import subprocess
import sys
import tempfile
import warnings
from pathlib import Path

import numpy as np
from sklearn.ensemble import ExtraTreesRegressor
from sklearn.linear_model import Ridge
from sklearn.preprocessing import StandardScaler

import ensemble_mm as em

RESULTS = Path(__file__).parent.parent / "results"


class Disk:
    """A small file system, mounted while the context lasts."""

    def __enter__(self):
        self.folder = Path(tempfile.mkdtemp())
        self._run("mount", "-t", "tmpfs", "-o", "size=1m", "tmpfs", str(self.folder))
        return self

    def grow(self):
        self._run("mount", "-o", "remount,size=64m", str(self.folder))

    def __exit__(self, *error):
        self._run("umount", str(self.folder))
        self.folder.rmdir()

    def _run(self, *command):
        done = subprocess.run(command, capture_output=True, text=True)
        if done.returncode:
            raise PermissionError(f"{' '.join(command)}: {done.stderr.strip()}")


def data():
    X = np.random.default_rng(0).normal(size=(1500, 40))
    return {"left": X[:, :20], "right": X[:, 20:]}, X[:, 0] + X[:, 21] ** 2


def stack(**settings):
    learners = [("ridge", Ridge()), ("trees", ExtraTreesRegressor(20))]
    views = [("left", StandardScaler()), ("right", StandardScaler())]
    return em.StackedRegressor(views, learners, cv=3, random_state=0, **settings)


def digest(model, X):
    return model.table_.to_frame().to_numpy().tobytes() + model.predict(X).tobytes()


def fill(folder):
    """Leave 16 kB of room."""
    (folder / "filler").write_bytes(bytes(shutil.disk_usage(folder).free - 2**14))


def ask(what, write, check):
    """Fill a disk by `write(folder)`, make space, write again; return the row of the table."""
    with Disk() as disk:
        try:
            with warnings.catch_warnings(record=True) as heard:
                warnings.simplefilter("always")
                write(disk.folder)
        except Exception as error:
            cause = error
            while cause.__cause__ is not None and getattr(cause, "errno", None) is None:
                cause = cause.__cause__
            words = str(error)
            found = getattr(cause, "errno", None) == errno.ENOSPC or "No space left" in words
        else:
            words = next((str(w.message) for w in heard if "No space left" in str(w.message)), "nothing was said")
            found = words != "nothing was said"
        clear = found and str(disk.folder) in words
        halves = [path.name for path in disk.folder.rglob("*.part")]
        before = check(disk.folder, False)
        disk.grow()
        write(disk.folder)
        row = {"clear words": clear, "nothing half written": not halves, "what was there is whole": before,
               "then equal": check(disk.folder, True), "words": words.replace(str(disk.folder), "FOLDER")}  # fmt: skip
    print(f"{what:<14}", *(f"{name}: {value}" for name, value in row.items()), sep="  ", flush=True)
    return row


def main():
    """Fill disks, print the table and write benchmarks/results/full_disk.json."""
    X, y = data()
    whole = stack().fit(X, y)
    expected, fits = digest(whole, X), {}

    def fit(name, **settings):
        def write(folder):
            fits.pop(name, None)
            fits[name] = stack(**{key: folder / "kept" for key in settings}, n_jobs=settings.get("n_jobs")).fit(X, y)

        return write

    def fitted(name):
        return lambda folder, after: not after or digest(fits[name], X) == expected

    def save(folder):
        path = folder / "model.emm"
        if not path.exists():
            em.save(em.StackedRegressor(learners=[("ridge", Ridge())], cv=3).fit(X, y), path)
            (folder / "before").write_bytes(path.read_bytes())
            fill(folder)
        em.save(whole, path)

    def saved(folder, after):
        model = folder / "model.emm"
        if after:
            return np.array_equal(em.load(model).predict(X), whole.predict(X))
        return model.read_bytes() == (folder / "before").read_bytes() and em.load(model) is not None

    def report(folder):
        path = folder / "report.html"
        if not path.exists():
            path.write_text("before")
            fill(folder)
        em.write_report(whole, path, X, y)

    def reported(folder, after):
        return (folder / "report.html").read_text().rstrip().endswith("</html>" if after else "before")

    try:
        with Disk():
            pass
    except (OSError, PermissionError) as error:
        print(f"Nothing measured: a disk in memory cannot be mounted here ({error}).")
        return True
    rows = {
        "checkpoint": ask("checkpoint", fit("checkpoint", checkpoint=True), fitted("checkpoint")),
        "cache": ask("cache", fit("cache", cache=True), lambda *_: digest(fits["cache"], X) == expected),
        "model file": ask("model file", save, saved),
        "report": ask("report", report, reported),
    }
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / "full_disk.json").write_text(json.dumps(rows, indent=1))
    return all(value for row in rows.values() for name, value in row.items() if name != "words")


if __name__ == "__main__":
    warnings.simplefilter("ignore")
    sys.exit(not main())
