"""What the benchmarks share: work in a process of its own, its clock, its memory, and a table at the end."""

import json
import subprocess
import sys
import threading
import time
from pathlib import Path

import psutil

RESULTS = Path(__file__).parent / "results"
DATA = Path(__file__).resolve().parents[2] / "shared" / "data"  # real sets, where this folder is there


def alone(file, *arguments, every=None):
    """Run `python file *arguments` and return what it printed last (JSON), with the peak memory of all its processes.

    Memory is the proportional set size in bytes, sampled four times a second: shared pages count once. With `every`
    what is taken and was taken so far is shown after so many seconds.
    """
    process = subprocess.Popen(
        [sys.executable, "-W", "ignore", str(file), *map(str, arguments)], stdout=subprocess.PIPE, text=True
    )
    peaks = {"peak_bytes": 0, "peak_main_bytes": 0}
    watch = threading.Thread(target=_watch, args=(process, peaks, every), daemon=True)
    watch.start()
    out = process.communicate()[0]
    watch.join()
    if process.returncode:
        raise SystemExit(f"{file} {arguments} ended with {process.returncode}")
    return json.loads(out.strip().splitlines()[-1]) | peaks


def _watch(process, peaks, every):
    root, started, shown = psutil.Process(process.pid), time.perf_counter(), 0
    while process.poll() is None:
        sizes = []
        try:
            for one in [root, *root.children(recursive=True)]:
                sizes.append(one.memory_full_info().pss)
        except (psutil.Error, OSError):
            pass  # one of them has just ended
        if sizes:
            peaks["peak_bytes"] = max(peaks["peak_bytes"], sum(sizes))
            peaks["peak_main_bytes"] = max(peaks["peak_main_bytes"], sizes[0])
        if every and (seconds := time.perf_counter() - started) > shown:
            shown += every
            now, most = (size / 1e9 for size in (sum(sizes), peaks["peak_bytes"]))
            print(f"after {seconds:.0f} s: {now:.2f} GB, at most {most:.2f} GB", file=sys.stderr, flush=True)
        time.sleep(0.25)  # a sample is not free


class Clock:
    """Seconds on the clock: `with Clock() as clock: ...`, then `clock.seconds`."""

    def __enter__(self):
        self.started = time.perf_counter()
        return self

    def __exit__(self, *error):
        self.seconds = time.perf_counter() - self.started


def report(name, rows, **facts):
    """Print rows (dicts) as a table, and write them with the facts into benchmarks/results/NAME.json."""
    heads = list(dict.fromkeys(key for row in rows for key in row))
    cells = [heads] + [[_shown(row.get(key, "")) for key in heads] for row in rows]
    widths = [max(len(row[i]) for row in cells) for i in range(len(heads))]
    for row in cells:
        print("  ".join(f"{cell:>{width}}" for cell, width in zip(row, widths, strict=True)))
    RESULTS.mkdir(exist_ok=True)
    (RESULTS / f"{name}.json").write_text(json.dumps({"rows": rows, **facts}, indent=1))


def _shown(value):
    return f"{value:.3g}" if isinstance(value, float) else str(value)
