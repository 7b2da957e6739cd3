from sklearn.linear_model import Ridge

from ensemble_mm import StackedRegressor


def test_verbose_prints_a_line_a_stage(vectors, capsys):
    X, y = vectors
    StackedRegressor(learners=[("ridge", Ridge())], cv=3, verbose=1).fit(X, y)
    lines = capsys.readouterr().err.splitlines()
    assert [line.split(":")[0] for line in lines] == [f"[StackedRegressor] {s}" for s in ("extract", "fit", "meta")]
    assert "fit: 4 jobs in" in lines[1]
    StackedRegressor(learners=[("ridge", Ridge())], cv=3).fit(X, y)
    assert capsys.readouterr().err == ""


def test_callbacks_hear_of_stages_and_jobs_as_nested_tasks(vectors):
    X, y = vectors
    heard = []

    class Listener:
        def setup(self, estimator, context):
            pass

        def teardown(self, estimator, context):
            pass

        def on_fit_task_begin(self, estimator, context, **kwargs):
            heard.append((context.task_name, context.parent.task_name if context.parent else None))

        def on_fit_task_end(self, estimator, context, **kwargs):
            pass

    StackedRegressor(learners=[("ridge", Ridge())], cv=3).set_callbacks(Listener()).fit(X, y)
    (root, above), *rest = heard
    assert above is None
    assert [name for name, parent in rest if parent == root and name in ("extract", "fit", "meta")]
    jobs = [parent for name, parent in rest if "fold" in name or "all rows" in name]
    assert jobs.count("extract") == jobs.count("fit") == jobs.count("meta") == 4
