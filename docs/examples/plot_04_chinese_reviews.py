"""
04 Reviews in Chinese
=====================

Texts without spaces need no setting: pairs of characters stand for words. With the extra ``chinese``, words are
cut by a dictionary.
"""

# %%
# Reviews of a hotel, made of phrases, with a price that matters a little.
import numpy as np
import pandas as pd

import ensemble_mm as em

rng = np.random.default_rng(0)
GOOD = ["很干净", "非常满意", "服务热情", "早餐丰富", "下次还来"]
BAD = ["太吵了", "有点失望", "空调坏了", "态度很差", "不会再来"]
OTHER = ["酒店在市中心", "房间在三楼", "我们住了两晚", "周末去的", "离地铁站不远"]


def write(good):
    """Return a review of four phrases."""
    said = [rng.choice(GOOD if rng.random() < (0.8 if good else 0.2) else BAD) for _ in range(2)]
    return "，".join(rng.permutation([*said, *rng.choice(OTHER, 2, replace=False)])) + "。"


good = rng.random(240) < 0.6
price = np.where(good, 300, 340) + rng.normal(scale=60, size=240)
X = pd.DataFrame({"review": [write(g) for g in good], "price": price})
y = pd.Series(np.where(good, "好评", "差评"), name="sentiment")
print(X["review"].head(3).to_list())

# %%
model = em.StackedClassifier(learners="fast", cv=4, random_state=0).fit(X[:180], y[:180])
print(model.views_)
print(f"accuracy on 60 new reviews: {model.score(X[180:], y[180:]):.3f}")

# %%
# What the text and the price contribute, with intervals:
em.ViewContributionDisplay.from_estimator(model)

# %%
# Are the probabilities calibrated?
em.ReliabilityDisplay.from_estimator(model, X=X[180:], Y=y[180:])
