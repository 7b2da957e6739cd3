"""Parts of docstrings stand where their names are, indented as these."""

from inspect import getdoc

from ensemble_mm._docs import documented


def test_parts_are_written_into_the_docstring():
    @documented(parameters="\na : int\n    A number.\n")
    class Part:
        """Do it.

        Parameters
        ----------
        {parameters}
        b : dict, default={}
        """

        def __init__(self, a):
            self.a = a

    assert getdoc(Part).splitlines()[4:] == ["a : int", "    A number.", "b : dict, default={}"]


def test_a_class_without_docstring_stays_without():
    """As all are under python -OO."""

    class Bare:
        def __init__(self):
            pass

    assert not documented(parameters="a")(Bare).__doc__
