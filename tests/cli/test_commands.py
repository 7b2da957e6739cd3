"""Each command does what it says."""

import re
import subprocess

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.neighbors import KNeighborsClassifier

from ensemble_mm import StackedClassifier
from ensemble_mm._cli import main
from ensemble_mm._cli._arguments import make_parser
from ensemble_mm._cli._reading import training_table
from ensemble_mm.features import ImageExtractor
from ensemble_mm.store import TaskDatabase, load, save


def test_fit_writes_a_model_and_records_the_run(place):
    model = load(place / "model.emm")
    assert set(model.tasks_) == {"stars", "kind"} and "id" not in model.feature_names_in_
    runs = TaskDatabase(f"sqlite:///{place}/runs.db").runs()
    assert list(runs["task"]) == ["dresses", "dresses"] and list(runs["version"]) == [2, 1]


def test_a_fit_tells_how_far_it_is_unless_it_is_to_be_quiet(run):
    """Plain lines where there is no terminal, apart from the results; nothing of it stays in the model."""
    start = "fit train.csv --targets stars --id id --drop kind,review --learners fast --cv 2 --out told.emm".split()
    code, out, err = run(*start)
    assert code == 0 and "stars: off by " in out and "model: told.emm" in out
    assert "next:  ensemble-mm predict told.emm NEW.csv --id id --out predictions.csv" in out
    assert len(err.splitlines()) >= 2 and all(line.startswith("[MultiOutputStack] ") for line in err.splitlines())
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


def test_evaluate_shows_the_scores_and_how_good_that_is(place, run):
    code, out, _ = run("evaluate", "model.emm", "test.csv", "--out", "scores.csv")
    assert code == 0 and "stars" in out and "kind" in out and "accuracy" in out
    assert "NaN" not in out  # a number has no accuracy, a class no R2
    assert re.search(r"kind \(20 rows\): right in .*95 % interval .*; .* when always guessing the most frequent", out)
    assert re.search(r"stars \(20 rows\): off by .*95 % interval .*; .* when always guessing the mean", out)
    scores = pd.read_csv(place / "scores.csv", index_col="target")
    assert scores.loc["kind", "accuracy"] > 0.7 and scores.loc["stars", "n"] == 20


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ("report model.emm --out silent.html", "report, 2 of 3"),
        ("audit train.csv --targets kind --drop id,review,stars --learners fast --cv 2", "audit, 2 of 4"),
    ],
)
def test_what_takes_long_is_told_beside_the_results(run, words, told):
    code, out, err = run(*words.split())
    assert code == 0 and told in err and told not in out


def test_schema_shows_what_columns_are_taken_for(place, run):
    code, out, err = run("schema", "train.csv", "--as", "age=category", "--out", "schema.csv")
    assert (code, err) == (0, "") and "review" in out and "text" in out
    found = pd.read_csv(place / "schema.csv", index_col="column")["taken_as"]
    assert found["age"] == "category" and found["review"] == "text" and found["stars"] == "number"
    code, _, err = run("schema", "train.csv", "--as", "agee=category")
    assert code == 1 and "Did you mean 'age'" in err
    assert run("schema", "train.csv", "--as", "age")[0] == 2


def test_notes_say_what_to_write_on_the_command_line(run, tmp_path):
    pd.DataFrame({"it's a zip": [1067, 10115, 20095] * 8}).to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run("schema", tmp_path / "t.csv")
    assert code == 0 and "if they are codes, write --as 'it'\"'\"'s a zip=category'" in out and "columns=" not in out
    assert "category" in run("schema", tmp_path / "t.csv", "--as", "it's a zip=category")[1]


def test_a_column_to_leave_out_is_told_with_the_option_for_it(run, tmp_path):
    pd.DataFrame({"ad": range(1000, 1100), "age": [18, 30, 41, 25] * 25}).to_csv(tmp_path / "t.csv", index=False)
    code, out, _ = run("schema", tmp_path / "t.csv")
    assert code == 0 and "to leave it out, write --id ad, or --drop ad" in out
    assert "--drop" not in run("schema", tmp_path / "t.csv", "--drop", "ad")[1]


def test_schema_tells_what_targets_are_taken_for(run):
    code, out, _ = run("schema", "train.csv", "--targets", "stars,kind")
    assert code == 0 and out.splitlines()[-1].startswith("target kind: ") and "stars  " not in out


def test_a_model_file_with_a_near_name_is_named(run):
    code, _, err = run(*"inspect modle.emm".split())
    assert code == 1 and "There is no file 'modle.emm'. Did you mean 'model.emm'?" in err


