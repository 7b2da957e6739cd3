"""Mistakes are told in one line, and exit codes say what came of a command."""

import subprocess
import sys
import warnings

import pandas as pd
import pytest

from ensemble_mm._cli._commands import COMMANDS


@pytest.mark.parametrize(
    "command, words",
    [
        ("fit nowhere.csv --targets y --out m.emm", "nowhere.csv"),
        ("fit train.csv --targets nope --out m.emm", "nope"),
        ("fit train.csv --targets stars --drop nope --out m.emm", "no column 'nope'"),
        ("fit train.csv --targets stars --out no/such/folder/m.emm", "does not exist"),
        ("fit train.csv --targets stars --out m.emm --report no/such/folder/r.html", "does not exist"),
        ("fit train.csv --targets stars --out m.emm --db runs.db", "not a database URL"),
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


def test_debug_shows_the_trace(run):
    with pytest.raises(Exception, match="nowhere.csv"):
        run("fit", "nowhere.csv", "--targets", "y", "--out", "m.emm", "--debug")


def test_an_interrupt_is_not_a_crash(run, monkeypatch):
    def interrupt(args):
        raise KeyboardInterrupt

    monkeypatch.setitem(COMMANDS, "plan", interrupt)
    code, _, err = run("plan", "train.csv", "--targets", "y")
    assert code == 130 and "interrupted" in err


def test_warnings_are_one_line(run, monkeypatch):
    message = "two:\n  lines\n  of it"
    monkeypatch.setitem(COMMANDS, "plan", lambda args: warnings.warn(message, UserWarning, stacklevel=1))
    assert run("plan", "train.csv", "--targets", "y") == (0, "", "ensemble-mm: warning: two: lines; of it\n")


def test_the_module_is_the_command(place):
    done = subprocess.run([sys.executable, "-m", "ensemble_mm", "fit", "none.csv", "--targets", "y", "--out", "m.emm"],
                          cwd=place, capture_output=True, text=True)  # fmt: skip
    assert done.returncode == 1 and "none.csv" in done.stderr and "Traceback" not in done.stderr


@pytest.mark.slow
def test_nothing_in_a_table_steers_the_terminal(run, tmp_path):
    """Names and labels of a file are printed and told in errors, but not obeyed."""
    evil = "\x1b]0;title\x07\u202e"
    table = pd.read_csv("train.csv").rename(columns={"age": f"age{evil}", "kind": f"kind{evil}"})
    table["shop"] = [shop + evil for shop in table["shop"]]
    source, model, db = tmp_path / "t.csv", tmp_path / "m.emm", f"sqlite:///{tmp_path / 'r.db'}"
    table.to_csv(source, index=False)
    fast = ("--targets", f"kind{evil}", "--learners", "fast", "--meta-learner", "mean")
    ways = [
        ("plan", source, *fast),
        ("fit", source, *fast, "--cv", 2, "--out", model, "--db", db, "--name", "x"),
        ("evaluate", model, source),
        ("runs", "--db", db),
        ("runs", "--db", db, "--tasks"),
        ("fit", source, "--targets", "nope", "--out", model),
        ("predict", model, "train.csv", "--out", tmp_path / "p.csv"),
        ("fit", tmp_path / f"no{evil}.csv", "--targets", "y", "--out", model),
    ]
    codes = []
    for way in ways:
        code, out, err = run(*way)
        codes.append(code)
        assert (out + err).replace("\n", "").isprintable(), way
    assert codes == [0, 0, 0, 0, 0, 1, 1, 1]


def test_the_version_and_the_commands_are_told_without_the_libraries():
    """A command starts in the time of what it needs; names of the package are there all the same."""
    code = """
import sys
for name in ("ensemble-mm", "-m"):
    sys.argv = [name]
    for module in [module for module in sys.modules if module.startswith("ensemble_mm")]:
        del sys.modules[module]
    from ensemble_mm._cli import main
    main(["--version"])
    main(["--help"])
print([m for m in ("numpy", "pandas", "sklearn") if m in sys.modules])
from ensemble_mm import save, MultiOutputStack
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.stdout.splitlines()[-1] == "[]" and "  serve " in done.stdout and done.returncode == 0, done.stderr


def test_a_process_of_its_own_knows_the_modalities(place):
    """In these tests the whole package is there; a command imports what it names itself."""
    command = [sys.executable, "-m", "ensemble_mm", "schema", "train.csv"]
    done = subprocess.run(command, cwd=place, capture_output=True, text=True)
    assert done.returncode == 0 and "text" in done.stdout, done.stderr
