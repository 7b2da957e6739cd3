"""The command line: fit, predict, evaluate, report, runs, plan and demo.

Each command reads a table, calls the public face and writes what comes out; nothing is computed here. Exit codes: 0
done, 1 failed (the reason in one line on the error output; ``--debug`` shows the whole trace), 2 used wrongly.
"""

import argparse
import contextlib
import io
import json
import os
import sys
import warnings
from pathlib import Path

import numpy as np
import pandas as pd

PROG = "ensemble-mm"
_EXAMPLES = """\
examples:
  ensemble-mm fit train.csv --targets rating,kind --out model.emm
  ensemble-mm predict model.emm new.csv --out predictions.csv --proba
  ensemble-mm evaluate model.emm test.csv
  ensemble-mm report model.emm --data test.csv --out report.html
  ensemble-mm runs --db sqlite:///runs.db

A table is a CSV, TSV, Parquet or JSON-lines file, or a database table (sqlite:///shop.db::orders). Columns of text,
numbers, categories and dates are told apart by themselves; a column of file names (photo.jpg, call.wav, clip.mp4)
is read as images, sound or video, from the folder of the table or from --root. Leave cells empty where a view
or a label is not known.

`ensemble-mm COMMAND --help` tells more of each command.
"""
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


def main(argv=None) -> int:
    """Run one command; return the exit code.

    Parameters
    ----------
    argv : list of str or None, default=None
        The arguments; None: those of the process.

    Returns
    -------
    code : int
        0 done, 1 failed, 2 used wrongly, 130 interrupted.
    """
    parser = make_parser()
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return int(stop.code or 0)
    with _one_line_warnings():
        try:
            args.run(args)
            sys.stdout.flush()
        except KeyboardInterrupt:
            print(f"{PROG}: interrupted", file=sys.stderr)
            return 130
        except BrokenPipeError:  # the reader of our output has gone, as in `| head`
            sys.stdout = open(os.devnull, "w")
            return 0
        except Exception as error:
            if args.debug:
                raise
            print(f"{PROG}: error: {_one_line(error)}", file=sys.stderr)
            return 1
    return 0


def make_parser() -> argparse.ArgumentParser:
    """Return the parser of all commands."""
    parser = argparse.ArgumentParser(
        prog=PROG,
        description="Ensemble learning over text, images, sound, video and tables, for one or several targets.",
        epilog=_EXAMPLES,
        formatter_class=argparse.RawDescriptionHelpFormatter,
        allow_abbrev=False,
    )
    parser.add_argument("--version", action=_Version, help="show the version and leave")
    commands = parser.add_subparsers(title="commands", metavar="COMMAND", required=True)
    _add_fit(commands)
    _add_predict(commands)
    _add_evaluate(commands)
    _add_report(commands)
    _add_runs(commands)
    _add_plan(commands)
    command = _add(commands, "demo", _demo, "fit, explain and report packaged recordings, in a few minutes")
    command.add_argument("--out", default="demo-output", metavar="DIR", help="where to write (default: %(default)s)")
    command = _add(commands, "completion", _completion, "print a script that completes these commands on Tab")
    command.add_argument("shell", choices=("bash", "zsh"), help='bash: eval "$(ensemble-mm completion bash)"')
    return parser


class _Version(argparse.Action):
    def __init__(self, option_strings, dest, **options):
        super().__init__(option_strings, dest, nargs=0, default=argparse.SUPPRESS, **options)

    def __call__(self, parser, namespace, values, option_string=None):
        from importlib.metadata import version

        print(f"{PROG} {version('ensemble_mm')}")
        parser.exit()


# -- what each command takes -------------------------------------------------------------------------------------


def _add(commands, name, run, summary, **options):
    command = commands.add_parser(name, help=summary, description=summary[0].upper() + summary[1:] + ".",
                                  allow_abbrev=False, **options)  # fmt: skip
    command.add_argument("--debug", action="store_true", help="show the whole trace of an error")
    command.set_defaults(run=run)
    return command


def _add_data(command):
    command.add_argument("--root", metavar="DIR", help="folder of the media files (default: the folder of the table)")


def _add_trust(command):
    command.add_argument("--trust", action="append", default=[], metavar="MODULE.CLASS",
                         help="a class of your own that the model file may hold; can be repeated")  # fmt: skip


