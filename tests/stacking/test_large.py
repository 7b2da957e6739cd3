"""Data that stay on disk give what data in memory give."""

import contextlib
import gc
import mmap
import pathlib
import pickle
from copy import deepcopy

import numpy as np
import pandas as pd
import pytest
from joblib import parallel_config, register_parallel_backend
from joblib.parallel import ThreadingBackend
from lightgbm import LGBMClassifier, LGBMRegressor
from sklearn.base import BaseEstimator, TransformerMixin
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.pipeline import make_pipeline

from ensemble_mm import (
    ChunkedData,
    DataWarning,
    MultiOutputStack,
    StackedClassifier,
    StackedRegressor,
    VectorExtractor,
    _rows,
    audit,
    infer_schema,
    make_multimodal,
)
from ensemble_mm.crossfit import Runner, _extract, _memory
from ensemble_mm.data import ColumnOnDisk, ColumnsOnDisk, _schema, _views, views_of
from ensemble_mm.learners import RidgePath, TailRegressor, ViewScaler
from ensemble_mm.stacking import _base
from ensemble_mm.store import BlockFolder, _blocks, data_key

pytest.importorskip("pyarrow")


@pytest.fixture(scope="module")
def table(tmp_path_factory):
    X, Y = make_multimodal(60, missing=0.1, random_state=0)
    X = X.drop(columns="photo").assign(zip=np.where(np.arange(60) % 3, 1067.0, np.nan))
    X.loc[40:, "zip"] = 20095.0  # chunks without holes hold whole numbers
    folder = tmp_path_factory.mktemp("rows")
    for i, rows in enumerate(np.array_split(np.arange(60), 3)):
        X.iloc[rows].convert_dtypes().assign(other=1).to_parquet(folder / f"{i}.parquet")
    return X, Y, folder


@pytest.mark.parametrize("chunk_rows", [7, 200])
def test_predictions_come_in_chunks(table, chunk_rows):
    X, Y, folder = table
    model = MultiOutputStack(
        learners={"classification": [("l", LogisticRegression())], "regression": ["ridge"]}, cv=2, random_state=0,
        columns={"zip": "category"},
    ).fit(X, Y)  # fmt: skip
    parts = list(model.predict_chunks(ChunkedData(folder, chunk_rows=chunk_rows)))
    assert [len(part) for part in parts] == [min(chunk_rows, 60 - start) for start in range(0, 60, chunk_rows)]
    pd.testing.assert_frame_equal(pd.concat(parts), model.predict(X))
    pd.testing.assert_frame_equal(pd.concat(model.predict_chunks(folder)), model.predict(X))


def test_a_model_of_one_task_gives_arrays(table):
    X, Y, folder = table
    model = StackedClassifier(learners=[("l", LogisticRegression())], cv=2, random_state=0).fit(X, Y["mood"])
    parts = list(model.predict_chunks(ChunkedData(folder, chunk_rows=40)))
    np.testing.assert_array_equal(np.concatenate(parts), model.predict(X))
    with pytest.raises(ValueError, match="reads the column 'age', which X does not have"):
        next(iter(model.predict_chunks(ChunkedData(folder, columns=["zip", "other"]))))


def stack(**settings):
    learners = {"classification": [("l", LogisticRegression())], "regression": [("ridge", Ridge(), "all")]}
    return MultiOutputStack(learners=learners, cv=2, random_state=0, **settings)


def same(model, other, X):
    for name, wanted in model.predict_proba(X).items():
        np.testing.assert_array_equal(other.predict_proba(X)[name], wanted)
    pd.testing.assert_frame_equal(other.predict(X), model.predict(X))
    pd.testing.assert_frame_equal(other.table_.to_frame(), model.table_.to_frame())
    np.testing.assert_array_equal(other.row_marks_, model.row_marks_)


@pytest.fixture(autouse=True)
def small_blocks_lie_on_disk_too(monkeypatch):
    monkeypatch.setattr(_blocks, "LEAST", 1)


@pytest.fixture(scope="module")
def whole(table):
    X, Y, _ = table
    return stack().fit(X, Y)


@pytest.mark.parametrize("settings", [{}, {"memory": "1GB"}, {"strategy": "chain", "augment": 1, "refit": False}])
def test_data_on_disk_give_the_same_model(table, whole, settings, tmp_path):
    X, Y, folder = table
    data = ChunkedData(folder, columns=list(X.columns), chunk_rows=31)
    kept = {name: value for name, value in settings.items() if name != "memory"}
    model = stack(workdir=tmp_path / "work", **settings).fit(data, Y)
    same(stack(**kept).fit(X, Y) if kept else whole, model, X)
    assert not any((tmp_path / "work").iterdir())  # features are removed
    assert infer_schema(data).to_frame()["taken_as"].tolist() == infer_schema(X).to_frame()["taken_as"].tolist()


