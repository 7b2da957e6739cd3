"""What members that abstain would say, by what the others of the row say: the conditional mean of a normal law."""

import numpy as np

from ._columns import TINY, spread

RIDGE = 1e-2  # of the mean variance: near copies share what they tell
ROUNDS = 3  # of filling the holes of a table and learning from it again


def learn_relations(cells, weight):
    """Return means (n_members, n_columns), covariances (n_members, n_members), and the cells without holes.

    `cells` has shape (n_rows, n_members, n_columns); rows without any member stay NaN in what is returned.
    """
    holes, filled = np.isnan(cells).any(), spread(cells)
    share = weight / weight.sum()
    for _ in range(ROUNDS if holes else 1):
        means = np.einsum("n,nmc->mc", share, filled)
        apart = ((filled - means) * np.sqrt(share)[:, np.newaxis, np.newaxis]).transpose(1, 0, 2)
        apart = apart.reshape(len(means), -1)
        relations = apart @ apart.T / cells.shape[2]
        filled = completed(cells, means, relations) if holes else filled
    return means, relations, filled


def completed(cells, means, relations, weighed=True):
    """Return cells whose holes are filled with what is likely given the row's others; rows without any stay NaN.

    Of two members that say the same one stands for the other; what has nothing to do with the others gets its mean.
    Only members that are `weighed` tell, unless a row has none of them: a fitted stack may keep no others.
    """
    if not np.isnan(cells).any():
        return cells
    holes, which = np.unique(np.isnan(cells[:, :, 0]), axis=0, return_inverse=True)
    out = cells.copy()
    for place, gone in enumerate(holes):
        if not gone.any() or gone.all():
            continue
        rows, there = np.flatnonzero(which == place), ~gone & weighed
        there = there if there.any() else ~gone
        own = relations[np.ix_(there, there)]
        own = own + (RIDGE * np.trace(own) / len(own) + TINY) * np.eye(len(own))
        by = np.linalg.solve(own, relations[np.ix_(there, gone)])
        likely = np.einsum("npc,pq->nqc", cells[rows][:, there] - means[there], by) + means[gone]
        out[np.ix_(rows, np.flatnonzero(gone))] = likely
    return out
