"""What one column of X is taken for, why, and how its values are read: pure functions of values and a frozen rule."""

from ._accents import composed
from ._blanks import blanks_of, is_blank, is_no_text
from ._categories import word_of
from ._column import IN_TABLE, LEFT_OUT, STRINGS, Column
from ._dates import learn_dates
from ._few import FEW, FewRows, are_plain, read_few
from ._inference import LOOKED_AT, check_kind, infer_column
from ._numbers import NumberRule, learn_numbers, units_of
from ._schema import Schema
from ._sentences import infer_sentences
from ._strings import CHINESE, SOUTHEAST, are_digits, are_sentences, drawn_of, kind_of_strings
