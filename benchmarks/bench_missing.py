"""As views go missing, does the stack stay at least as good as what could be done without it?

For rates from 0 to 80 %, items of one view, or of any view at random (a row keeps one), are taken away from training
and test rows alike. Three are compared on the same rows: our "fast" stack; the best single view (its own stack, which
predicts the training shares where the view is missing); and scikit-learn's `StackingClassifier` on the same
features, whose holes are filled with column means. The question is lost at every rate where ours is below one of the
others by more than 0.005 (accuracy), or on the mean.

    python benchmarks/bench_missing.py [folder of sets] [number of seeds] [name of a set ...]

Without the folder, the packaged part of av_digits is read.
"""

import json
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd
from sklearn.ensemble import ExtraTreesClassifier, StackingClassifier
from sklearn.impute import SimpleImputer
from sklearn.linear_model import LogisticRegression
from sklearn.metrics import accuracy_score
from sklearn.model_selection import train_test_split
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import FunctionTransformer, StandardScaler

from ensemble_mm import AudioExtractor, ImageExtractor, StackedClassifier, TextExtractor, VideoExtractor, load_demo

FOLDER = Path(__file__).parents[1] / ".." / "shared" / "data"
RATES = [0.0, 0.2, 0.4, 0.6, 0.8]
TOLERANCE = 0.005


def sets(folder):
    """Yield (name, {view: features}, y); the features look at no label, so they are computed once."""
    if not folder.is_dir():
        X, Y = load_demo("av_digits")
        yield "av_digits (packaged)", _extract(X, sound=AudioExtractor(), picture=ImageExtractor()), Y["digit"]
        return
    root = folder / "av_digits"
    table = pd.read_parquet(root / "table.parquet")
    X = pd.DataFrame({"sound": table["audio"], "degraded": table["image_pca75"]}).map(lambda path: str(root / path))
    yield "av_digits degraded", _extract(X, sound=AudioExtractor(), degraded=ImageExtractor()), table["y_digit"]
    root = folder / "moving_digits"
    table = pd.read_csv(root / "table.csv.gz")
    X = pd.DataFrame({"sound": table["audio"], "video": table["video"]}).map(lambda path: str(root / path))
    yield "moving_digits", _extract(X, sound=AudioExtractor(), video=VideoExtractor()), table["y_digit"]
    root = folder / "movie_posters"
    table = pd.read_parquet(root / "table.parquet")
    X = pd.DataFrame({"poster": [str(root / path) for path in table["poster"]]})
    X["text"] = table[["title", "overview", "tagline", "plot_keywords"]].fillna("").agg(" ".join, axis=1)
    facts = table[["year", "duration", "budget_usd", "cast_total_facebook_likes"]].astype(float)
    views = _extract(X, poster=ImageExtractor(), text=TextExtractor(output="reduced", random_state=0))
    yield "movie_posters", views | {"facts": facts.fillna(facts.median()).to_numpy()}, table["y_main_genre"]


def _extract(X, **extractors):
    return {name: extractor.fit_transform(X[name].to_numpy(object)) for name, extractor in extractors.items()}


def with_holes(views, rate, where, rng):
    """Return copies of the views with rows of NaN: in view `where`, or in any ("any") as long as a row keeps one."""
    n, names = len(next(iter(views.values()))), list(views)
    if where == "any":
        holes = rng.random((n, len(names))) < rate
        full = holes.all(axis=1)
        holes[full, rng.integers(len(names), size=full.sum())] = False
    else:
        holes = np.column_stack([(rng.random(n) < rate) & (name == where) for name in names])
    return {name: np.where(holes[:, [i]], np.nan, views[name]) for i, name in enumerate(names)}


def main(folder=FOLDER, n_seeds=2, *names):
    """Compare at every rate, print a table and write benchmarks/results/missing.json."""
    rows = []
    for name, views, y in sets(Path(folder)):
        if names and name.split()[0] not in names:
            continue
        y = np.asarray(y)
        for where in ["any", *views]:
            for rate in RATES[where != "any" :]:  # at 0 all are the same
                scores = [_scores(views, y, rate, where, seed) for seed in range(int(n_seeds))]
                row = {key: float(np.mean([score[key] for score in scores])) for key in scores[0]}
                row |= {"set": name, "where": where, "rate": rate}
                row["lost"] = row["ours"] < max(row["best_view"], row["sklearn_mean"]) - TOLERANCE
                rows.append(row)
                print(f"{name:20} {where:9} {rate:.1f}  ours {row['ours']:.3f}  best view {row['best_view']:.3f}  "
                      f"scikit-learn {row['sklearn_mean']:.3f}" + "  LOST" * row["lost"], flush=True)  # fmt: skip
    ahead = np.mean([row["ours"] - max(row["best_view"], row["sklearn_mean"]) for row in rows])
    print(f"{sum(row['lost'] for row in rows)} of {len(rows)} cells lost; on the mean {ahead:+.4f} to the best other")
    folder = Path(__file__).parent / "results"
    folder.mkdir(exist_ok=True)
    (folder / "missing.json").write_text(json.dumps(rows, indent=1))
    return rows


def _scores(views, y, rate, where, seed):
    views = with_holes(views, rate, where, np.random.default_rng(seed))
    train, test = train_test_split(np.arange(len(y)), test_size=0.25, random_state=seed, stratify=y)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        ours = _ours(views, y, train, test)
        alone = max(_ours({name: view}, y, train, test) for name, view in views.items())
        peer = _peer(views).fit(np.hstack(list(views.values()))[train], y[train])
    right = accuracy_score(y[test], peer.predict(np.hstack(list(views.values()))[test]))
    return {"ours": ours, "best_view": alone, "sklearn_mean": right}


def _ours(views, y, train, test):
    model = StackedClassifier(learners="fast", cv=3, random_state=0)
    model.fit({name: view[train] for name, view in views.items()}, y[train])
    return accuracy_score(y[test], model.predict({name: view[test] for name, view in views.items()}))


def _peer(views):
    """Return scikit-learn's stacker over a linear model and trees a view, as ours has them."""
    learners, start = [], 0
    for name, view in views.items():
        columns = slice(start, start := start + view.shape[1])
        pick = FunctionTransformer(lambda X, columns=columns: X[:, columns])
        for kind, learner in (
            ("linear", make_pipeline(StandardScaler(), LogisticRegression(C=0.1, max_iter=300))),
            ("trees", ExtraTreesClassifier(60, min_samples_leaf=2, random_state=0)),
        ):
            learners.append((f"{name}-{kind}", make_pipeline(pick, SimpleImputer(), learner)))
    return StackingClassifier(learners, LogisticRegression(max_iter=500), cv=3)


if __name__ == "__main__":
    main(*sys.argv[1:])