def test_the_table_lies_on_disk_and_stays_when_its_folder_has_gone(table, whole, tmp_path):
    X, Y, folder = table
    data = ChunkedData(folder, columns=list(X.columns))
    model = stack(workdir=tmp_path, memory="1GB").fit(data, Y)
    assert isinstance(_rows.whole_of(model.table_.values).base, mmap.mmap) and not any(tmp_path.iterdir())
    assert all(level.table.values is model.table_.values for level in model.levels_)
    for other in (model, pickle.loads(pickle.dumps(model)), deepcopy(model)):
        same(whole, other, X)
    pd.testing.assert_frame_equal(model.leaderboard(), whole.leaderboard())


@pytest.mark.slow
def test_workers_read_the_features_from_disk(table, whole, tmp_path):
    X, Y, folder = table
    model = stack(memory=2e9, workdir=tmp_path, n_jobs=2).fit(X, Y)
    same(whole, model, X)


@pytest.mark.parametrize("free", [1e6, 1e10])
def test_features_lie_on_disk_where_they_do_not_fit_into_what_is_free(table, whole, free, monkeypatch):
    X, Y, _ = table
    kept, keep = [], BlockFolder.keep
    monkeypatch.setattr(BlockFolder, "keep", lambda self, block: kept.append(1) or keep(self, block))
    monkeypatch.setattr(_memory, "MANY_ROWS", 60)
    monkeypatch.setattr(_base, "free_memory", lambda: free)
    with pytest.warns(UserWarning, match="more memory than is free") if free < 1e7 else contextlib.nullcontext():
        same(whole, stack().fit(X, Y), X)
    assert bool(kept) is (free < 1e7)


def test_no_file_but_the_table_is_held_after_the_fit(table):
    maps = pathlib.Path("/proc/self/maps")
    if not maps.exists():
        pytest.skip("the system does not tell which files are mapped")
    X, Y, _ = table
    gc.collect()
    gc.disable()
    try:
        before = maps.read_text()
        model = stack(memory="1GB").fit(X, Y)
        held = {line.split()[4] for line in maps.read_text().splitlines() if "ensemble_mm-" in line}
        assert "ensemble_mm-" not in before and model.readers_ and len(held) == 1
        del model
        gc.collect()
        assert not [line for line in maps.read_text().splitlines() if "ensemble_mm-" in line]
    finally:
        gc.enable()


def test_a_checkpoint_serves_data_on_disk(table, whole, tmp_path):
    X, Y, folder = table
    data = ChunkedData(folder, columns=list(X.columns))
    stack(checkpoint=tmp_path).fit(X, Y)
    n = len(list(tmp_path.rglob("*")))
    same(whole, stack(checkpoint=tmp_path).fit(data, Y), X)
    assert len(list(tmp_path.rglob("*"))) == n  # nothing was done anew


def test_lazy_frames_stay_lazy_where_memory_is_limited(table, whole):
    X, Y, folder = table
    lazy = pytest.importorskip("polars").scan_parquet(folder / "*.parquet").select(list(X.columns))
    same(whole, stack(memory="1GB").fit(lazy, Y), X)
    *lines, needs = str(stack(memory="1GB").plan(lazy, Y)).splitlines()
    assert lines == str(stack().plan(X, Y)).splitlines()
    assert needs.startswith("about 64") and "MB of memory" in needs


def test_other_methods_read_data_on_disk(table, whole):
    X, Y, folder = table
    data = ChunkedData(folder, columns=list(X.columns), chunk_rows=31)
    with pytest.warns(DataWarning, match="60 of these 60 rows were in the fit"):
        pd.testing.assert_frame_equal(whole.evaluate(data, Y), whole.evaluate(X, Y))
    pd.testing.assert_frame_equal(whole.predict(data), whole.predict(X))
    np.testing.assert_array_equal(whole.predict_interval(data)["level"], whole.predict_interval(X)["level"])
    bigger = whole.add_learner(data, Y, ("strong", Ridge(10.0)))
    assert {learner for learner, _ in bigger.table_.members()} == {"l", "ridge", "strong"}


