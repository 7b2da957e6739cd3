"""
14 What the features of each modality see
=========================================

One item of every modality, and beside it what its default extractor makes of it. Only the words of
the texts and the scales of the table are learned.
"""

import matplotlib.pyplot as plt
import numpy as np
import pandas as pd
from PIL import Image

from ensemble_mm import (
    AudioExtractor,
    ImageExtractor,
    TabularExtractor,
    TextExtractor,
    VideoExtractor,
    load_demo,
)

X, Y = load_demo("moving_digits")


def columns(extractor, row, start):
    """Return the values of the columns whose names begin so."""
    names = np.array(extractor.get_feature_names_out(), dtype=str)
    return row[np.char.startswith(names, start)]


# %%
# A picture
# ---------
# A small copy is read in four ways: directions of edges in 4 x 4 cells ("hog"), tiny patterns of light and dark in each
# quarter ("lbp"), colours ("color"), and a thumbnail. A line in a cell is an edge of that direction, as strong as it is
# dark.

path = next(path for path in X["picture"] if path)
extractor = ImageExtractor()
row = extractor.fit_transform([path])[0]
figure, axes = plt.subplots(1, 4, figsize=(11, 3), layout="constrained")
axes[0].imshow(Image.open(path), cmap="gray")
axes[0].set_title("picture")
blocks = columns(extractor, row, "hog").reshape(3, 3, 2, 2, 9)
for i in range(4):
    for j in range(4):
        bi, bj = min(i, 2), min(j, 2)
        for k, strength in enumerate(blocks[bi, bj, i - bi, j - bj]):
            angle = np.pi * (k + 0.5) / 9 + np.pi / 2  # along the edge, across its gradient
            dx, dy = 0.45 * np.cos(angle), 0.45 * np.sin(angle)
            axes[1].plot([j - dx, j + dx], [i - dy, i + dy], color="black", alpha=float(strength / blocks.max()), lw=2)
axes[1].set(title="edges: hog", xlim=(-0.5, 3.5), ylim=(3.5, -0.5), aspect="equal")
shares = columns(extractor, row, "lbp").reshape(4, 10)
axes[2].imshow(shares, cmap="Greys", aspect="auto")
axes[2].set(title="texture: lbp", xlabel="pattern", ylabel="quarter", yticks=range(4))
axes[3].imshow(columns(extractor, row, "y_").reshape(12, 12), cmap="gray")
axes[3].set_title("thumbnail")
for axis in axes[[0, 1, 3]]:
    axis.set(xticks=[], yticks=[])

# %%
# A sound
# -------
# Sound becomes energy in 40 bands of pitch over time, with a column for the mean and the deviation of each; the cepstra
# of five equal parts keep the order of what is heard.

path = next(path for path in X["sound"] if path)
extractor = AudioExtractor()
row = extractor.fit_transform([path])[0]
names = list(extractor.get_feature_names_out())
figure, axes = plt.subplots(1, 2, figsize=(11, 3), layout="constrained")
mean, spread = (np.array([row[names.index(f"mel{i}_{s}")] for i in range(40)]) for s in ("mean", "std"))
axes[0].plot(mean, color="black")
axes[0].fill_between(range(40), mean - spread, mean + spread, alpha=0.3, color="gray", lw=0)
axes[0].set(title="a spoken digit: 40 bands, mean and deviation", xlabel="band, low to high", ylabel="log energy")
parts = np.array([[row[names.index(f"cepstrum{i}_part{p}")] for p in range(5)] for i in range(1, 20)])
limit = np.abs(parts).max()
image = axes[1].imshow(parts, cmap="PuOr", vmin=-limit, vmax=limit, aspect="auto")
axes[1].set(title="cepstra of five parts of the time", xlabel="part", ylabel="cepstrum")
axes[1].set_xticks(range(5), range(1, 6))
axes[1].set_yticks([0, 4, 9, 14, 18], [1, 5, 10, 15, 19])
figure.colorbar(image, label="strength")

# %%
# A clip
# ------
# Frames from the whole length are read as pictures, and the shift that best lays each frame over the next gives
# direction and speed.

path, direction = next((p, d) for p, d in zip(X["clip"], Y["direction"], strict=True) if p and d)
extractor = VideoExtractor()
row = extractor.fit_transform([path])[0]
names = list(extractor.get_feature_names_out())
right, down, speed = (row[names.index(f"{name}_lag1")] for name in ("right", "down", "speed"))
figure, axes = plt.subplots(1, 5, figsize=(11, 2.6), layout="constrained")
with Image.open(path) as clip:
    for axis, i in zip(axes[:4], np.linspace(0, clip.n_frames - 1, 4).astype(int), strict=True):
        clip.seek(i)
        axis.imshow(clip.convert("L"), cmap="gray")
        axis.set(title=f"frame {i}", xticks=[], yticks=[])
axes[4].quiver(0, 0, right, down, angles="xy", scale_units="xy", scale=1)
axes[4].set(title=f"{speed:.1f} pixels per frame; said: {direction}", xlim=(-5, 5), ylim=(5, -5), aspect="equal")
axes[4].title.set_fontsize(9)

# %%
# A text
# ------
# Words and pairs of words count more if they are rare in other texts. Further columns count characters, words and
# punctuation.

texts = ["The sleeve is torn and the coat is cold!", "A warm coat, a soft sleeve.", "The parcel came on Monday."]
extractor = TextExtractor()
first = extractor.fit_transform(texts)[0].toarray()[0]
names = extractor.get_feature_names_out()
order = np.argsort(first)[-14:]
figure, axis = plt.subplots(figsize=(7, 4), layout="constrained")
axis.barh(names[order], first[order], color="gray")
axis.set(title=texts[0], xlabel="TF-IDF")

# %%
# A table
# -------
# Missing numbers are filled, and all are brought to an even distribution and one scale. A column of its own marks what
# is missing, and each value of a category has a column.

facts = pd.DataFrame(
    {"price": [20.0, 35.0, None, 1200.0], "shop": ["north", "south", "north", None], "day": ["2024-01-05", "2024-02-11",
     "2024-03-09", "2024-03-10"]}
)  # fmt: skip
extractor = TabularExtractor()
features = extractor.fit_transform(facts)
figure, axis = plt.subplots(figsize=(8, 3), layout="constrained")
image = axis.imshow(features, cmap="PuOr", vmin=-2, vmax=2, aspect="auto")
names = extractor.get_feature_names_out()
axis.set_xticks(range(len(names)), names, rotation=40, ha="right")
axis.set_yticks(range(len(facts)), [", ".join(map(str, row)) for row in facts.to_numpy()])
figure.colorbar(image, label="value, scaled")
plt.show()
