"""What the docstrings of several classes share, written once and shown in each."""

from inspect import cleandoc


def documented(**parts: str):
    """Return a decorator that writes parts into the docstring of a class, each in the place of its name in braces."""

    def write(cls):
        words = cleandoc(cls.__doc__ or "")  # none under python -OO
        for name, part in parts.items():
            words = words.replace(f"{{{name}}}", part.strip())
        cls.__doc__ = words
        return cls

    return write