def _add_model_options(command):
    _add_data(command)
    command.add_argument("data", help="the table to learn from")
    command.add_argument("--targets", action="append", required=True, type=_names, metavar="A,B",
                         help="columns to predict, separated by commas; can be repeated")  # fmt: skip
    command.add_argument("--kind", action="append", default=[], type=_pair, metavar="TARGET=KIND",
                         help="read a target as binary, multiclass or regression (default: by its values)")  # fmt: skip
    command.add_argument("--drop", action="append", default=[], type=_names, metavar="A,B",
                         help="columns to leave out, such as ids")  # fmt: skip
    command.add_argument("--groups", metavar="COLUMN",
                         help="rows of a group stay together when rows are held out; not learnt from")  # fmt: skip
    command.add_argument("--learners", choices=("fast", "balanced", "best"), default="balanced",
                         help="portfolio of base learners (default: %(default)s)")  # fmt: skip
    command.add_argument("--strategy", choices=("independent", "stacked", "chain"), default="stacked",
                         help="how several targets use each other (default: %(default)s)")  # fmt: skip
    command.add_argument("--meta-learner", choices=("greedy", "simplex", "linear", "mean", "auto"), default="greedy",
                         help="how predictions are combined (default: %(default)s)")  # fmt: skip
    command.add_argument("--cv", type=_count(2), default=5, metavar="K", help="number of folds (default: %(default)s)")
    command.add_argument("--prune", type=_prune, metavar="auto|N",
                         help="drop learners that do not help, or keep N of them")  # fmt: skip
    command.add_argument("--calibration", choices=("temperature", "isotonic"), help="calibrate the probabilities")
    command.add_argument("--augment", type=_count(0), default=0, metavar="N", help="augmented copies of each row")
    command.add_argument("--on-bad", choices=("raise", "missing"), default="raise",
                         help="what an unreadable media file does (default: %(default)s)")  # fmt: skip
    command.add_argument("--on-error", choices=("raise", "drop"), default="raise",
                         help="what a failing learner does to the fit (default: %(default)s)")  # fmt: skip
    command.add_argument("--time-budget", type=_seconds, metavar="SECONDS", help="stop starting work after this long")
    command.add_argument("--cache", metavar="DIR", help="keep features here, for the next fit")
    command.add_argument("--checkpoint", metavar="DIR", help="keep finished work here: a killed fit goes on from it")
    command.add_argument("--jobs", type=int, metavar="N", help="processes at once; -1: one a core (default: 1)")
    command.add_argument("--seed", type=_count(0), default=0, metavar="N", help="random seed (default: %(default)s)")


def _add_fit(commands):
    command = _add(commands, "fit", _fit, "learn from a table and write a model file")
    _add_model_options(command)
    command.add_argument("--out", required=True, metavar="FILE", help="the model file, by custom *.emm")
    command.add_argument("--db", metavar="URL", help="also record the run, for example in sqlite:///runs.db")
    command.add_argument("--name", help="name of the task in the database (default: the name of the table)")
    command.add_argument("--report", metavar="FILE", help="also write the HTML report")
    command.add_argument("--quiet", action="store_true", help="say nothing but errors")


def _add_predict(commands):
    command = _add(commands, "predict", _predict, "predict the rows of a table")
    command.add_argument("model", help="the model file")
    command.add_argument("data", help="the table; columns that the model does not know are passed over")
    command.add_argument("--out", required=True, metavar="FILE", help="predictions: .csv, .tsv, .parquet or .jsonl")
    command.add_argument("--id", metavar="COLUMN", help="column that names the rows (default: their numbers, from 0)")
    command.add_argument("--proba", action="store_true", help="add the probability of every class")
    command.add_argument("--interval", type=_fraction, metavar="COVERAGE",
                         help="add lower and upper bounds of numbers, for example 0.9")  # fmt: skip
    _add_data(command)
    _add_trust(command)


def _add_evaluate(commands):
    command = _add(commands, "evaluate", _evaluate, "score a model on a table with known targets")
    command.add_argument("model", help="the model file")
    command.add_argument("data", help="the table, with the targets")
    command.add_argument("--out", metavar="FILE", help="also write the scores: .csv, .tsv, .parquet or .jsonl")
    _add_data(command)
    _add_trust(command)


def _add_report(commands):
    command = _add(commands, "report", _report, "write one self-contained HTML page on a model")
    command.add_argument("model", help="the model file")
    command.add_argument("--data", metavar="TABLE", help="a table with the targets, to score the model on")
    command.add_argument("--out", required=True, metavar="FILE", help="the page, *.html")
    _add_data(command)
    _add_trust(command)


