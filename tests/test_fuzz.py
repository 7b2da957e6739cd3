"""A few hundred of the cases of benchmarks/reliability/bench_fuzz.py: none crashes, lies or fails without a cause."""

import importlib.util
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BENCHMARK = Path(__file__).parent.parent / "benchmarks" / "reliability" / "bench_fuzz.py"
SEED = 1  # another one than the benchmark's


@pytest.fixture(scope="module")
def fuzz():
    spec = importlib.util.spec_from_file_location("emm_bench_fuzz", BENCHMARK)
    module = importlib.util.module_from_spec(spec)
    sys.path.insert(0, str(BENCHMARK.parent))
    spec.loader.exec_module(module)
    return module


@pytest.mark.slow
@settings(max_examples=120, deadline=None, derandomize=True, database=None,
          suppress_health_check=[HealthCheck.function_scoped_fixture])  # fmt: skip
@given(case=st.integers(0, 10**6))
def test_no_case_crashes_lies_or_fails_without_a_cause(fuzz, tmp_path, monkeypatch, case):
    monkeypatch.chdir(tmp_path)  # commands change the folder
    family, fault, where = fuzz.run_case(SEED, case, tmp_path)
    assert fault is None, f"bench_fuzz.py --seed {SEED} --case {case} ({family}): {fault} at {where}"


class Broken:
    """A model whose answers are wrong in one way."""

    tasks_ = {"y": type("Task", (), {"classes": ["a", "b"]})}

    def __init__(self, labels, probabilities):
        self.labels, self.probabilities = labels, probabilities

    def predict(self, X):
        return self.labels

    def predict_proba(self, X):
        return self.probabilities


@pytest.mark.parametrize(
    "labels, probabilities, words",
    [
        (["a"], [[1, 0], [0, 1]], "1 predictions for 2 rows"),
        (["a", "z"], [[1, 0], [0, 1]], "no classes of it"),
        (["a", "b"], [[1, 0]], "of shape"),
        (["a", "b"], [[1, 0], [0.5, 0.4]], "do not sum to one"),
        (["a", "b"], [[1, 0], [1.5, -0.5]], "that are none"),
        (["a", "b"], [[1, 0], [float("nan"), 1]], "that are none"),
    ],
)
def test_wrong_answers_are_seen(fuzz, labels, probabilities, words):
    import numpy as np

    with pytest.raises(fuzz.Fault, match=words):
        fuzz.check_answers(Broken(labels, np.array(probabilities)), [0, 1])


@pytest.mark.parametrize(
    "error, is_fault",
    [
        (KeyError("x"), True), (IndexError("list index out of range"), True), (ZeroDivisionError("division"), True),
        (MemoryError(), True), (ValueError(), True), (RuntimeError("words"), True),
        (ValueError("operands could not be broadcast together"), True), (AttributeError("no attribute"), True),
        (ValueError("Task 'y' has no known label."), False), (FileNotFoundError(2, "no such file"), False),
    ],
)  # fmt: skip
def test_errors_are_judged(fuzz, error, is_fault):
    assert bool(fuzz.judged(error)) == is_fault


def die(*args):
    import os

    os._exit(3)


def spin(*args):
    while True:
        pass


def fill(*args):
    return bytearray(8 * 2**30)


@pytest.mark.parametrize("act, words", [(die, "crash: exit code 3"), (spin, "hang"), (fill, "bare MemoryError")])
def test_crashes_hangs_and_hunger_are_seen(fuzz, monkeypatch, act, words):
    monkeypatch.setitem(fuzz.FAMILIES, "x", (act, fuzz.FAMILIES["x"][1]))
    monkeypatch.setattr(fuzz, "CPU_SECONDS", 0.5)
    for name in ("fitted", "media_files", "model_file", "shop"):  # what cases of other families share
        monkeypatch.setattr(fuzz, name, lambda: None)
    told = []
    counts, faults = fuzz.run_all([5, 6], 0, "x", told.append)
    assert counts == {"x": 2} and [fault["case"] for fault in faults] == [5, 6]
    assert all(words in fault["why"] for fault in faults) and "seed 0 case 5" in told[0]
