"""What each command does: it reads a table, calls the public face and writes what comes out.

Nothing is computed here. `COMMANDS` maps the name of a command to a function of its arguments.
"""

import contextlib
import json
import shlex
import sys
import warnings
from hashlib import sha256
from importlib.util import find_spec
from pathlib import Path

import numpy as np
import pandas as pd

from .. import features  # noqa: F401  the modalities are known by their extractors
from .._checks import BadItemsError, BadItemsWarning, check_folder, did_you_mean
from .._plain_words import plural
from ..endpoint import table_of
from ._arguments import PROG, make_parser, options_of
from ._tables import check_format, shown, some, tell, with_few_digits, write_table

PART_ROWS = 5_000  # of a table, which are predicted at a time


def _fit(args):
    for path in filter(None, (args.out, args.report)):
        check_folder(path)
    say = (lambda text: None) if args.quiet else tell
    X, Y, groups, names = _training_table(args)
    from ..store import TaskDatabase, save

    db = TaskDatabase(args.db, artifacts=args.artifacts) if args.db else None
    if db is not None:
        db.tasks()  # one that cannot be used is told before the fit
    model = _stack(args)
    say(f"{plural(len(X), 'row')}, {plural(X.shape[1], 'column')}, targets: {', '.join(map(str, Y.columns))}")
    with _progress(model, args.quiet):
        model.fit(X, Y, groups=groups)
    if not args.quiet:
        with _telling(model):
            summary = model.summary()
        say(summary)
    for line in _told(model):
        say(line)
    found = _audited(args, model, X, Y, groups, say) if args.audit else None
    save(model, args.out)
    say(f"model: {args.out}")
    if args.report:
        from ..inspection import write_report

        with _telling(model, args.quiet):
            write_report(model, args.report, X, Y, id=names, audit=found)
        say(f"report: {args.report}")
    if db is not None:
        say(f"run: {db.log(model, X, Y, name=args.name or _stem(args.data))}")
    for line in _next_steps(args):
        say(line)


def _next_steps(args):
    """Yield what can be done with the model that was fitted."""
    named = f" --id {shlex.quote(args.id)}" if args.id else ""
    suffix = Path(args.data.partition("::")[0]).suffix
    new = f"NEW{suffix if suffix in ('.parquet', '.xlsx', '.jsonl') else '.csv'}"
    yield f"next:  {PROG} predict {args.out} {new}{named} --out predictions.csv"
    if args.report:
        yield f"       open {args.report} in a browser"
        yield f"       {PROG} serve {args.out}"
    else:
        yield f"       {PROG} report {args.out} --data {args.data}{named} --out report.html"


def _predict(args):
    """Predict a table part by part: the memory that is taken does not grow with it."""
    if args.out != "-" and "://" not in args.out:
        check_format(args.out)
    from ..data import read_parts
    from ._growing import growing_table

    model = _load(args)
    is_text = not args.out.endswith(".parquet") and "://" not in args.out
    layout = {"sep": args.sep, "decimal": args.decimal, "encoding": args.encoding}
    parts = read_parts(args.data, args.root, n_rows=PART_ROWS, media=_media_of(model), texts=_texts_of(model), **layout)
    with growing_table(args.out, _made_of(args), args.resume) as (add, before), _counting(args.data) as advance:
        start = 0
        for part in parts:
            new = part.iloc[max(before - start, 0) :]
            if len(new):
                rows = _row_names(args, part, start).loc[new.index]
                found = _outputs(args, model, new, start)
                if is_text:
                    found = {name: with_few_digits(values) for name, values in found.items()}
                add(pd.DataFrame({rows.name: rows} | found))
            start += len(part)
            advance(len(part))
        if not start:
            raise ValueError(f"{args.data!r} has no rows.")
    tell(f"{start} predictions: {args.out}", sys.stderr if args.out == "-" else None)


def _row_names(args, part, start):
    """Return what names the rows of a part of a table that begins with row `start`."""
    if args.id is None:
        return pd.Series(np.arange(start, start + len(part)), part.index, name="row")
    if args.id not in part:
        near = did_you_mean(args.id, part.columns)
        raise ValueError(f"There is no column {args.id!r} in {args.data!r} to name the rows by: {some(part)}.{near}")
    return part[args.id]


