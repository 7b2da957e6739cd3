"""The command line: fit, predict, evaluate, report, audit, serve, runs, plan, demo and completion."""

import sys


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
    argv = sys.argv[1:] if argv is None else list(argv)
    if argv == ["--version"]:  # at once: it needs nothing of what the commands import
        from importlib.metadata import version

        print(f"ensemble-mm {version('ensemble_mm')}")
        return 0
    if argv in ([], ["-h"], ["--help"]):
        from ._arguments import make_parser

        make_parser(whole=False).print_help()
        return 0 if argv else 2
    from ._main import run

    return run(argv)


__all__ = ["main"]