def _add_runs(commands):
    command = _add(commands, "runs", _runs, "list, compare and delete the runs of a database")
    command.add_argument("--db", default="sqlite:///runs.db", metavar="URL", help="default: %(default)s")
    command.add_argument("--artifacts", metavar="DIR", help="folder of its model files (default: beside the file)")
    command.add_argument("--task", help="only the runs of this task")
    action = command.add_mutually_exclusive_group()
    action.add_argument("--compare", nargs=2, metavar=("RUN", "RUN"), help="compare two runs, fold by fold")
    action.add_argument("--delete", metavar="RUN", help="delete a run, its model version and its files")
    action.add_argument("--tasks", action="store_true", help="list the tasks instead")
    command.add_argument("--out", metavar="FILE", help="also write the list: .csv, .tsv, .parquet or .jsonl")


def _add_plan(commands):
    _add_model_options(_add(commands, "plan", _plan, "tell what a fit would compute, without computing it"))


# -- the commands ------------------------------------------------------------------------------------------------


def _fit(args):
    out = Path(args.out)
    if not out.absolute().parent.is_dir():
        raise FileNotFoundError(f"The folder of {args.out!r} does not exist: make it, or write elsewhere.")
    say = (lambda text: None) if args.quiet else print
    X, Y, groups = _training_table(args)
    model = _stack(args)
    say(f"{len(X)} rows, {X.shape[1]} columns, targets: {', '.join(map(str, Y.columns))}")
    with _progress(model, args.quiet):
        model.fit(X, Y, groups=groups)
    for line in _told(model):
        say(line)
    from .store import TaskDatabase, save

    save(model, out)
    say(f"model: {args.out}")
    if args.report:
        from .inspection import write_report

        write_report(model, args.report, X, Y)
        say(f"report: {args.report}")
    if args.db:
        run = TaskDatabase(args.db).log(model, X, Y, name=args.name or _stem(args.data))
        say(f"run: {run}")


def _predict(args):
    model = _load(args)
    table = _read(args)
    known, _ = _split(model, table, args.model)
    if args.id is not None and args.id not in table:
        raise ValueError(f"There is no column {args.id!r} in {args.data!r} to name the rows by: {_some(table)}.")
    rows = pd.Series(np.arange(len(table)), name="row") if args.id is None else table[args.id].reset_index(drop=True)
    columns = {rows.name: rows} | {name: _column(part) for name, part in _outputs(args, model, known)}
    _write(pd.DataFrame(columns), args.out)
    print(f"{len(table)} predictions: {args.out}")


def _evaluate(args):
    model = _load(args)
    known, Y = _split(model, _read(args), args.model)
    if Y is None:
        raise ValueError(f"{args.data!r} has none of the targets ({_some(_targets(model))}): nothing to compare with.")
    scores = model.evaluate(known, Y).dropna(axis="columns", how="all").rename_axis("target")
    print(_shown(scores))
    if args.out:
        _write(scores.reset_index(), args.out)


def _report(args):
    from .inspection import write_report

    model = _load(args)
    X = Y = None
    if args.data:
        X, Y = _split(model, _read(args), args.model)
    write_report(model, args.out, X, Y)
    print(f"report: {args.out}")


def _runs(args):
    from .store import TaskDatabase

    if args.db.startswith("sqlite:///") and not Path(args.db.removeprefix("sqlite:///").partition("?")[0]).exists():
        raise FileNotFoundError(f"There is no database {args.db!r} yet: `{PROG} fit ... --db {args.db}` makes one.")
    db = TaskDatabase(args.db, artifacts=args.artifacts)
    if args.delete:
        db.delete(args.delete)
        print(f"deleted: {args.delete}")
        return
    if args.compare:
        table = db.compare(*args.compare)
    elif args.tasks:
        table = db.tasks()
    else:
        table = db.runs(args.task)
    if args.out:
        _write(table.reset_index(), args.out)
    if not args.compare and not args.tasks:
        table = table.drop(columns=["data"]).assign(tags=[_tags(tags) for tags in table["tags"]])
    print(_shown(table) if len(table) else "none yet")


def _plan(args):
    X, Y, _ = _training_table(args)
    print(_stack(args).plan(X, Y))


def _demo(args):
    from . import _demo

    _demo.main(args.out)


