"""The command line does what it says, tells mistakes in one line, and never runs what a table holds."""

import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import _cli
from ensemble_mm._cli import main, make_parser
from ensemble_mm.store import TaskDatabase, load

WORDS = {"good": "soft lovely warm perfect bright", "bad": "torn awful cold dull broken"}


def make_table(n, seed):
    rng = np.random.default_rng(seed)
    mood = rng.random(n) < 0.5
    pools = [WORDS["good"] if good else WORDS["bad"] for good in mood]
    return pd.DataFrame(
        {
            "id": [f"=id{i}" for i in range(n)],
            "review": [" ".join(rng.choice(pool.split(), 7)) + " dress of the shop" for pool in pools],
            "age": rng.integers(18, 80, n),
            "shop": rng.choice(["north", "south"], n),
            "stars": np.where(mood, 4.0, 2.0) + rng.normal(scale=0.3, size=n),
            "kind": np.where(mood, "=good", "+bad"),
        }
    )


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    """A folder with tables, a fitted model, and a database with two runs."""
    folder = tmp_path_factory.mktemp("cli")
    make_table(60, 0).to_csv(folder / "train.csv", index=False)
    make_table(20, 1).to_csv(folder / "test.csv", index=False)
    make_table(20, 1).drop(columns=["stars", "kind"]).to_csv(folder / "new.csv", index=False)
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        for _ in range(2):
            assert main([*FIT, "--db", "sqlite:///runs.db", "--name", "dresses"]) == 0
    return folder


FIT = [*"fit train.csv --targets stars,kind --drop id --learners fast --cv 2 --strategy independent".split(),
       "--out", "model.emm"]  # fmt: skip


@pytest.fixture
def run(place, monkeypatch, capsys):
    monkeypatch.chdir(place)

    def run(*args):
        code = main([str(arg) for arg in args])
        out, err = capsys.readouterr()
        return code, out, err

    return run


def test_fit_writes_a_model_and_records_the_run(place):
    model = load(place / "model.emm")
    assert set(model.tasks_) == {"stars", "kind"} and "id" not in model.feature_names_in_
    runs = TaskDatabase(f"sqlite:///{place}/runs.db").runs()
    assert list(runs["task"]) == ["dresses", "dresses"] and list(runs["version"]) == [2, 1]


def test_a_fit_tells_how_far_it_is_unless_it_is_to_be_quiet(run):
    """Plain lines where there is no terminal, apart from the results; nothing of it stays in the model."""
    start = "fit train.csv --targets stars --drop id,kind,review --learners fast --cv 2 --out told.emm".split()
    code, out, err = run(*start)
    assert code == 0 and "stars: " in out and "model: told.emm" in out
    assert len(err.splitlines()) >= 2 and all("jobs" in line for line in err.splitlines())
    assert load("told.emm").verbose == 0
    assert run(*start, "--quiet") == (0, "", "")


def test_predictions_are_named_and_harmless(place, run):
    code, _, err = run(*"predict model.emm new.csv --out p.csv --id id --proba --interval 0.8".split())
    assert (code, err) == (0, "")
    found = pd.read_csv(place / "p.csv")
    expected = load(place / "model.emm").predict(pd.read_csv(place / "new.csv").drop(columns="id"))
    assert list(found["id"]) == [f"'=id{i}" for i in range(20)]
    assert list(found["kind"]) == ["'" + label for label in expected["kind"]]
    assert np.allclose(found["stars"], expected["stars"])
    assert np.allclose(found["kind==good"] + found["kind=+bad"], 1.0)
    assert (found["stars low"] <= found["stars"]).all() and (found["stars"] <= found["stars high"]).all()


@pytest.mark.parametrize("suffix", ["csv", "tsv", "jsonl"])
def test_predictions_take_the_format_of_their_suffix(place, run, suffix):
    assert run("predict", "model.emm", "test.csv", "--out", f"p.{suffix}")[0] == 0
    path = place / f"p.{suffix}"
    found = {
        "csv": lambda: pd.read_csv(path),
        "tsv": lambda: pd.read_csv(path, sep="\t"),
        "jsonl": lambda: pd.DataFrame(json.loads(line) for line in path.read_text().splitlines()),
    }[suffix]()
    assert list(found.columns) == ["row", "stars", "kind"] and list(found["row"]) == list(range(20))


def test_parquet_says_what_it_needs(run, monkeypatch):
    def without_pyarrow(table, *args, **options):
        raise ImportError("no engine")

    monkeypatch.setattr(pd.DataFrame, "to_parquet", without_pyarrow)
    code, _, err = run("predict", "model.emm", "new.csv", "--out", "p.parquet")
    assert code == 1 and "pyarrow" in err


@pytest.mark.parametrize(
    "cell, written",
    [("=1+1", "'=1+1"), ("+a", "'+a"), ("-a", "'-a"), ("@x", "'@x"), ("\tx", "'\tx"), ("-1.5", "-1.5"), ("a=b", "a=b"),
     (3, 3), (None, None), ("", "")],
)  # fmt: skip
def test_only_formulas_are_defused(cell, written):
    assert _cli._defused(cell) == written