def test_columns_can_be_said_in_a_fit(run):
    start = "fit train.csv --targets stars --drop id,kind,review --learners fast --cv 2 --out said.emm --quiet"
    assert run(*start.split(), "--as", "age=category", "--as", "shop=drop") == (0, "", "")
    model = load("said.emm")
    assert model.schema_["age"].taken_as == "category" and model.view_columns_ == {"tabular": ["age"]}


def test_inspect_shows_what_a_file_holds(run):
    code, out, err = run("inspect", "model.emm")
    assert (code, err) == (0, "")
    for words in ("MultiOutputStack, written 20", "view review: text", "target kind: binary, classes '+bad', '=good'",
                  "stars: off by ", "sentences of 11 words", "scikit-learn 1."):  # fmt: skip
        assert words in out, out


def test_report_is_one_page(place, run):
    code, _, err = run("report", "model.emm", "--data", "test.csv", "--out", "report.html")
    assert code == 0, err
    assert "<html" in (place / "report.html").read_text(encoding="utf-8")


def test_plan_computes_nothing(run):
    code, out, _ = run(*"plan train.csv --targets stars,kind --drop id --learners fast --cv 2".split())
    assert "  age: number, since its values are whole numbers" in out
    assert code == 0 and "extraction" in out and "review" in out


def test_a_column_of_weights_and_one_of_groups_are_no_inputs(run, place):
    table = pd.read_csv(place / "train.csv")
    table["times"] = np.arange(60) % 3
    table.to_csv(place / "weighed.csv", index=False)
    args = make_parser().parse_args("plan weighed.csv --targets stars --groups shop --weights times".split())
    X, _, given, _ = training_table(args)
    assert not {"times", "shop"} & {*X.columns}
    assert given["sample_weight"].tolist() == table["times"].tolist()
    assert given["groups"].tolist() == table["shop"].tolist()
    code, out, err = run("plan", "weighed.csv", *"--targets stars --groups shop --learners fast --cv 3".split())
    assert code == 0 and "60 rows, 2 folds" in out and "2 groups, fewer than cv=3" in err  # as a fit has


@pytest.mark.parametrize(("cell", "told"), [("", "nan"), ("often", "often"), ("-1", "-1"), ("inf", "inf")])
def test_what_is_no_weight_is_told_with_its_row(run, place, cell, told):
    table = pd.read_csv(place / "train.csv").assign(times="1")
    table.loc[7, "times"] = cell
    table.to_csv(place / "wrong.csv", index=False)
    code, _, err = run("plan", "wrong.csv", *"--targets stars --weights times --learners fast".split())
    assert code == 1 and re.search(f"--weights 'times' is no number of at least 0 in 1 row, such as '{told}", err)
    assert "in row 7" in err


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


@pytest.mark.parametrize("shell", ["bash", "zsh"])
def test_completion_knows_every_option(run, shell):
    code, script, _ = run("completion", shell)
    assert code == 0 and "--time-budget" in script and "evaluate" in script
    asked = "COMP_WORDS=(ensemble-mm pred); COMP_CWORD=1; _ensemble_mm; echo ${COMPREPLY[@]}"
    if shell == "bash":
        done = subprocess.run(["bash", "-c", f"{script}\n{asked}"], capture_output=True, text=True)
        assert done.stdout.split() == ["predict"] and not done.stderr


def test_a_table_cannot_lead_a_model_out_of_its_folder(tmp_path, capsys):
    """A column that the model reads as pictures is held to the folder, whatever the names in it look like."""
    folder = tmp_path / "tables"
    folder.mkdir()
    for name in ("tables/in", "secret"):
        Image.new("RGB", (8, 8), "red").save(tmp_path / name, "PNG")
    (folder / "link").symlink_to(tmp_path / "secret")
    learners = [("nearest", KNeighborsClassifier(1), ["photo"])]
    model = StackedClassifier([("photo", ImageExtractor(features=["thumbnail"]), "photo")], learners, cv=2)
    photos = [np.full((8, 8, 3), 25 * i, dtype=np.uint8) for i in range(8)]
    save(model.fit(pd.DataFrame({"photo": photos}), [0, 1] * 4), tmp_path / "model.emm")
    command = ["predict", str(tmp_path / "model.emm"), str(folder / "t.csv"), "--out", str(tmp_path / "p.csv")]
    for path, code in [("in", 0), (str(tmp_path / "secret"), 1), ("../secret", 1), ("link", 1)]:
        (folder / "t.csv").write_text(f"photo\n{path}\n")
        assert main(command) == code
        assert ("leads outside" in capsys.readouterr().err) == (code == 1)


