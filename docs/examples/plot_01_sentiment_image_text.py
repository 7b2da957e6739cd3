"""
01 Sentiment from a picture and a text
======================================

Posts have a text and a picture, and either may carry the mood. One stack reads both, and shows how much each gives.
"""

# %%
# The data: short texts with some words of mood, and small pictures of a face that smiles or does not. Each view alone
# is often wrong: words are mixed, and one picture in three is too noisy to read.
import matplotlib.pyplot as plt
import numpy as np
import pandas as pd

import ensemble_mm as em

rng = np.random.default_rng(0)
GOOD, BAD = "lovely sunny friends laughing great".split(), "tired rain late broken alone".split()
OTHER = "today we went to the market then home by train with a bag of apples".split()


def draw_face(mood, noise):
    """Return a picture of 32 x 32 grey levels; the mouth bends up or down."""
    y, x = np.mgrid[-1:1:32j, -1:1:32j]
    face = 200.0 * (x**2 + y**2 < 0.9)
    face[(np.hypot(np.abs(x) - 0.35, y + 0.3) < 0.12)] = 20
    face[(np.abs(y - (0.4 - mood * 0.8 * (x**2 - 0.15))) < 0.08) & (np.abs(x) < 0.5)] = 20
    return np.clip(face + rng.normal(scale=noise, size=face.shape), 0, 255).astype("uint8")


def write(mood):
    """Return a text of ten words, of which three or so tell the mood."""
    words = [rng.choice(GOOD if rng.random() < (0.75 if mood > 0 else 0.25) else BAD) for _ in range(3)]
    return " ".join(rng.permutation([*words, *rng.choice(OTHER, 7)]))


mood = rng.choice([-1, 1], size=240)
X = pd.DataFrame({"post": [write(m) for m in mood]})
X["picture"] = [draw_face(m, noise=250 if rng.random() < 0.33 else 60) for m in mood]
y = pd.Series(np.where(mood > 0, "glad", "sad"), name="mood")

fig, axes = plt.subplots(1, 4, figsize=(8.5, 2.9))
for ax, row in zip(axes, range(4), strict=True):
    ax.imshow(X["picture"][row], cmap="gray")
    ax.set_title(y[row])
    ax.set_xlabel("\n".join([" ".join(X["post"][row].split()[:5]), " ".join(X["post"][row].split()[5:])]), fontsize=8)
    ax.set_xticks([])
    ax.set_yticks([])
fig.tight_layout()

# %%
# Column types are inferred from the data.
model = em.StackedClassifier(learners="fast", cv=4, random_state=0).fit(X[:180], y[:180])
print(model.views_)
print(f"accuracy on 60 new posts: {model.score(X[180:], y[180:]):.3f}")

# %%
# Each view alone, with the same learners:
for view in X:
    alone = em.StackedClassifier(learners="fast", cv=4, random_state=0).fit(X[[view]][:180], y[:180])
    print(f"{view:8s} alone: {alone.score(X[[view]][180:], y[180:]):.3f}")

# %%
# The weights of the learners; "reads" is the view, or "all":
em.ContributionDisplay.from_estimator(model)
