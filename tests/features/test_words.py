import sys

import numpy as np
import pytest

from ensemble_mm import TextExtractor
from ensemble_mm.features._words import (
    APART,
    END,
    Tokens,
    _english_tagger,
    bytes_of_parts,
    part_of_speech_shares,
    parts_of,
    tokens_of,
)


def test_words_of_every_script_are_found():
    assert tokens_of("A warm Coat!") == ["a", "warm", "coat"]
    assert tokens_of("房间很干净 ok") == ["房间", "很", "干净", "ok"]
    assert tokens_of("क्या बात है") == ["क्या", "बात", "है"]
    assert tokens_of("") == []


def test_wide_scripts_give_runs_of_characters_too():
    together, alone = parts_of("房间很干净")
    assert {"房间", "很", "干净", "_间很", "_很干", "_净", "_房间很"} <= set(alone) and not any(together)
    assert parts_of("房间 a b", 2)[0] == [[], ["a", "b"]]


def test_many_texts_are_cut_as_each_of_them():
    signs = list("ab Z9.'_\x00\x01\x02\x1c\x85\xa0éİΣς’…\u0301\ufe0f❤😀🎉①½中文ナ한ไทยम्\ud800") + [
        " unbelievably long "
    ]
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(signs[:9] if row % 3 else signs, size=row % 30)) for row in range(300)]
    for shortest in (1, 2):
        *contents, order = bytes_of_parts(texts, shortest)
        found = []
        for content in contents:
            tokens = Tokens.of(content)
            long = iter(tokens.long)
            words = [next(long) if n == 0 else n.to_bytes(8, "little").rstrip(b"\0") for n in tokens.short.tolist()]
            assert words == content.split(b" ")[:-1] or words == content.split()
            found.append(b" ".join(words).decode("utf-8", "surrogatepass").split(END)[:-1])
        for row, together, alone in zip(order, *found, strict=True):
            stretches, single = parts_of(texts[row], shortest)
            assert [part.split() for part in together.split(APART) if part.strip()] == list(filter(None, stretches))
            assert alone.split() == single


def test_parts_of_speech_are_shares_of_words():
    english, chinese = part_of_speech_shares(["The dog runs quickly", "房间很干净"])
    assert english[0] == 0.25 and english[1] == 0.25  # one noun, one verb of four words
    assert sum(chinese) == pytest.approx(1)
    names = TextExtractor(pos=True).fit(["The dog runs"]).get_feature_names_out()
    assert "pos_NOUN" in names


def test_parts_of_speech_without_spacy_name_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "spacy", None)
    _english_tagger.cache_clear()
    with pytest.raises(ImportError, match=r"TextExtractor\(pos=True\) needs 'spacy'.*ensemble_mm\[english\]"):
        TextExtractor(pos=True).fit_transform(["The dog runs"])


def test_emojis_are_words():
    assert tokens_of("So happy 😀🎉!") == ["so", "happy", "😀", "🎉"]
    names = TextExtractor().fit(["so happy to be here today 😀", "so sad to be here 😡"]).get_feature_names_out()
    assert {"😀", "😡", "today 😀"} <= set(names)