def test_evaluate_shows_the_scores(place, run):
    code, out, _ = run("evaluate", "model.emm", "test.csv", "--out", "scores.csv")
    assert code == 0 and "stars" in out and "kind" in out and "accuracy" in out
    scores = pd.read_csv(place / "scores.csv", index_col="target")
    assert scores.loc["kind", "accuracy"] > 0.7 and scores.loc["stars", "n"] == 20


def test_report_is_one_page(place, run):
    code, _, err = run("report", "model.emm", "--data", "test.csv", "--out", "report.html")
    assert code == 0, err
    assert "<html" in (place / "report.html").read_text(encoding="utf-8")


def test_plan_computes_nothing(run):
    code, out, _ = run("plan", *FIT[1:-2])
    assert code == 0 and "extraction" in out and "review" in out


def test_runs_are_listed_compared_and_deleted(place, run):
    code, out, _ = run("runs", "--db", "sqlite:///runs.db", "--out", "runs.csv")
    newest, oldest = pd.read_csv(place / "runs.csv")["run"]
    assert code == 0 and newest in out and oldest in out
    code, out, _ = run("runs", "--db", "sqlite:///runs.db", "--tasks")
    assert code == 0 and "dresses" in out
    code, out, _ = run("runs", "--db", "sqlite:///runs.db", "--compare", oldest, newest)
    assert code == 0 and "stars" in out and "True" in out
    assert run("runs", "--db", "sqlite:///runs.db", "--delete", oldest)[0] == 0
    _, out, _ = run("runs", "--db", "sqlite:///runs.db", "--task", "dresses")
    assert newest in out and oldest not in out


@pytest.mark.parametrize(
    "command, words",
    [
        ("fit nowhere.csv --targets y --out m.emm", "nowhere.csv"),
        ("fit train.csv --targets nope --out m.emm", "nope"),
        ("fit train.csv --targets stars --drop nope --out m.emm", "no column 'nope'"),
        ("fit train.csv --targets stars --out no/such/folder/m.emm", "does not exist"),
        ("predict nothing.emm new.csv --out p.csv", "nothing.emm"),
        ("predict train.csv new.csv --out p.csv", "not a whole model file"),
        ("predict model.emm new.csv --out p.docx", ".csv"),
        ("predict model.emm new.csv --out p.csv --id nope", "'nope'"),
        ("evaluate model.emm new.csv", "none of the targets"),
        ("runs --db sqlite:///none.db", "no database"),
        ("runs --db sqlite:///runs.db --delete nope", "nope"),
    ],
)
def test_failures_are_told_in_one_line(run, command, words):
    code, _, err = run(*command.split())
    assert code == 1 and words in err and err.startswith("ensemble-mm: ") and err.count("\n") == 1


@pytest.mark.parametrize(
    "command",
    [
        "",
        "nothing",
        "fit",
        "fit train.csv --out m.emm",
        "fit train.csv --targets , --out m.emm",
        "fit train.csv --targets y --out m --cv 1",
        "fit train.csv --targets y --out m --time-budget -3",
        "fit train.csv --targets y --out m --kind y=colour",
        "fit train.csv --targets y --out m --prune some",
        "predict model.emm new.csv --out p.csv --interval 1.5",
        "runs --delete a --compare b c",
    ],
)
def test_wrong_use_is_told(run, command):
    code, _, err = run(*command.split())
    assert code == 2 and "error:" in err and "Traceback" not in err


def test_debug_shows_the_trace(run):
    with pytest.raises(Exception, match="nowhere.csv"):
        run("fit", "nowhere.csv", "--targets", "y", "--out", "m.emm", "--debug")


def test_an_interrupt_is_not_a_crash(run, monkeypatch):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setattr(_cli, "_plan", interrupt)
    code, _, err = run("plan", "train.csv", "--targets", "y")
    assert code == 130 and "interrupted" in err


def test_warnings_are_one_line(run, monkeypatch):
    import warnings

    monkeypatch.setattr(_cli, "_plan", lambda args: warnings.warn("two\nlines", UserWarning, stacklevel=1))
    assert run("plan", "train.csv", "--targets", "y") == (0, "", "ensemble-mm: warning: two lines\n")


def test_every_command_has_a_help(run):
    (commands,) = (action.choices for action in make_parser()._actions if action.choices)
    for name in commands:
        code, out, _ = run(name, "--help")
        assert code == 0 and "usage: ensemble-mm" in out and len(out) > 200
    code, out, _ = run("--help")
    assert code == 0 and all(name in out for name in commands) and "examples:" in out


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_option(run, shell):
    code, script, _ = run("completion", shell)
    assert code == 0 and "--time-budget" in script and "evaluate" in script
    asked = "COMP_WORDS=(ensemble-mm pred); COMP_CWORD=1; _ensemble_mm; echo ${COMPREPLY[@]}"
    if shell == "bash":
        done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True)
        assert done.stdout.split() == ["predict"] and not done.stderr


def test_the_module_is_the_command(place):
    done = subprocess.run([sys.executable, "-m", "ensemble_mm", "fit", "none.csv", "--targets", "y", "--out", "m.emm"],
                          cwd=place, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1 and "none.csv" in done.stderr and "Traceback" not in done.stderr
