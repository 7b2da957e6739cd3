from math import factorial
from types import SimpleNamespace

import numpy as np
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm import ImageCNN, TextCNN, TunedLearner
from ensemble_mm.crossfit import Estimate, Member
from ensemble_mm.crossfit._table import Table
from ensemble_mm.data import Problem, Task
from ensemble_mm.stacking._across import N_CHAINS, chain_estimates, chain_orders, guard, members_reading


def test_chains_hold_every_order_once_and_its_reverse():
    for n in (2, 3, 5):
        orders = chain_orders(list("abcde"[:n]), np.random.RandomState(0))
        assert len(orders) == min(N_CHAINS, factorial(n)) == len({tuple(order) for order in orders})
        assert all(order[::-1] in orders for order in orders)


def test_chains_hand_on_all_that_a_member_says():
    """Of several classes the first follows from the others; a median does not follow from other quantiles."""
    tasks = {
        "three": Task("three", "multiclass", np.array(["a", "b", "c"])),
        "two": Task("two", "binary", np.array(["a", "b"])),
        "number": Task("number", "regression"),
        "price": Task("price", "quantile"),
    }
    members = [Member(name, "l", "v", ("v",), Ridge(), chain=1) for name in tasks]
    table = Table(5, members, tasks)
    table.values[:] = np.arange(table.values.size).reshape(table.values.shape)
    said = chain_estimates(table, tasks)
    for member in members:
        first = 1 if member.task == "three" else 0
        np.testing.assert_array_equal(said[Estimate(member.task, 1)], table[member][:, first:])


def test_the_guard_asks_no_row_of_a_fold_that_is_judged():
    rng = np.random.default_rng(0)
    y, rows = rng.normal(size=90), np.arange(90)
    tasks, folds = {"size": Task("size", "regression")}, [(rows[rows % 3 != f], rows[rows % 3 == f]) for f in range(3)]
    problem = Problem(np.zeros((90, 1)), (), tasks, {"size": y}, {"size": None}, None)
    run = SimpleNamespace(problem=problem, folds=folds, refit=True)
    first, second = SimpleNamespace(oof={"size": np.zeros(90)}), SimpleNamespace(oof={"size": np.zeros(90)})
    second.oof["size"][folds[0][1]] = y[folds[0][1]]  # right in this fold, and nowhere else a change
    assert guard(run, first, second, 0, ["size"]).loc["size", "gain"] == 0
    assert all(guard(run, first, second, fold, ["size"]).loc["size", "kept"] for fold in (None, 1, 2))


def test_what_reads_all_views_comes_before_what_reads_one():
    members = [Member("t", "a", "v", ("v",), Ridge()), Member("t", "b", "all", ("v", "w"), Ridge())]
    found = members_reading("t", members, ["u"])
    assert [(member.learner, member.reads, member.inputs) for member in found] == [
        ("b", "all+tasks", ("u",)), ("a", "v+tasks", ("u",)),
    ]  # fmt: skip


@pytest.mark.parametrize("bound", [TextCNN(), ImageCNN("regression"), TunedLearner(TextCNN("regression"))])
def test_networks_are_bound_to_their_view(bound):
    """They read positions of tokens, or pixels: what they are is known before anything is fitted."""
    kinds = {"network": bound, "linear": Ridge()}
    members = [Member("t", name, "v", ("v",), estimator) for name, estimator in kinds.items()]
    assert [member.learner for member in members_reading("t", members, ["u"], "tasks")] == ["linear"]
