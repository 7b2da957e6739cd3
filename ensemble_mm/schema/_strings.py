"""What the strings of a column are: sentences, short or coded strings, categories, or identifiers."""

import numpy as np


def kind_of_strings(texts: list[str]) -> tuple[str, str]:
    """Return what strings that are neither numbers nor dates are taken for, and why."""
    if _reads_like_text(texts):
        return "text", "strings of several words that hardly repeat"
    return "category", "strings that are neither numbers, dates nor sentences"


def _reads_like_text(texts: list[str]) -> bool:
    """Sentences, titles and names that hardly repeat are text; codes and categories are not."""
    words = np.array([len(text.split()) for text in texts])
    wide = np.mean([sum(ord(c) > 0x2E7F for c in text) for text in texts])  # Chinese, Japanese, Korean: no spaces
    variety = len(set(texts)) / len(texts)
    if wide >= 2:
        return bool(wide >= 4) and variety > 0.3
    if words.mean() >= 4:
        return variety > 0.1 or len(set(texts)) > 50
    return words.mean() >= 1.5 and variety > 0.5
