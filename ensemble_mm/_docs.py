"""What the docstrings of several classes share, written once and shown in each."""

from dataclasses import fields, is_dataclass
from inspect import cleandoc
from types import FunctionType


def documented(**parts: str):
    """Return a decorator that writes parts into the docstring of a class, each in the place of its name in braces.

    The name of a field of a dataclass stands for its default.
    """

    def write(cls):
        words = cleandoc(cls.__doc__ or "")  # none under python -OO
        for name, part in parts.items():
            words = words.replace(f"{{{name}}}", part.strip())
        for field in fields(cls) if is_dataclass(cls) else ():
            words = words.replace(f"{{{field.name}}}", str(field.default))
        cls.__doc__ = words
        if "__init__" not in vars(cls):  # errors on arguments name the class of the method, which may be a private one
            cls.__init__ = _renamed(cls.__init__, f"{cls.__qualname__}.__init__")
        return cls

    return write


def _renamed(function, name):
    """Return a copy of a function by another name."""
    copy = FunctionType(
        function.__code__, function.__globals__, function.__name__, function.__defaults__, function.__closure__
    )
    copy.__kwdefaults__, copy.__annotations__ = function.__kwdefaults__, function.__annotations__
    copy.__doc__, copy.__qualname__, copy.__module__ = function.__doc__, name, function.__module__
    return copy
