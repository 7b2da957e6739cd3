"""Wrong use is told before anything is read, and every command explains itself."""

import pytest

from ensemble_mm._cli._arguments import make_parser, options_of


@pytest.mark.parametrize(
    "command",
    [
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


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fit train.csv --target y --out m.emm", "fit has no option --target. Did you mean '--targets'?"),
        ("fit train.csv --grops=y", "fit has no option --grops. Did you mean '--groups'?"),
        ("predict m.emm t.csv --xyz 3", "predict has no option --xyz. See ensemble-mm predict --help."),
    ],
)
def test_an_unknown_option_is_told_before_what_is_lacking(run, command, words):
    code, _, err = run(*command.split())
    assert code == 2 and err == f"ensemble-mm: error: {words}\n"


@pytest.mark.parametrize(
    ("command", "words"),
    [
        ("fitt", "there is no command 'fitt'. Did you mean 'fit'? They are fit, predict, "),
        ("fit train.csv", "the following arguments are required: --targets, --out. See ensemble-mm fit --help."),
        ("fit t.csv --targets y --out m --learners quick", "invalid choice: 'quick' (choose from "),
        ("fit t.csv --targets a b c --out m", "b c belongs to no option. Several names go into one word: --targets "),
        ("predict m.emm t.csv --out p --interval", "--interval needs a value: --interval COVERAGE. See "),
    ],
)
def test_what_is_wrong_is_told_in_one_line(run, command, words):
    code, out, err = run(*command.split())
    assert code == 2 and not out and words in err and err.count("\n") == 1


def test_without_a_command_all_are_listed(run):
    code, out, _ = run()
    assert code == 2 and "examples:" in out and "  schema " in out


def test_every_command_has_a_help(run):
    commands = options_of(make_parser())
    for name in commands:
        code, out, _ = run(name, "--help")
        assert code == 0 and "usage: ensemble-mm" in out and len(out) > 200
    code, out, _ = run("--help")
    assert code == 0 and all(name in out for name in commands) and "examples:" in out