def test_predictions_never_hold_the_whole_table(table, whole, monkeypatch):
    X, Y, folder = table
    monkeypatch.setattr(ChunkedData, "to_pandas", None)
    data = ChunkedData(folder, chunk_rows=31)
    for predicted, wanted in zip(whole.predict_proba(data).values(), whole.predict_proba(X).values(), strict=True):
        np.testing.assert_array_equal(predicted, wanted)
    monkeypatch.undo()
    lacking = ChunkedData(folder, columns=[name for name in X if name != "review"], chunk_rows=31)
    with pytest.warns(DataWarning, match="view 'review'"):
        pd.testing.assert_frame_equal(whole.predict(lacking), whole.predict(X.drop(columns="review")))


@pytest.mark.parametrize("memory", ["much", -1, "-4GB", 0, True, "1MB", 2e6])
def test_memory_is_checked_before_anything_is_fitted(table, memory):
    X, Y, folder = table

    class Never(LogisticRegression):
        def fit(self, X, y):
            raise AssertionError

    model = MultiOutputStack(learners={"mood": [("never", Never())]}, memory=memory)
    for data in (X, ChunkedData(folder)):
        with pytest.raises(ValueError, match="memory"):
            model.fit(data, Y[["mood"]])


@pytest.mark.slow
def test_the_audit_and_the_data_key_read_data_on_disk(table, whole):
    X, Y, folder = table
    data = ChunkedData(folder, columns=list(X.columns))
    pd.testing.assert_frame_equal(audit(whole, data, Y, random_state=0), audit(whole, X, Y, random_state=0))
    assert data_key(whole, data) == data_key(whole, data.to_pandas())


def test_vectors_in_cells_are_read_in_chunks(tmp_path):
    """The same as in memory, in single precision where all are; what is wrong is told by its row of the table."""
    rng = np.random.default_rng(0)
    vectors = list(rng.normal(size=(40, 3)).astype(np.float32))
    vectors[5] = None
    vectors[20:30] = [None] * 10  # a chunk without any
    X, y = pd.DataFrame({"v": vectors, "x": np.arange(40.0)}), rng.normal(size=40)
    X.to_parquet(tmp_path / "t.parquet")
    data = ChunkedData(tmp_path / "t.parquet", chunk_rows=10)
    models = [StackedRegressor(learners=[("r", Ridge())], cv=2, random_state=0).fit(rows, y) for rows in (X, data)]
    assert "v" in models[1].views_
    np.testing.assert_array_equal(models[0].table_.values, models[1].table_.values)
    columns = ColumnsOnDisk(data, views_of(models[1]), models[1].schema_)
    assert columns["v"].dtype == np.float32 and np.isnan(columns["v"][[5, 25]]).all()
    vectors[35] = np.zeros(4, np.float32)
    pd.DataFrame({"v": vectors, "x": np.arange(40.0)}).to_parquet(tmp_path / "t.parquet")
    with pytest.raises(ValueError, match="vectors of different lengths, from 3 to 4 numbers .28 of 29 have 3"):
        ColumnsOnDisk(ChunkedData(tmp_path / "t.parquet", chunk_rows=10), columns.views.values(), columns.schema)["v"]


class Spans(TransformerMixin, BaseEstimator):
    """Numbers between their least and largest, and lengths of texts by their longest; it never sees many rows."""

    most = 0

    def fit(self, X, y=None):
        raise AssertionError

    def summarize(self, X):
        type(self).most = max(self.most, len(X))
        values = self._values(X)
        return np.nanmin(values, axis=0), np.nanmax(values, axis=0)

    def merge(self, first, second):
        return np.fmin(first[0], second[0]), np.fmax(first[1], second[1])

    def finish(self, summary):
        self.least_, self.largest_ = summary

    def transform(self, X):
        type(self).most = max(self.most, len(X))
        return np.nan_to_num((self._values(X) - self.least_) / np.maximum(self.largest_ - self.least_, 1))

    def _values(self, X):
        return X.to_numpy(float) if isinstance(X, pd.DataFrame) else np.array([[len(text)] for text in X], float)


@pytest.mark.parametrize("chunk_rows", [7, 200])
def test_extractors_that_merge_read_rows_part_by_part(table, chunk_rows, tmp_path, monkeypatch):
    X, Y, folder = table
    monkeypatch.setattr(_extract, "ROWS", 9)
    monkeypatch.setattr(Spans, "most", 0)
    views = [("numbers", Spans(), ["age", "zip"]), ("words", Spans(), "review")]
    models = []
    for data in (X, ChunkedData(folder, chunk_rows=chunk_rows)):
        weight = np.arange(60) % 4
        models.append(stack(views=views, workdir=tmp_path).fit(data, Y, sample_weight=weight))
    assert Spans.most <= 9
    same(*models, X)
    extractor = models[1].readers_["numbers"].fitted[-1, None][0]
    counted = X.loc[(weight > 0) & X[["age", "zip"]].notna().any(axis=1), ["age", "zip"]]
    np.testing.assert_array_equal(extractor.largest_, counted.max())


