import numpy as np

from ensemble_mm.meta._completing import completed, learn_relations

RNG = np.random.default_rng(0)
CELLS = RNG.normal(size=(400, 1, 1)) + np.array([0.0, 0.05, 3.0]).reshape(1, 3, 1) * RNG.normal(size=(400, 3, 1))


def learned(cells):
    means, relations, filled = learn_relations(cells, np.ones(len(cells)))
    return filled, lambda rows, **how: completed(rows, means, relations, **how)


def test_a_hole_takes_what_its_twin_says_and_leaves_the_rest():
    holed = CELLS.copy()
    holed[:100, 0] = np.nan
    filled, complete = learned(holed)
    np.testing.assert_array_equal(filled[100:], CELLS[100:])
    assert np.abs(filled[:100, 0] - CELLS[:100, 1]).max() < 0.3
    np.testing.assert_allclose(complete(holed), filled, atol=0.05)


def test_what_has_nothing_to_do_with_the_others_gets_its_mean():
    cells = np.random.default_rng(1).normal(size=(2000, 2, 1)) + [[[0.0], [5.0]]]
    _, complete = learned(cells)
    row = np.array([[[2.0], [np.nan]]])
    assert abs(complete(row)[0, 1, 0] - 5.0) < 0.2


def test_a_row_without_any_member_stays_so_and_only_weighed_members_tell():
    _, complete = learned(CELLS)
    assert np.isnan(complete(np.full((1, 3, 1), np.nan))).all()
    row = np.array([[[np.nan], [1.0], [9.0]]])
    only = complete(row, weighed=np.array([True, False, True]))
    assert only[0, 0, 0] != complete(row)[0, 0, 0] and abs(complete(row)[0, 0, 0] - 1.0) < 0.1