def _made_of(args) -> str:
    """Return what a file of predictions is made of, as far as it can be told without reading it all."""
    table = Path(args.data)
    state = [table.stat().st_size, table.stat().st_mtime_ns] if table.is_file() else []
    layout = [args.sep, args.decimal, args.encoding]
    told = [args.data, state, args.id, args.proba, args.interval, args.on_bad, str(args.root), *layout]
    return sha256(Path(args.model).read_bytes() + json.dumps(told).encode()).hexdigest()


def _evaluate(args):
    check_format(args.out)
    model = _load(args)
    known, Y = _split(model, _read(args, model))
    if Y is None:
        raise ValueError(f"{args.data!r} has none of the targets ({some(_targets(model))}): nothing to compare with.")
    tell(f"scoring {len(known)} rows ...", sys.stderr)
    scores, lines = model._scored(known, Y)
    scores = scores.dropna(axis="columns", how="all").rename_axis("target")
    tell(shown(scores))
    for line in lines:
        tell(line)
    if args.out:
        write_table(scores.reset_index(), args.out)


def _report(args):
    from ..inspection import write_report

    model = _load(args)
    X = Y = None
    if args.data:
        X, Y = _split(model, _read(args, model))
    with _telling(model):
        write_report(model, args.out, X, Y, id=args.id)
    tell(f"report: {args.out}")


def _schema(args):
    from ..data import infer_schema, resolve_targets

    check_format(args.out)
    X, Y = _read_table(args, [name for names in args.targets for name in names])
    schema = infer_schema(X, dict(args.said) | {name: "drop" for names in args.drop for name in names})
    tell(schema)
    for name, task in resolve_targets(Y)[0].items() if args.targets else ():
        tell(f"target {name}: {task.rules.words}")
    if args.out:
        write_table(schema.to_frame(), args.out)


def _inspect(args):
    from ..data import classes_by_column, kinds_by_column
    from ..store import read_manifest

    model, manifest = _load(args), read_manifest(args.model)
    tell(f"{type(model).__name__}, written {manifest['created']}")
    for name, modality in getattr(model, "views_", {}).items():
        tell(f"view {name}: {modality}")
    tasks = getattr(model, "tasks_", {})
    classes = classes_by_column(tasks)
    for name, kind in kinds_by_column(tasks).items():
        tell(f"target {name}: {kind}" + (f", classes {some(classes[name])}" if name in classes else ""))
    if hasattr(model, "cv_results_"):
        with _telling(model):
            summary = model.summary()
        tell(summary)
        for line in _told(model):
            tell(line)
    if hasattr(model, "schema_"):
        tell(model.schema_)
    tell("made with " + ", ".join(f"{name} {number}" for name, number in manifest["versions"].items()))


def _serve(args):
    from ..endpoint import Settings, serve

    settings = Settings(args.host, args.port, args.workers, args.max_batch, args.max_wait_ms, args.max_body)
    serve(args.model, settings, tell, args.trust)


def _export(args):
    from ..endpoint import write_docker, write_onnx

    if args.to == "docker":
        write_docker(args.model, args.out)
        tell(f"{args.to}: {args.out}; build it with: docker build -t model {args.out}")
        return
    if args.data is None:
        raise ValueError("--to onnx compares the graph with the model: give rows, such as those of the fit, as --data.")
    model = _load(args)
    X, _ = _split(model, _read(args, model))
    write_onnx(model, X, args.out)
    tell(f"{args.to}: {args.out}; for {len(X)} rows it predicts what the model predicts")


