"""One run of the command line, from its arguments to its exit code.

Exit codes: 0 done, 1 failed (the reason in one line on the error output; ``--debug`` shows the whole trace), 2 used
wrongly, 130 interrupted.
"""

import contextlib
import os
import sys
import warnings
from pathlib import Path

from .._checks import did_you_mean
from ._arguments import PROG, make_parser, options_of
from ._commands import COMMANDS
from ._tables import tell


def run(argv) -> int:
    """Run one command with all that it needs; return the exit code, as `ensemble_mm._cli.main` does."""
    parser = make_parser()
    if strange := _strange_option(parser, argv):
        tell(f"{PROG}: error: {strange}", sys.stderr)
        return 2
    try:
        args = parser.parse_args(argv)
    except SystemExit as stop:  # argparse has said what is wrong, or shown the help
        return int(stop.code or 0)
    with _one_line_warnings():
        try:
            _keep_what_is_read(args)
            COMMANDS[args.command](args)
            sys.stdout.flush()
        except KeyboardInterrupt:
            tell(f"{PROG}: interrupted", sys.stderr)
            return 130
        except BrokenPipeError:  # the reader of our output has gone, as in `| head`
            sys.stdout = open(os.devnull, "w")
            return 0
        except Exception as error:
            if args.debug:
                raise
            tell(f"{PROG}: error: {_one_line(error)}", sys.stderr)
            return 1
    return 0


def _strange_option(parser, argv) -> str | None:
    """Return what to say of an option that a command does not have; argparse would ask for others that lack first."""
    command, *rest = argv
    known = options_of(parser).get(command)
    given = [word.partition("=")[0] for word in rest[: rest.index("--") if "--" in rest else None]]
    strange = next((word for word in given if word.startswith("--") and known and word not in known), None)
    if known is None or strange is None:
        return None
    return f"{command} has no option {strange}.{did_you_mean(strange, known) or f' See {PROG} {command} --help.'}"


def _keep_what_is_read(args) -> None:
    """Refuse to write over a file that a command reads, or to write two files into one."""
    data, model, out, report = (getattr(args, name, None) for name in ("data", "model", "out", "report"))
    for option, written in (("--out", out), ("--report", report)):
        for read in filter(os.path.exists, (path for path in (data, model) if isinstance(path, str))):
            if written and os.path.exists(written) and os.path.samefile(written, read):
                raise ValueError(f"{option} names {read!r}, which is read: it would be lost. Name another file.")
    if report and out and os.path.realpath(report) == os.path.realpath(out):
        raise ValueError(f"--report and --out both name {out!r}: one would be lost. Name another file.")


@contextlib.contextmanager
def _one_line_warnings():
    """Show warnings as one line each, as errors are shown, without the place in the code."""
    with warnings.catch_warnings():
        warnings.showwarning = lambda message, *rest, **options: tell(
            f"{PROG}: warning: {_one_line(message)}", sys.stderr
        )
        yield


def _one_line(error) -> str:
    """The message of an error or warning; lines that it lists are parted by semicolons."""
    text = str(error)
    lines = [" ".join(line.split()) for line in text.splitlines() if line.strip()]
    text = "; ".join(lines).replace(":; ", ": ").replace(".; ", ". ")
    if isinstance(error, KeyError) or not text:
        text = f"{type(error).__name__} {text}".strip()
    if isinstance(error, FileNotFoundError) and error.filename is not None:
        path = Path(error.filename)
        beside = os.listdir(path.parent) if path.parent.is_dir() else []
        text = f"There is no file {str(error.filename)!r}.{did_you_mean(path.name, beside)}"
    return text if len(text) <= 2000 else text[:2000] + "..."