def _completion(args):
    """Print a completion script: it is made from the parser, so it knows every option."""
    parser = make_parser()
    (choices,) = (action.choices for action in parser._actions if isinstance(action, argparse._SubParsersAction))
    lines = [
        f"    {name}) words=\"{' '.join(sorted(o for a in command._actions for o in a.option_strings))}\" ;;"
        for name, command in choices.items()
    ]
    head = "autoload -U +X bashcompinit && bashcompinit\n" if args.shell == "zsh" else ""
    print(
        head + "_ensemble_mm() {\n  local words=\"\" current=\"${COMP_WORDS[COMP_CWORD]}\"\n"
        f"  if [ \"$COMP_CWORD\" -eq 1 ]; then words=\"{' '.join(choices)} --help --version\"\n"
        "  else case \"${COMP_WORDS[1]}\" in\n" + "\n".join(lines) + "\n  esac; fi\n"
        "  COMPREPLY=( $(compgen -W \"$words\" -- \"$current\") $(compgen -f -- \"$current\") )\n}\n"
        f"complete -o filenames -F _ensemble_mm {PROG}"
    )  # fmt: skip


# -- tables in ---------------------------------------------------------------------------------------------------


def _training_table(args):
    from .data import read_table

    targets = [name for names in args.targets for name in names]
    X, Y = read_table(args.data, targets, root=args.root)
    dropped = [name for names in args.drop for name in names]
    groups = None
    if args.groups is not None:
        dropped.append(args.groups)
    absent = [name for name in dropped if name not in X]
    if absent:
        raise ValueError(f"{args.data!r} has no column {absent[0]!r}; its columns are {_some(X)}.")
    if args.groups is not None:
        groups = X[args.groups].to_numpy(object)
    if not len(X.columns.difference(dropped)):
        raise ValueError(f"{args.data!r} has no columns left to learn from.")
    return X.drop(columns=dropped), Y, groups


def _stack(args):
    from .stacking import MultiOutputStack

    return MultiOutputStack(
        learners=args.learners, strategy=args.strategy, meta_learner=args.meta_learner, cv=args.cv, prune=args.prune,
        calibration=args.calibration, augment=args.augment, on_bad=args.on_bad, on_error=args.on_error,
        time_budget=args.time_budget, cache=args.cache, checkpoint=args.checkpoint, n_jobs=args.jobs,
        random_state=args.seed, tasks=dict(args.kind) if args.kind else "auto",
    )  # fmt: skip


def _read(args):
    """Read the table of a command that has a model: no column is a target yet."""
    from .data import read_table

    X, _ = read_table(args.data, [], root=args.root)
    return X


def _load(args):
    from .store import load

    return load(args.model, trusted=args.trust)


def _split(model, table, name):
    """Return the columns that the model reads, and those of its targets that are there (or None)."""
    wanted = list(getattr(model, "feature_names_in_", ()))
    absent = [column for column in wanted if column not in table]
    if absent:
        raise ValueError(f"{name!r} needs the column(s) {_some(absent)}; the table has {_some(table)}.")
    targets = [column for column in _targets(model) if column in table]
    return table[wanted] if wanted else table.drop(columns=targets), table[targets] if targets else None


def _targets(model):
    return list(getattr(model, "tasks_", ()))


# -- what comes out ----------------------------------------------------------------------------------------------


def _outputs(args, model, X):
    """Yield (name, values) of the prediction columns."""
    predicted = model.predict(X)
    if not isinstance(predicted, pd.DataFrame):
        predicted = pd.DataFrame(predicted, columns=_targets(model) or None)
    proba = model.predict_proba(X) if args.proba else {}
    bounds = model.predict_interval(X, coverage=args.interval) if args.interval is not None else {}
    for name in predicted.columns:
        yield str(name), predicted[name]
        if name in bounds:
            yield f"{name} low", bounds[name][:, 0]
            yield f"{name} high", bounds[name][:, 1]
        if name in proba:
            for position, label in enumerate(model.tasks_[name].classes):
                yield f"{name}={label}", proba[name][:, position]


def _column(values):
    return values.reset_index(drop=True) if isinstance(values, pd.Series) else values