@pytest.mark.parametrize("weighted", [False, True])
def test_vectors_are_read_part_by_part(tmp_path, weighted, monkeypatch):
    """In memory and on disk alike, whatever parts have no vector at all."""
    monkeypatch.setattr(_extract, "ROWS", 8)
    rng = np.random.default_rng(0)
    vectors = [None if row in (3, *range(16, 32), 59) else rng.normal(5, 2, 3).astype(np.float32) for row in range(60)]
    X, y = pd.DataFrame({"v": vectors, "x": np.arange(60.0)}), rng.normal(size=60)
    X.to_parquet(tmp_path / "t.parquet")
    weight = rng.uniform(0, 2, 60) if weighted else None
    settings = {"learners": [("r", Ridge())], "cv": 3, "random_state": 0, "workdir": tmp_path}
    models = [
        StackedRegressor(**settings).fit(rows, y, sample_weight=weight)
        for rows in (X, ChunkedData(tmp_path / "t.parquet", chunk_rows=5))
    ]
    np.testing.assert_array_equal(models[0].table_.values, models[1].table_.values)
    np.testing.assert_array_equal(models[0].row_marks_, models[1].row_marks_)
    known = X["v"].notna()
    alone = VectorExtractor().fit(np.stack(X["v"][known]), sample_weight=None if weight is None else weight[known])
    extractor = models[1].readers_["v"].fitted[-1, None][0]
    np.testing.assert_allclose(extractor.mean_, alone.mean_, rtol=1e-12)
    np.testing.assert_allclose(extractor.scale_, alone.scale_, rtol=1e-12)


def test_vectors_on_disk_are_never_in_memory_together(tmp_path, monkeypatch):
    """So that they may take more than `memory`: neither what they are, nor whether all can be read, needs them all."""
    X = pd.DataFrame({"v": [None, *np.random.default_rng(0).normal(size=(299, 3)), None], "x": np.arange(301.0)})
    X.to_parquet(tmp_path / "t.parquet", row_group_size=50)
    own, read = ChunkedData.__getitem__, []
    monkeypatch.setattr(ChunkedData, "__getitem__", lambda self, names: read.append(names) or own(self, names))
    monkeypatch.setattr(_views, "_holes", None)
    monkeypatch.setattr(_schema, "LOOKED_AT", 20)
    data = ChunkedData(tmp_path / "t.parquet", chunk_rows=40)
    model = StackedRegressor(learners=[("r", Ridge())], cv=2, random_state=0, memory="1GB")
    model.fit(data, np.random.default_rng(1).normal(size=301))
    assert read and not any("v" in names for names in read)
    assert model.schema_["v"] == infer_schema(X.assign(v=[None if v is None else np.array(v) for v in X["v"]]))["v"]


def test_other_workers_read_the_rows_themselves(table, whole, monkeypatch):
    X, Y, folder = table
    read, sent, data = [], [], ChunkedData(folder, columns=list(X.columns))
    own, run = ColumnOnDisk.read, Runner.run
    monkeypatch.setattr(Runner, "run", lambda self, *given, **more: sent.append(given[0]) or run(self, *given, **more))
    monkeypatch.setattr(ColumnOnDisk, "read", lambda self, folder: read.append(self.name) or own(self, folder))
    with parallel_config(backend="threading", n_jobs=2):
        same(whole, stack().fit(data, Y), X)
    assert sorted(read) == sorted(3 * list(whole.views_))  # two folds and all rows
    assert sent.count("extract") == 1  # no job of a view waits for those of another
    stack().fit(data, Y)
    assert len(read) == 4 * len(whole.views_)  # one process reads them once
    assert sent.count("extract") == 1 + len(whole.views_)


class Elsewhere(ThreadingBackend):
    """Threads that pass for a cluster."""


