"""What is counted of requests and rows, for Prometheus."""

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest, multiprocess

from ._inputs import Findings

SECONDS = (0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10)
BATCHES = (1, 2, 4, 8, 16, 32, 64, 128, 256, 1024, 10_000)
CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"


class Metrics:
    """Counters of one process, and where several serve, of all.

    Parameters
    ----------
    shared : bool, default=False
        Whether other processes count, too: in files of the folder that the environment variable
        `PROMETHEUS_MULTIPROC_DIR` names.
    """

    def __init__(self, shared: bool = False):
        own = CollectorRegistry()
        self._read = own
        if shared:
            self._read = CollectorRegistry()
            multiprocess.MultiProcessCollector(self._read)

        def counter(name, words, *labels):
            return Counter(f"ensemble_mm_{name}", words, labels, registry=own)

        self.requests = counter("requests", "Requests, by path and status", "path", "status")
        self.seconds = Histogram(
            "ensemble_mm_request_seconds", "From a request to its answer", ["path"], registry=own, buckets=SECONDS
        )
        self.batches = Histogram("ensemble_mm_batch_rows", "Rows of a batch", registry=own, buckets=BATCHES)
        self.rows = counter("rows", "Rows that were predicted")
        self.missing = counter("missing_rows", "Rows without an item of the view", "view")
        self.unseen = counter("unseen_rows", "Rows whose category the fit did not have", "column")

    def count(self, n_rows: int, found: Findings) -> None:
        """Count the rows of a batch, and what they lack: the share of such rows among all shows how data drift."""
        self.batches.observe(n_rows)
        self.rows.inc(n_rows)
        for view, missing in found.missing.items():
            self.missing.labels(view).inc(int(missing.sum()))
        for column, values in found.unseen.items():
            self.unseen.labels(column).inc(len(values))

    def page(self) -> bytes:
        """Return what Prometheus reads."""
        return generate_latest(self._read)