def test_classes_of_one_row_are_left_out_where_it_is_asked_for(place, run):
    table = pd.DataFrame({"x": np.arange(30) % 7, "kind": ["once", *["a", "b"] * 14, "a"]})
    table.to_csv(place / "rare.csv", index=False)
    words = "fit rare.csv --targets kind --learners fast --cv 2 --out rare.emm --quiet".split()
    code, _, err = run(*words)
    assert code == 1 and "'once' has 1 row," in err
    assert run(*words, "--rare", "drop")[0] == 0
    assert load("rare.emm").tasks_["kind"].classes.tolist() == ["a", "b"]


def test_how_a_table_is_written_can_be_said_and_names_are_asked_for(place, run, tmp_path):
    path = tmp_path / "t.csv"
    path.write_bytes("größe|wert\n1,5|a\n2,5|b\n".encode("cp1252"))
    code, out, err = run("schema", str(path), "--sep", "|", "--decimal", ",", "--encoding", "cp1252")
    assert code == 0 and "größe" in out and "number" in out and err == ""
    code, out, err = run("schema", str(path))
    assert code == 0 and "encoding cp1252" in err and "--encoding" in err
    code, _, err = run("plan", str(path), "--targets", "wrt")
    assert code == 1 and "Did you mean 'wert'?" in err
    code, _, err = run("plan", str(path), "--targets", "wert", "--drop", "grösse")
    assert code == 1 and "Did you mean 'größe'?" in err
    assert run("schema", str(path), "--sep", "ab")[0] == 2 and run("schema", str(path), "--sep", "tab")[0] == 0


def test_the_audit_says_a_line_per_check_and_the_report_has_them(run, place):
    stack = "train.csv --targets stars --drop kind,review --learners fast --cv 2".split()
    code, out, _ = run("audit", *stack, "--drop", "id", "--out", "found.csv")
    assert code == 0 and "pass  shuffled labels of 'stars': " in out
    assert len(pd.read_csv("found.csv")) == len(out.splitlines())
    code, out, _ = run("fit", *stack, "--id", "id", "--out", "told.emm", "--audit", "--report", "page.html")
    assert code == 0 and "pass  shuffled labels of 'stars': " in out
    page = (place / "page.html").read_text(encoding="utf-8")
    assert "Leak audit" in page and page.count('<p class="fine">=id') == 5  # the hardest rows, by the column id


def test_rows_of_the_fit_are_told_when_they_are_evaluated(run):
    assert (
        run(*"fit train.csv --targets stars --drop id,kind,review --learners fast --cv 2 --out told.emm".split())[0]
        == 0
    )
    code, _, err = run("evaluate", "told.emm", "train.csv")
    assert code == 0 and "60 of these 60 rows were in the fit" in err


def test_a_folder_of_parquet_files_stays_on_disk_where_memory_is_limited(run, place, tmp_path):
    pytest.importorskip("pyarrow")
    for name in ("train", "test"):
        table = pd.read_csv(place / f"{name}.csv")
        (tmp_path / name).mkdir()
        for part in range(2):
            table.iloc[part::2].to_parquet(tmp_path / name / f"{part}.parquet")
    out, report = str(tmp_path / "m.emm"), str(tmp_path / "r.html")
    fit = [
        "--targets",
        "stars",
        "--drop",
        "kind,review",
        "--id",
        "id",
        "--groups",
        "shop",
        *"--learners fast --cv 2".split(),
    ]
    limit = ["--memory", "2GB", "--workdir", str(tmp_path / "work")]
    train, test = str(tmp_path / "train"), str(tmp_path / "test")
    code, told, _ = run("plan", train, *fit, *limit)
    assert code == 0 and re.search(r"about .* of memory beside what the process holds already, 1 job.* on disk", told)
    code, told, err = run("fit", train, *fit, *limit, "--out", out, "--report", report)
    assert code == 0, err
    plain = str(tmp_path / "plain.emm")
    assert run("fit", train, *fit, "--out", plain)[0] == 0
    new = pd.read_csv(place / "new.csv")
    np.testing.assert_array_equal(load(out).predict(new), load(plain).predict(new))
    code, told, _ = run("evaluate", out, test, "--memory", "1GB")
    assert code == 0 and told == run("evaluate", out, test)[1]
    assert run("predict", out, test, "--out", str(tmp_path / "p.csv"))[0] == 0
    assert len(pd.read_csv(tmp_path / "p.csv")) == 20
    code, _, err = run("fit", train, *fit, "--memory", "1MB", "--out", out)
    assert code == 1 and "memory allows 1 MB" in err