@pytest.mark.parametrize("root", [None, "."])
def test_workers_of_a_cluster_look_at_each_column(table, whole, monkeypatch, root):
    X, Y, folder = table
    looked_at, run, data = [], Runner.run, ChunkedData(folder, columns=list(X.columns), root=root)

    def noted(self, stage, jobs, **more):
        looked_at.extend(job.item for job in jobs if stage == "look")
        return run(self, stage, jobs, **more)

    monkeypatch.setattr(Runner, "run", noted)
    register_parallel_backend("elsewhere", Elsewhere)
    with parallel_config(backend="elsewhere", n_jobs=2):
        there = stack().fit(data, Y)
    same(whole, there, X)
    np.testing.assert_array_equal(there.row_marks_, whole.row_marks_)
    assert there.schema_ == stack().fit(data, Y).schema_
    names = [item for item in looked_at if isinstance(item, str)]
    assert {column.name for column in there.schema_.columns} <= {*names}
    assert data.holds_texts(names[0])  # what takes long comes first


def test_workers_predict_the_partitions_that_they_hold(table, whole, tmp_path):
    frames = pytest.importorskip("dask.dataframe")
    X, Y, folder = table
    there = frames.read_parquet(str(folder))
    there.map_partitions(whole.predict, meta=whole.predict(X[:1])).to_parquet(str(tmp_path), write_index=False)
    pd.testing.assert_frame_equal(ChunkedData(tmp_path).to_pandas(), whole.predict(X), check_dtype=False)


@pytest.mark.slow
@pytest.mark.parametrize("n_workers", [1, 2])
def test_partitions_of_dask_are_read_by_its_workers(tmp_path, n_workers):
    distributed, frames = pytest.importorskip("distributed"), pytest.importorskip("dask.dataframe")
    X, Y = make_multimodal(5000, image_size=1, random_state=0)
    X = X.drop(columns="photo")
    X.to_parquet(tmp_path / "rows.parquet", row_group_size=700)
    lazy = frames.read_parquet(str(tmp_path / "rows.parquet"))
    with (
        distributed.Client(n_workers=n_workers, threads_per_worker=1, processes=True, dashboard_address=None),
        parallel_config(backend="dask"),
    ):
        there = stack(memory="4GB", workdir=tmp_path).fit(lazy, Y)
    same(stack().fit(X, Y), there, X.iloc[:100])


def many_rows():
    """More rows than are set side by side for learners that read them by parts, and than LightGBM makes bins from."""
    rng, n = np.random.default_rng(0), 60_000
    X = pd.DataFrame(rng.normal(size=(n, 3)).astype(np.float32), columns=list("abc"))
    X["shop"], X["vector"] = rng.choice(["north", "south"], n), list(rng.normal(size=(n, 4)).astype(np.float32))
    X["text"] = [" ".join(row) for row in rng.choice([f"word{i}" for i in range(300)], (n, 4))]
    y = X["a"] + X["text"].str.contains("word7") + rng.normal(size=n)
    return X, pd.DataFrame({"size": y, "large": np.where(y > 1, "yes", "no")})


def stack_of_many(**settings):
    boosting = {"n_estimators": 5, "verbose": -1, "deterministic": True, "force_col_wise": True}
    learners = {
        "classification": [
            ("words", LogisticRegression(max_iter=20), "text"),
            ("gbm", LGBMClassifier(**boosting), "all", "reduced"),
        ],
        "regression": [
            ("ridge", make_pipeline(ViewScaler(), RidgePath()), "vector"),
            ("gbm", TailRegressor(LGBMRegressor(**boosting)), "all", "reduced"),
        ],
    }
    return MultiOutputStack(learners=learners, cv=2, random_state=0, strategy="independent", **settings)


@pytest.fixture(scope="module")
def many(tmp_path_factory):
    X, Y = many_rows()
    file = tmp_path_factory.mktemp("many") / "rows.parquet"
    X.to_parquet(file, row_group_size=9_000)
    return X, Y, file, stack_of_many().fit(X, Y)


@pytest.mark.slow
@pytest.mark.parametrize(("chunk_rows", "n_workers"), [(1_000, 0), (7_000, 0), (65_000, 0), (20_000, 2)])
@pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")
def test_many_rows_give_the_same_model_to_the_bit(many, tmp_path, chunk_rows, n_workers):
    X, Y, file, model = many
    data = ChunkedData(file, chunk_rows=chunk_rows)
    if n_workers:
        distributed = pytest.importorskip("distributed")
        settings = {"n_workers": n_workers, "threads_per_worker": 1, "processes": True, "dashboard_address": None}
        with distributed.Client(**settings), parallel_config(backend="dask"):
            there = stack_of_many(memory="4GB", workdir=tmp_path).fit(data, Y)
    else:
        there = stack_of_many(memory="4GB", workdir=tmp_path).fit(data, Y)
    same(model, there, X.iloc[:300])
