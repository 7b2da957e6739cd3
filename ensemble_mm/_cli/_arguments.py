"""What may be said on the command line: the commands, their options and what values those take.

The list of commands needs nothing else of the package, whose import takes seconds.
"""

import argparse

PROG = "ensemble-mm"
_EXAMPLES = """\
examples:
  ensemble-mm schema train.csv
  ensemble-mm audit train.csv --targets rating,kind
  ensemble-mm fit train.csv --targets rating,kind --out model.emm --as zip=category
  ensemble-mm predict model.emm new.csv --out predictions.csv --proba
  ensemble-mm evaluate model.emm test.csv
  ensemble-mm report model.emm --data test.csv --out report.html
  ensemble-mm serve model.emm --port 8000
  ensemble-mm runs --db sqlite:///runs.db

A table is a CSV, TSV, Parquet, JSON-lines or Excel file, a folder of Parquet files, or a table or query of a database
(sqlite:///shop.db::orders, "sqlite:///shop.db::select size, price from orders"). Columns of text,
numbers, categories and dates are detected; a column of file names (photo.jpg, call.wav, clip.mp4)
is read as images, sound or video, from the folder of the table or from --root. Leave cells empty where a view
or a label is not known.

`ensemble-mm COMMAND --help` tells more of each command.
"""


def make_parser(*, whole: bool = True) -> argparse.ArgumentParser:
    """Return the parser of all commands; `command` of what it returns names the one that was asked for.

    One that is not `whole` knows no options: it is enough to list the commands.
    """
    parser = _Parser(
        prog=PROG,
        description="Ensemble learning over text, images, sound, video and tables, for one or several targets.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and exit")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True, dest="command")
    for name, (take, summary) in _COMMANDS.items():
        command = _add(commands, name, summary)
        if whole:
            take(command)
    return parser


