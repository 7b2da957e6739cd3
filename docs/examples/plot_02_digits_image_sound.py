"""
02 Digits from a picture and a sound
====================================

Real recordings: a handwritten digit, and somebody who says it. Two views of very different nature, one answer.
"""

# %%
# `load_demo` gives a DataFrame of file names. The suffixes tell that they are pictures and sounds.
from sklearn.model_selection import train_test_split

import ensemble_mm as em

X, Y = em.load_demo("av_digits")
print(X.head(2).map(lambda path: str(path).rpartition("/")[2]))
X_train, X_test, Y_train, Y_test = train_test_split(X, Y, test_size=0.3, random_state=0)

# %%
# One linear model per view, and trees on both views side by side:
model = em.MultiOutputStack(learners="fast", cv=3, random_state=0).fit(X_train, Y_train)
print(model.views_)
print(model.evaluate(X_test, Y_test)[["n", "accuracy", "log_loss"]].round(3))

# %%
# The picture says nothing about the speaker, and the stack finds that out:
print(model.contributions_.groupby("reads").sum().round(2))
em.ViewContributionDisplay.from_estimator(model)

# %%
# Which digits are taken for which, and the rows that were hardest, with what they look like:
em.ConfusionDisplay.from_estimator(model, task=next(iter(Y)), X=X_test, Y=Y_test)

# %%
em.HardestRowsDisplay.from_estimator(model, X_train, task=next(iter(Y)))
