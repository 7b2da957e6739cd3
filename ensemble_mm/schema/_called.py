"""Names of columns that tell what their numbers may be: codes, versions or dates."""

import re

CODES = re.compile(r"_(?:zip|zip_?codes?|post_?codes?|postal|plz|fips|codes?|ids?)_")
DATES = re.compile(r"_(?:date|datum|fecha|timestamp)_")
VERSIONS = re.compile(r"_versions?_")


def is_called(name, words: re.Pattern) -> bool:
    """Tell whether one of the words is in a name, however its words are set apart: zip_code, "Zip Code", zipCode."""
    apart = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", str(name)).casefold()
    return words.search("_" + re.sub(r"\W+", "_", apart) + "_") is not None
