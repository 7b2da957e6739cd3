"""Does the service lose anything when 64 clients ask at once, and how long do they wait?

A sentence, three facts, two targets, "fast". Each client sends rows, one request after another; every answer is
compared with `predict`. `python bench_endpoint.py SECONDS CLIENTS` makes it shorter, or more crowded.
"""

import http.client
import json
import re
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import pandas as pd
from _measure import report

import ensemble_mm as em

GOOD, BAD = "soft warm lovely bright sturdy".split(), "torn cold dull sad broken".split()
ROWS = 200


def make(n=400):
    rng = np.random.default_rng(0)
    mood = rng.normal(size=n)
    words = [
        " ".join(rng.choice(GOOD if rng.random() < 1 / (1 + np.exp(-2 * m)) else BAD) for _ in range(9)) for m in mood
    ]
    X = pd.DataFrame({"review": words, "age": rng.integers(18, 80, n).astype(float),
                      "price": np.round(40 + 12 * mood + rng.normal(scale=10, size=n), 2),
                      "shop": rng.choice(["north", "south", "west"], n)})  # fmt: skip
    return X, pd.DataFrame({"kind": np.where(mood > 0, "up", "down"), "stars": mood + rng.normal(scale=0.5, size=n)})


def ask(port, bodies, wanted, until, found):
    """Ask one row after another; note seconds, statuses, and answers that differ."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    place = threading.get_ident()
    while time.monotonic() < until:
        place = (place + 1) % len(bodies)
        begin = time.perf_counter()
        connection.request("POST", "/predict", bodies[place], {"Content-Type": "application/json"})
        answer = connection.getresponse()
        content = json.loads(answer.read())
        found["seconds"].append(time.perf_counter() - begin)
        found["lost"] += answer.status != 200
        if answer.status == 200:
            (row,) = content["predictions"]
            kind, stars = wanted[place]
            found["differ"] += row["kind"] != kind or abs(row["stars"] - stars) > 1e-4


def crowd(port, n_clients, seconds, bodies, wanted):
    parts = [{"seconds": [], "lost": 0, "differ": 0} for _ in range(n_clients)]
    until = time.monotonic() + seconds
    threads = [threading.Thread(target=ask, args=(port, bodies, wanted, until, part)) for part in parts]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    waits = np.concatenate([part["seconds"] for part in parts]) * 1000
    return {"clients": n_clients, "requests": len(waits), "per_second": round(len(waits) / seconds, 1),
            "median_ms": round(float(np.median(waits)), 1), "p99_ms": round(float(np.quantile(waits, 0.99)), 1),
            "lost": sum(part["lost"] for part in parts), "differ": sum(part["differ"] for part in parts)}  # fmt: skip


def main(seconds=60.0, n_clients=64):
    X, Y = make()
    model = em.MultiOutputStack(learners="fast", cv=5, random_state=0).fit(X, Y)
    expected = model.predict(X[:ROWS])
    wanted = list(zip(expected["kind"], expected["stars"], strict=True))
    bodies = [json.dumps({"rows": [row]}) for row in X[:ROWS].to_dict("records")]
    with tempfile.TemporaryDirectory() as folder:
        em.save(model, Path(folder, "model.emm"))
        command = [sys.executable, "-m", "ensemble_mm", "serve", f"{folder}/model.emm", "--port", "0"]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as service:
            port = int(re.search(r"127\.0\.0\.1:(\d+)", service.stdout.readline())[1])
            rows = [crowd(port, n, seconds if n > 1 else min(seconds, 5), bodies, wanted) for n in (1, n_clients)]
            service.terminate()
    report("endpoint", rows, seconds=seconds)
    if any(row["lost"] or row["differ"] for row in rows):
        raise SystemExit("Something was lost, or differs from predict.")


if __name__ == "__main__":
    main(*map(float, sys.argv[1:2]), *map(int, sys.argv[2:3]))
