"""The command line: fit, predict, evaluate, report, runs, plan, demo and completion."""

from ._main import main

__all__ = ["main"]
