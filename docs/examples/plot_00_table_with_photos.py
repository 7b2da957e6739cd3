"""
00 A CSV file with photos
=========================

From a table with a column of file names to scores, a report and predictions. Some photos and some labels are missing.
"""

# %%
# The data
# --------
# A CSV file and a folder of pictures, as a shop might export them. Here they are made up.

import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
from PIL import Image

import ensemble_mm as em

folder = Path(tempfile.mkdtemp())
(folder / "photos").mkdir()
rng = np.random.default_rng(0)
n = 160
worn = rng.random(n) < 0.4
for i in range(n):
    pixels = rng.normal(90 if worn[i] else 150, 40, (32, 32, 3))
    Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8)).save(folder / "photos" / f"{i}.jpg")
table = pd.DataFrame(
    {
        "article": 1000 + np.arange(n),
        "photo": [f"photos/{i}.jpg" if rng.random() < 0.8 else None for i in range(n)],
        "review": [
            f"{rng.choice(['warm and soft', 'fits well', 'as described'])}, worn for {rng.integers(2, 60)} days"
            for _ in range(n)
        ],
        "size": rng.integers(34, 48, n),
        "price": (60 - 20 * worn + rng.normal(0, 6, n)).round(2),
        "condition": np.where(worn, "worn", "good"),
    }
)
table.loc[::9, "price"] = None  # not known for every ninth article
table.to_csv(folder / "shop.csv", index=False)
table.head()

# %%
# Read it
# -------
# `read_table` looks for files beside the table. `infer_schema` shows what each column is taken for, and why.

X, Y = em.read_table(folder / "shop.csv", ["condition", "price"])
em.infer_schema(X).to_frame()[["column", "taken_as", "because"]]

# %%
# Fit
# ---
# One fit learns both targets. The article number is left out.

model = em.MultiOutputStack(learners="fast", cv=3, random_state=0).fit(X.drop(columns="article"), Y)
print(model)

# %%
# What does each view give?

em.ViewContributionDisplay.from_estimator(model, random_state=0)

# %%
# Report and predictions
# ----------------------
# The first screen of the report answers: how good, what drives it, where it fails, and what to do next. The column
# "article" names the rows.

report = em.write_report(model, folder / "report.html", X, Y, id="article")
em.save(model, folder / "shop.emm")
model.predict(X.head())

# %%
# The same without Python:
#
# .. code-block:: bash
#
#    ensemble-mm fit shop.csv --targets condition,price --id article --learners fast --out shop.emm --report shop.html
#    ensemble-mm predict shop.emm shop.csv --id article --out predictions.csv