def _write(table, path):
    """Write a table in the format of the path's suffix."""
    from .store import write_atomic

    table = table.copy()
    suffix = Path(path).suffix.lower()
    if suffix in (".csv", ".tsv"):
        table.columns = [_defused(name) for name in table.columns]
        for place in range(table.shape[1]):
            if not pd.api.types.is_numeric_dtype(table.dtypes.iloc[place]):
                table.isetitem(place, table.iloc[:, place].astype(object).map(_defused))
        content = table.to_csv(index=False, sep="\t" if suffix == ".tsv" else ",").encode("utf-8")
    elif suffix in (".jsonl", ".ndjson", ".json"):
        content = table.to_json(orient="records", lines=True, force_ascii=False, date_format="iso").encode("utf-8")
    elif suffix == ".parquet":
        buffer = io.BytesIO()
        try:
            table.to_parquet(buffer, index=False)
        except ImportError as error:
            raise ImportError("Parquet needs 'pyarrow': pip install 'ensemble_mm[parquet]', or write .csv.") from error
        content = buffer.getvalue()
    else:
        raise ValueError(f"{path!r} ends in no format that can be written: use .csv, .tsv, .parquet or .jsonl.")
    write_atomic(path, content)


def _defused(cell):
    """A text cell that a spreadsheet would run as a formula gets an apostrophe; numbers written as text do not."""
    if not isinstance(cell, str) or not cell.startswith(_FORMULA):
        return cell
    with contextlib.suppress(ValueError):
        float(cell)
        return cell
    return "'" + cell


def _told(model):
    """Lines on a fit: the out-of-fold score of each target, and the time."""
    results = model.cv_results_.reset_index()
    for _, row in results[results["learner"] == "ensemble"].iterrows():
        yield f"{row['task']}: {row['score_name']} {row['mean']:.4g} +- {row['std']:.2g} out of fold"
    if len(model.failures_):
        yield f"{len(model.failures_)} job(s) failed or were left out; the report lists them"
    yield f"{model.fit_report_['seconds'].sum():.1f} seconds of work, {model.n_extractions_} extractions"


@contextlib.contextmanager
def _progress(model, quiet):
    """A progress bar on a terminal, where rich is installed; elsewhere plain lines, on the error output."""
    bar = None
    if not quiet and sys.stderr.isatty() and sys.stdout.isatty():
        with contextlib.suppress(ImportError):
            import rich  # noqa: F401
            from sklearn.callback import ProgressBar

            bar = ProgressBar()
    if bar is not None:
        model.set_callbacks(bar)
    model.set_params(verbose=int(bar is None and not quiet))
    try:
        yield
    finally:
        model.set_params(verbose=0)
        if bar is not None:
            model.set_callbacks()


@contextlib.contextmanager
def _one_line_warnings():
    """Show warnings as one line each, as errors are shown, without the place in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **options: print(
            f"{PROG}: warning: {_one_line(message)}", file=sys.stderr
        )
        yield


def _one_line(error) -> str:
    text = " ".join(str(error).split())
    if isinstance(error, KeyError) or not text:
        text = f"{type(error).__name__} {text}".strip()
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        text = f"There is no file {str(error.filename)!r}."
    return text if len(text) <= 2000 else text[:2000] + "..."


def _shown(table) -> str:
    with pd.option_context("display.width", None, "display.max_columns", None, "display.max_colwidth", 60):
        return table.to_string(float_format=lambda value: f"{value:.4g}")


def _tags(tags) -> str:
    return json.dumps(tags, ensure_ascii=False) if tags else ""


def _some(names, most=8) -> str:
    names = [repr(str(name)) for name in names]
    return ", ".join(names[:most]) + (f" and {len(names) - most} more" if len(names) > most else "")


def _stem(source: str) -> str:
    return source.rpartition("::")[2] if "::" in source else Path(source).stem


# -- kinds of arguments ------------------------------------------------------------------------------------------


def _names(text):
    names = [name.strip() for name in text.split(",") if name.strip()]
    if not names:
        raise argparse.ArgumentTypeError("name at least one column")
    return names


def _pair(text):
    name, _, kind = text.rpartition("=")
    if not name or kind not in ("binary", "multiclass", "regression"):
        raise argparse.ArgumentTypeError(f"{text!r} is not TARGET=binary, TARGET=multiclass or TARGET=regression")
    return name, kind


def _count(least):
    def count(text):
        try:
            value = int(text)
        except ValueError:
            value = None
        if value is None or value < least:
            raise argparse.ArgumentTypeError(f"{text!r} is not a whole number of at least {least}")
        return value

    return count


def _prune(text):
    return text if text == "auto" else _count(1)(text)


def _seconds(text):
    try:
        value = float(text)
    except ValueError:
        value = 0.0
    if not 0 < value < float("inf"):
        raise argparse.ArgumentTypeError(f"{text!r} is not a positive number of seconds")
    return value


def _fraction(text):
    try:
        value = float(text)
    except ValueError:
        value = -1.0
    if not 0 < value < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is not a number between 0 and 1")
    return value