def _runs(args):
    from ..store import TaskDatabase

    check_format(args.out)
    if args.db.startswith("sqlite:///") and not Path(args.db.removeprefix("sqlite:///").partition("?")[0]).exists():
        raise FileNotFoundError(f"There is no database {args.db!r} yet: `{PROG} fit ... --db {args.db}` makes one.")
    db = TaskDatabase(args.db, artifacts=args.artifacts)
    if args.delete:
        db.delete(args.delete)
        tell(f"deleted: {args.delete}")
        return
    if args.compare:
        table = db.compare(*args.compare)
    elif args.tasks:
        table = db.tasks()
    else:
        table = db.runs(args.task)
    if args.out:
        write_table(table.reset_index(), args.out)
    if not args.compare and not args.tasks:
        table = table.drop(columns=["data"]).assign(tags=[_tags(tags) for tags in table["tags"]])
    tell(shown(table) if len(table) else "none yet")


def _audit(args):
    check_format(args.out)
    found = _audited(args, _stack(args), *_training_table(args)[:3], tell)
    if args.out:
        write_table(found, args.out)


def _audited(args, model, X, Y, groups, say):
    """Look for leaks, say the verdict of each check in a line, and return them."""
    from ..inspection import audit

    with _telling(model, getattr(args, "quiet", False)):
        found = audit(model, X, Y, groups=groups, random_state=args.seed)
    say(found)
    return found


def _plan(args):
    X, Y, *_ = _training_table(args)
    tell(_stack(args).plan(X, Y))


def _demo(args):
    from .. import _demo

    _demo.main(args.out)


def _completion(args):
    """Print a completion script: it is made from the parser, so it knows every option."""
    options = options_of(make_parser())
    lines = "\n".join(f'    {name}) words="{" ".join(names)}" ;;' for name, names in options.items())
    head = "autoload -U +X bashcompinit && bashcompinit\n" if args.shell == "zsh" else ""
    print(
        head + '_ensemble_mm() {\n  local words="" current="${COMP_WORDS[COMP_CWORD]}"\n'
        f'  if [ "$COMP_CWORD" -eq 1 ]; then words="{" ".join(options)} --help --version"\n'
        '  else case "${COMP_WORDS[1]}" in\n' + lines + "\n  esac; fi\n"
        '  COMPREPLY=( $(compgen -W "$words" -- "$current") $(compgen -f -- "$current") )\n}\n'
        f"complete -o filenames -F _ensemble_mm {PROG}"
    )


COMMANDS = {"fit": _fit, "predict": _predict, "evaluate": _evaluate, "report": _report, "schema": _schema,
            "inspect": _inspect, "serve": _serve, "export": _export, "runs": _runs, "plan": _plan, "audit": _audit,
            "demo": _demo, "completion": _completion}  # fmt: skip


# -- what goes in ------------------------------------------------------------------------------------------------


def _read_table(args, targets=(), media=()):
    from ..data import read_table

    return read_table(
        args.data, targets, args.root, media=media, sep=args.sep, decimal=args.decimal, encoding=args.encoding,
        memory=getattr(args, "memory", None),
    )  # fmt: skip


def _training_table(args):
    """Return X, Y, the groups, and what names the rows; groups and names may be None."""
    X, Y = _read_table(args, [name for names in args.targets for name in names])
    dropped = [name for names in args.drop for name in names]
    name_column = args.id
    dropped += [column for column in (args.groups, name_column) if column is not None]
    absent = [name for name in dropped if name not in X.columns]
    if absent:
        near = did_you_mean(absent[0], X.columns)
        raise ValueError(f"{args.data!r} has no column {absent[0]!r}; its columns are {some(X)}.{near}")
    groups, names = (None if c is None else X[c].to_numpy(object) for c in (args.groups, name_column))
    if not {*X.columns} - {*dropped}:
        raise ValueError(f"{args.data!r} has no columns left to learn from.")
    return X.drop(columns=dropped), Y, groups, names


def _stack(args):
    from ..stacking import MultiOutputStack

    return MultiOutputStack(
        learners=args.learners, strategy=args.strategy, meta_learner=args.meta_learner, cv=args.cv, prune=args.prune,
        calibration=args.calibration, augment=args.augment, on_bad=args.on_bad, on_error=args.on_error,
        time_budget=args.time_budget, job_timeout=args.job_timeout, cache=args.cache, checkpoint=args.checkpoint,
        n_jobs=args.jobs, random_state=args.seed, tasks=dict(args.kind) if args.kind else "auto",
        columns=dict(args.said) or None, rare=args.rare, threshold=args.threshold,
        missing_indicator=args.missing_indicator, class_weight=args.class_weight, memory=args.memory,
        workdir=args.workdir,
    )  # fmt: skip


