"""What each command does: it reads a table, calls the public face and writes what comes out.

Nothing is computed here. `COMMANDS` maps the name of a command to a function of its arguments.
"""

import json
import shlex
import sys
from pathlib import Path

from .. import features  # noqa: F401  the modalities are known by their extractors
from .._checks import check_folder
from .._plain_words import plural
from ._arguments import PROG, make_parser, options_of
from ._predict import predict
from ._progress import fit_progress, telling, told_of_fit
from ._reading import load_model, read_given, rows_for, split, stack_of, targets_of, training_table
from ._tables import check_format, shown, some, tell, write_table


def _fit(args):
    for path in filter(None, (args.out, args.report)):
        check_folder(path)
    say = (lambda text: None) if args.quiet else tell
    X, Y, given, names = training_table(args)
    from ..store import TaskDatabase, save

    db = TaskDatabase(args.db, artifacts=args.artifacts) if args.db else None
    if db is not None:
        db.tasks()  # one that cannot be used is told before the fit
    model = stack_of(args)
    say(f"{plural(len(X), 'row')}, {plural(X.shape[1], 'column')}, targets: {', '.join(map(str, Y.columns))}")
    with fit_progress(model, args.quiet):
        model.fit(X, Y, **given)
    if not args.quiet:
        with telling(model):
            summary = model.summary()
        say(summary)
    for line in told_of_fit(model):
        say(line)
    found = _audited(args, model, X, Y, given, say) if args.audit else None
    save(model, args.out)
    say(f"model: {args.out}")
    if args.report:
        from ..inspection import write_report

        with telling(model, args.quiet):
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


def _stem(source: str) -> str:
    return " ".join(source.rpartition("::")[2].split())[:60] if "::" in source else Path(source).stem


def _evaluate(args):
    check_format(args.out)
    model = load_model(args)
    known, Y = split(model, rows_for(args, model))
    if Y is None:
        raise ValueError(f"{args.data!r} has none of the targets ({some(targets_of(model))}): nothing to compare with.")
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

    model = load_model(args)
    X = Y = None
    if args.data:
        X, Y = split(model, rows_for(args, model))
    with telling(model):
        write_report(model, args.out, X, Y, id=args.id)
    tell(f"report: {args.out}")


def _schema(args):
    from ..data import infer_schema, resolve_targets

    check_format(args.out)
    X, Y = read_given(args, [name for names in args.targets for name in names])
    schema = infer_schema(X, dict(args.said) | {name: "drop" for names in args.drop for name in names})
    tell(schema)
    for name, task in resolve_targets(Y)[0].items() if args.targets else ():
        tell(f"target {name}: {task.rules.words}")
    if args.out:
        write_table(schema.to_frame(), args.out)


def _inspect(args):
    from ..data import classes_by_column, kinds_by_column
    from ..store import read_manifest

    model, manifest = load_model(args), read_manifest(args.model)
    tell(f"{type(model).__name__}, written {manifest['created']}")
    for name, modality in getattr(model, "views_", {}).items():
        tell(f"view {name}: {modality}")
    tasks = getattr(model, "tasks_", {})
    classes = classes_by_column(tasks)
    for name, kind in kinds_by_column(tasks).items():
        tell(f"target {name}: {kind}" + (f", classes {some(classes[name])}" if name in classes else ""))
    if hasattr(model, "cv_results_"):
        with telling(model):
            summary = model.summary()
        tell(summary)
        for line in told_of_fit(model):
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
    model = load_model(args)
    X, _ = split(model, rows_for(args, model))
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


def _tags(tags) -> str:
    return json.dumps(tags, ensure_ascii=False) if tags else ""


def _audit(args):
    check_format(args.out)
    found = _audited(args, stack_of(args), *training_table(args)[:3], tell)
    if args.out:
        write_table(found, args.out)


def _audited(args, model, X, Y, given, say):
    """Look for leaks, say the verdict of each check in a line, and return them."""
    from ..inspection import audit

    with telling(model, getattr(args, "quiet", False)):
        found = audit(model, X, Y, **given, random_state=args.seed)
    say(found)
    return found


def _plan(args):
    X, Y, given, _ = training_table(args)
    tell(stack_of(args).plan(X, Y, **given))


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


COMMANDS = {"fit": _fit, "predict": predict, "evaluate": _evaluate, "report": _report, "schema": _schema,
            "inspect": _inspect, "serve": _serve, "export": _export, "runs": _runs, "plan": _plan, "audit": _audit,
            "demo": _demo, "completion": _completion}  # fmt: skip