def options_of(parser: argparse.ArgumentParser) -> dict[str, list[str]]:
    """Return {command: its options}."""
    (commands,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    return {
        name: sorted(option for action in command._actions for option in action.option_strings)
        for name, command in commands.items()
    }


class _Parser(argparse.ArgumentParser):
    """A parser that says in a line what is wrong, and where to read on."""

    def error(self, message):
        """Say what is wrong and leave with code 2."""
        from .._checks import did_you_mean

        named = message.removeprefix("argument ").partition(":")[0].partition("/")[0]
        action = self._option_string_actions.get(named)
        if action is not None and message.endswith("expected one argument"):
            message = f"{named} needs a value: {named} {action.metavar or action.dest.upper()}"
        elif named == "unrecognized arguments":  # words: options that are not known are told before
            stray = message.partition(": ")[2]
            message = f"{stray} belongs to no option. Several names go into one word: --targets price,rating"
        elif named == "COMMAND":
            (commands,) = (action.choices for action in self._actions if isinstance(action, argparse._SubParsersAction))
            given = message.partition("invalid choice: ")[2].partition(" (")[0].strip("'")
            message = f"there is no command {given!r}.{did_you_mean(given, commands)} They are {', '.join(commands)}"
        self.exit(2, f"{self.prog}: error: {message}. See {self.prog} --help.\n")


class _Version(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser, namespace, values, option_string=None):
        from importlib.metadata import version

        print(f"{PROG} {version('ensemble_mm')}")
        parser.exit()


# -- what each command takes -------------------------------------------------------------------------------------


def _add(commands, name, summary):
    description = summary[0].upper() + summary[1:] + "."
    command = commands.add_parser(name, help=summary, description=description, allow_abbrev=False)
    command.add_argument("--debug", action="store_true", help="show the whole trace of an error")
    return command


def _choice(add, name, choices, default, words):
    """Add an option that is one of some words."""
    add(name, choices=list(choices), default=default, help=f"{words} (default: %(default)s)")


def _each(add, name, kind, metavar, words, **options):
    """Add an option that can be repeated."""
    add(name, action="append", type=kind, metavar=metavar, help=words, **{"default": []} | options)


def _table(add):
    add("--root", metavar="DIR", help="folder of the media files (default: the folder of the table)")
    words = "separator of a CSV file, such as ; or tab (default: detected)"
    add("--sep", type=_character, metavar="SIGN", help=words)
    add("--decimal", choices=(".", ","), metavar="SIGN", help="decimal sign of a CSV file (default: detected)")
    add("--encoding", metavar="NAME", help="encoding of a CSV file, such as utf-8 or cp1252 (default: detected)")


def _memory(add, words):
    add("--memory", metavar="SIZE", help=f"{words}, such as 4GB; larger Parquet files and folders stay on disk")


def _trust(add):
    _each(add, "--trust", str, "MODULE.CLASS", "a class of your own that the model file may hold; can be repeated")


def _on_bad(add):
    words = "an unreadable media file: stop with an error, or count it as missing and list it"
    _choice(add, "--on-bad", ("raise", "missing"), "raise", words)


def _new_rows(add):
    """Add what a command takes that reads a table with a model."""
    _table(add)
    _on_bad(add)
    _trust(add)


def _said(add):
    words = "read a column as number, category, date, text, ... (default: by its values); can be repeated"
    _each(add, "--as", _column, "COLUMN=KIND", words, dest="said")


def _drop(add):
    _each(add, "--drop", _names, "A,B", "columns to leave out, such as ids")


def _artifacts(add):
    add("--artifacts", metavar="DIR", help="folder of the database's model files (default: beside a SQLite file)")


def _stack(command):
    from ..stacking import CALIBRATORS, META_LEARNERS, PORTFOLIOS, STRATEGIES

    add = command.add_argument
    _table(add)
    add("data", help="the table to learn from")
    words = "columns to predict, separated by commas; can be repeated"
    _each(add, "--targets", _names, "A,B", words, required=True)
    _each(
        add,
        "--kind",
        _pair,
        "TARGET=KIND",
        f"read a target as {', '.join(_kinds())} (default: by its "
        "values); as NAME=survival:TIME:EVENT, NAME=ranking:RELEVANCE:QUERY or NAME=count:COUNT:EXPOSURE two targets "
        "are one task",
    )
    _said(add)
    _drop(add)
    add("--id", metavar="COLUMN", help="column that names the rows, also in the report; it is not an input")
    add("--groups", metavar="COLUMN", help="column of groups, whose rows are held out together; it is not an input")
    add("--weights", metavar="COLUMN", help="column that says how much each row counts; it is not an input")
    _choice(add, "--learners", PORTFOLIOS, "balanced", "portfolio of base learners")
    _choice(add, "--strategy", STRATEGIES, "stacked", "how several targets use each other")
    _choice(add, "--meta-learner", META_LEARNERS, "auto", "how predictions are combined")
    add("--cv", type=_count(2), metavar="K", help="number of folds (default: 5, and 3 with --learners fast)")
    add("--prune", type=_prune, metavar="auto|N", help="drop learners that do not help, or keep N of them")
    add("--rare", choices=("keep", "drop"), default="keep", help="classes of one row: keep them, or leave them out")
    add("--calibration", choices=list(CALIBRATORS), help="calibrate the probabilities")
    words = "choose classes so that a metric is highest, such as f1 (default: the most probable class)"
    add("--threshold", type=_threshold, metavar="METRIC", help=words)
    add("--class-weight", choices=("balanced",), help="give rare classes as much weight as frequent ones in learners")
    add("--missing-indicator", action="store_true", help="tell learners which views a row lacks")
    add("--augment", type=_count(0), default=0, metavar="N", help="augmented copies of each row")
    _on_bad(add)
    _choice(add, "--on-error", ("raise", "drop"), "raise", "a learner that fails: stop with an error, or leave it out")
    add("--time-budget", type=_seconds, metavar="SECONDS", help="stop starting work after this long")
    add("--job-timeout", type=_seconds, metavar="SECONDS", help="longest that one job may take")
    add("--cache", metavar="DIR", help="keep features here, for the next fit")
    add("--checkpoint", metavar="DIR", help="keep finished work here: a killed fit resumes from it")
    _memory(add, "how much memory the fit may take")
    add("--workdir", metavar="DIR", help="with --memory: folder for features (default: that of the system)")
    add("--jobs", type=int, metavar="N", help="processes at once; -1: one per core (default: 1)")
    add("--seed", type=_count(0), default=0, metavar="N", help="random seed (default: %(default)s)")


def _fit(command):
    _stack(command)
    add = command.add_argument
    add("--out", required=True, metavar="FILE", help="the model file, usually *.emm")
    add("--db", metavar="URL", help="also record the run, for example in sqlite:///runs.db")
    _artifacts(add)
    add("--name", help="name of the task in the database (default: the name of the table)")
    add("--report", metavar="FILE", help="also write the HTML report")
    add("--audit", action="store_true", help="also look for leaks; the report has the verdicts")
    add("--quiet", action="store_true", help="print errors only")


def _audit(command):
    _stack(command)
    command.add_argument("--out", metavar="FILE", help="also write the verdicts: .csv, .tsv, .parquet or .jsonl")


def _predict(command):
    add = command.add_argument
    add("model", help="the model file")
    add("data", help="the table, or - for the standard input; columns that the model does not know are ignored")
    words = "predictions: .csv, .tsv, .parquet or .jsonl, a new table of a database (sqlite:///shop.db::predicted)"
    add("--out", required=True, metavar="FILE", help=f"{words}, or - for the standard output")
    add("--resume", action="store_true", help="continue the file of a run that was stopped")
    add("--id", metavar="COLUMN", help="column that names the rows (default: their numbers, from 0)")
    add("--proba", action="store_true", help="add the probability of every class")
    words = "add lower and upper bounds of numbers and times, and which rows may be first in their query; such as 0.9"
    add("--interval", type=_fraction, metavar="COVERAGE", help=words)
    _new_rows(add)


def _evaluate(command):
    add = command.add_argument
    add("model", help="the model file")
    add("data", help="the table, with the targets")
    add("--out", metavar="FILE", help="also write the scores: .csv, .tsv, .parquet or .jsonl")
    _new_rows(add)
    _memory(add, "how much memory the table may take")


def _report(command):
    add = command.add_argument
    add("model", help="the model file")
    add("--data", metavar="TABLE", help="a table with the targets, to score the model on")
    add("--out", required=True, metavar="FILE", help="the page, *.html")
    add("--id", metavar="COLUMN", help="column that names the rows (default: their numbers, from 0)")
    _new_rows(add)


def _schema(command):
    add = command.add_argument
    add("data", help="the table")
    _each(add, "--targets", _names, "A,B", "columns to predict, which are listed separately")
    _said(add)
    _drop(add)
    add("--out", metavar="FILE", help="also write the list: .csv, .tsv, .parquet or .jsonl")
    _table(add)


def _inspect(command):
    command.add_argument("model", help="the model file")
    _trust(command.add_argument)


def _serve(command):
    add = command.add_argument
    add("model", help="the model file")
    add("--host", default="127.0.0.1", help="address to listen on (default: %(default)s, this machine alone)")
    add("--port", type=_port, default=8000, metavar="N", help="port; 0 takes a free one (default: %(default)s)")
    add("--workers", type=_count(1), default=1, metavar="N", help="processes (default: %(default)s)")
    words = "most rows that are predicted together (default: %(default)s)"
    add("--max-batch", type=_count(1), default=64, metavar="N", help=words)
    words = "how long a request waits for others, to be predicted together (default: 0)"
    add("--max-wait-ms", type=_milliseconds, default=0.0, metavar="N", help=words)
    words = "largest request, in bytes or as 500K, 16M (default: 16M)"
    add("--max-body", type=_size, default=16 * 2**20, metavar="SIZE", help=words)
    _trust(add)


def _export(command):
    add = command.add_argument
    add("model", help="the model file")
    add("--to", choices=("docker", "onnx"), required=True, help="what for")
    add("--out", required=True, metavar="PATH", help="the folder for Docker, or the ONNX file, usually *.onnx")
    words = "rows on which graph and model must predict the same, such as those of the fit"
    add("--data", metavar="TABLE", help=words)
    _new_rows(add)


def _runs(command):
    add = command.add_argument
    add("--db", default="sqlite:///runs.db", metavar="URL", help="default: %(default)s")
    _artifacts(add)
    add("--task", help="only the runs of this task")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--compare", nargs=2, metavar=("RUN", "RUN"), help="compare two runs, fold by fold")
    action.add_argument("--delete", metavar="RUN", help="delete a run, its model version and its files")
    action.add_argument("--tasks", action="store_true", help="list the tasks instead")
    add("--out", metavar="FILE", help="also write the list: .csv, .tsv, .parquet or .jsonl")


def _demo(command):
    command.add_argument("--out", default="demo-output", metavar="DIR", help="where to write (default: %(default)s)")


def _completion(command):
    command.add_argument("shell", choices=("bash", "zsh"), help='bash: eval "$(ensemble-mm completion bash)"')


_COMMANDS = {
    "fit": (_fit, "learn from a table and write a model file"),
    "predict": (_predict, "predict the rows of a table"),
    "evaluate": (_evaluate, "score a model on a table with known targets"),
    "report": (_report, "write a report on a model as one HTML page"),
    "schema": (_schema, "show what the columns of a table are taken for, and why"),
    "inspect": (_inspect, "show what a model file holds: views, columns, targets, scores, versions"),
    "serve": (_serve, "answer requests for predictions over HTTP, until stopped"),
    "export": (_export, "write a folder for a container, or an ONNX file"),
    "runs": (_runs, "list, compare and delete the runs of a database"),
    "plan": (_stack, "show what a fit would compute, without computing it"),
    "audit": (_audit, "look for leaks: rows, groups, columns and learners that give the targets away"),
    "demo": (_demo, "fit, explain and report packaged recordings, in a few minutes"),
    "completion": (_completion, "print a script that completes these commands on Tab"),
}


# -- what values they take ---------------------------------------------------------------------------------------


def _character(text):
    sign = {"tab": "\t", "\\t": "\t"}.get(text, text)
    if len(sign) != 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not one character, or tab")
    return sign


def _names(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("name at least one column")
    return names


def _kinds():
    from .._kinds import KINDS, LABEL_SETS

    return [*KINDS, LABEL_SETS]


def _pair(text):
    name, _, kind = text.rpartition("=")
    kind, *parts = kind.split(":")
    if not name or kind not in _kinds():
        raise argparse.ArgumentTypeError(f"{text!r} is not TARGET=KIND with one of the kinds {', '.join(_kinds())}")
    return name, (kind, *parts) if parts else kind


def _column(text):
    name, _, kind = text.rpartition("=")
    if not name or not kind:
        raise argparse.ArgumentTypeError(f"{text!r} is not COLUMN=KIND")
    return name, kind


def _number(kind, fits, words):
    """Return a reader of numbers that tells in `words` what it takes."""

    def read(text):
        try:
            value = kind(text)
        except ValueError:
            value = None
        if value is None or not fits(value):
            raise argparse.ArgumentTypeError(f"{text!r} is not {words}")
        return value

    return read


def _count(least):
    return _number(int, lambda value: value >= least, f"a whole number of at least {least}")


def _prune(text):
    return text if text == "auto" else _count(1)(text)


def _threshold(text):
    try:
        return _fraction(text)
    except argparse.ArgumentTypeError:
        return text


def _size(text):
    number, unit = (text[:-1], text[-1].upper()) if text[-1:].upper() in ("K", "M", "G") else (text, "")
    return _count(1)(number) * {"": 1, "K": 2**10, "M": 2**20, "G": 2**30}[unit]


_port = _number(int, lambda value: 0 <= value < 2**16, "a port, from 0 to 65535")
_milliseconds = _number(float, lambda value: 0 <= value <= 60_000, "a number of milliseconds, from 0 to 60000")
_seconds = _number(float, lambda value: 0 < value < float("inf"), "a positive number of seconds")
_fraction = _number(float, lambda value: 0 < value < 1, "a number between 0 and 1")