def _read(args, model):
    """Read the table of a command that has a model: no column is a target yet."""
    return _read_table(args, media=_media_of(model))[0]


def _media_of(model) -> list:
    """Return the columns that a model reads as media."""
    from .._modalities import MODALITIES
    from ..data import columns_read

    views = getattr(model, "views_", {}).items()
    names = [name for name, modality in views if MODALITIES[modality].suffixes]
    return [column for name in names for column in columns_read(model.view_columns_[name])]


def _texts_of(model) -> list:
    """Return the columns whose cells a model does not read as numbers: digits that begin with 0 are none there."""
    columns = model.schema_.columns if hasattr(model, "schema_") else ()
    return [column.name for column in columns if column.taken_as != "number"]


def _load(args):
    from ..store import load

    model = load(args.model, trusted=args.trust)
    if getattr(args, "on_bad", "raise") == "missing" and hasattr(model, "readers_"):
        for reader in model.readers_.values():
            reader.take_bad_as_missing()
    return model


def _split(model, table):
    """Return the columns of a table, of which the model finds its own, and those of its targets (or None)."""
    whole = [column for name, task in getattr(model, "tasks_", {}).items()
             for column in task.parts or (task.column or name,)]  # fmt: skip
    targets = [column for column in dict.fromkeys([*whole, *_targets(model)]) if column in table.columns]
    return table.drop(columns=targets), table[targets] if targets else None


def _targets(model):
    return list(getattr(model, "tasks_", ()))


def _stem(source: str) -> str:
    return " ".join(source.rpartition("::")[2].split())[:60] if "::" in source else Path(source).stem


# -- what comes out ----------------------------------------------------------------------------------------------


def _outputs(args, model, part, start):
    """Return {name: values} of the prediction columns of a part of a table that begins with row `start`."""
    X, _ = _split(model, part)
    with _row_numbers(start + int(part.index[0])):
        return dict(table_of(model, X, args.proba, args.interval))


@contextlib.contextmanager
def _row_numbers(start):
    """Count the rows that cannot be read from the first row of the table, not of its part."""

    def moved(error):
        return BadItemsError(error.what, [start + row for row in error.rows], error.reasons)

    with warnings.catch_warnings(record=True) as caught:
        try:
            yield
        except BadItemsError as error:
            raise moved(error) from None
    for warning in caught:
        bad = isinstance(warning.message, BadItemsWarning)
        warnings.warn(BadItemsWarning(moved(warning.message.error)) if bad else warning.message, stacklevel=1)


@contextlib.contextmanager
def _counting(source):
    """Show on a terminal how many rows are done, where rich is installed."""
    if not sys.stderr.isatty() or find_spec("rich") is None:
        yield lambda n: None
        return
    from rich.console import Console
    from rich.progress import Progress, SpinnerColumn, TextColumn, TimeElapsedColumn

    columns = [SpinnerColumn(), TextColumn("{task.completed:,.0f} rows"), TimeElapsedColumn()]
    with Progress(*columns, console=Console(stderr=True)) as progress:
        job = progress.add_task(str(source), total=None)
        yield lambda n: progress.advance(job, n)


def _told(model):
    """Lines on a fit: failures, and the time."""
    if len(model.failures_):
        yield f"{len(model.failures_)} job(s) failed or were left out; the report lists them"
    seconds = model.fit_report_["seconds"].sum()
    yield f"{seconds:.1f} seconds of work, {plural(model.n_extractions_, 'extraction')}"


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
def _telling(model, quiet=False):
    """Let a model say on the error output what it works on."""
    model.set_params(verbose=int(not quiet))
    try:
        yield
    finally:
        model.set_params(verbose=0)


def _tags(tags) -> str:
    return json.dumps(tags, ensure_ascii=False) if tags else ""
