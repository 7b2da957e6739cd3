import hashlib
import unicodedata
import uuid

import numpy as np
import pandas as pd
import pytest

from ensemble_mm.schema import composed, infer_column, kind_of_strings

RNG = np.random.default_rng(0)
DIGITS = list("0123456789")
SMALL = list("abcdefghijklmnopqrstuvwxyz")


def drawn(alphabet, length):
    return "".join(RNG.choice(alphabet, length))


def many(make, n=150):
    return [make(i) for i in range(n)]


SENTENCES = {
    "sentences": ["a warm and soft coat", "torn at the seam again"] * 40,
    "posts with emojis": ["so happy today 😀🎉 really", "this is awful 😡😡 again"] * 40,
    "Thai": ["อากาศดีมากวันนี้", "ร้านนี้แย่มากเลย"] * 40,
    "Khmer": ["អាហារឆ្ងាញ់ណាស់ថ្ងៃនេះ", "សេវាកម្មអន់ណាស់"] * 40,
    "Lao": ["ມື້ນີ້ອາກາດດີຫຼາຍ", "ຮ້ານນີ້ບໍ່ດີເລີຍ"] * 40,
    "Burmese": ["ဒီနေ့ရာသီဥတုကောင်းတယ်", "ဒီဆိုင်ကမကောင်းဘူး"] * 40,
    "Japanese": ["今日は天気がいいです", "とても悪いサービス"] * 40,
    "Chinese": ["这家酒店的房间很干净", "服务太差了不会再来"] * 40,
    "few of them": ["a warm coat", "a cold coat"],
}
SHORT = {
    "names": many(lambda i: f"{RNG.choice(['Ann', 'Bob'])} {drawn(SMALL, 6).title()}"),
    "job titles": many(lambda i: f"{RNG.choice(['senior', 'lead'])} {RNG.choice(['nurse', 'driver'])}{i}"),
    "molecules": many(lambda i: "".join(RNG.choice(["CC", "c1", "N(", ")O", "=O", "[nH]"], 12))),
    "genes": many(lambda i: drawn(list("ACGT"), 40)),
    "proteins": many(lambda i: drawn(list("ACDEFGHIKLMNPQRSTVWY"), 30)),
    "addresses": many(lambda i: f"https://shop.org/{RNG.choice(['coat', 'shoe'])}/{i}"),
    "log tokens": many(lambda i: f"E{RNG.integers(5)}:0x{RNG.integers(2**16):04x}:{RNG.choice(['disk', 'net'])}"),
    "hashtags": many(lambda i: f"#{RNG.choice(['love', 'hate'])}{RNG.choice(['cats', 'dogs', 'rain'])}{i}"),
    "codes by kind": many(lambda i: f"{RNG.choice(['TV', 'PC'])}-{i:05d}"),
    "codes by floor": many(lambda i: f"{RNG.integers(9)}-{i:05d}"),
    "codes by a digit": many(lambda i: f"SN{RNG.integers(10**4):04d}{RNG.integers(1, 3)}{RNG.integers(10**4):04d}"),
    "codes by a letter": many(lambda i: drawn(SMALL + DIGITS, 5) + RNG.choice(["a", "b"]) + drawn(DIGITS, 5)),
    "codes by a run": many(lambda i: drawn(SMALL + DIGITS, 9) + ("x7q" if i % 2 else "") + drawn(SMALL + DIGITS, 9)),
    "telephones": many(lambda i: f"0{RNG.choice([30, 40, 89])}{RNG.integers(10**6, 10**7)}"),
    "many spellings": many(lambda i: drawn(SMALL, 2)),
}
CATEGORIES = {
    "colours": ["red", "blue", "green"] * 40,
    "sizes": ["T1", "T2", "T3", "T4"] * 20,
    "answers": ["very satisfied", "not satisfied", "do not know"] * 20,
    "Chinese answers": ["很满意", "不满意", "一般"] * 20,
    "few of them": ["red", "blue", "green"],
}
IDENTIFIERS = {
    "padded": many(lambda i: f"{i:06d}"),
    "counter": many(lambda i: f"A-{i:05d}"),
    "not padded": many(lambda i: f"user{i}"),
    "shuffled": [f"2017-En-{i:05d}" for i in RNG.permutation(30_000)[:150]],
    "gaps": [f"order {i}" for i in np.cumsum(RNG.integers(1, 40, 150)) + 100_000],
    "files": many(lambda i: f"doc_{i:04d}.txt"),
    "random numbers": many(lambda i: f"{RNG.integers(10**9):09d}"),
    "uuid": many(lambda i: str(uuid.uuid5(uuid.NAMESPACE_DNS, str(i)))),
    "md5": many(lambda i: hashlib.md5(str(i).encode()).hexdigest()),
    "short hashes": many(lambda i: hashlib.sha1(str(i).encode()).hexdigest()[:8]),
    "tokens": many(lambda i: drawn(SMALL + DIGITS + [c.upper() for c in SMALL], 11)),
    "cards": many(lambda i: ":".join(drawn(list("0123456789abcdef"), 2) for _ in range(6))),
}


@pytest.mark.parametrize(
    "kind, strings",
    [
        pytest.param(kind, strings, id=f"{kind}: {name}")
        for kind, columns in (
            ("text", SENTENCES),
            ("short text", SHORT),
            ("category", CATEGORIES),
            ("identifier", IDENTIFIERS),
        )
        for name, strings in columns.items()
    ],
)
def test_strings_are_taken_for_what_they_look_like(kind, strings):
    found, because = kind_of_strings(strings)
    assert found == kind and len(because) > 10


def test_the_order_of_strings_does_not_matter():
    for strings in (*SENTENCES.values(), *SHORT.values(), *CATEGORIES.values(), *IDENTIFIERS.values()):
        assert kind_of_strings(strings[::-1])[0] == kind_of_strings(strings)[0]


def test_what_comes_in_turns_is_seen_among_many_strings():
    strings = [f"{'ab' if i % 10 else 'cd'}{i:06d}" for i in range(30_000)]
    assert kind_of_strings(strings)[0] == "short text"


def test_accents_are_parts_of_their_letters():
    assert composed(unicodedata.normalize("NFD", "Zoë, café")) == "Zoë, café"


def test_a_dictionary_of_texts_that_do_not_repeat_holds_no_categories():
    """Arrow and Parquet keep any texts so."""
    reviews = pd.Series([f"a warm and soft coat of {RNG.integers(10**9)} threads" for _ in range(40)], dtype="category")
    assert infer_column(reviews, "x").taken_as == "text"
    assert infer_column(pd.Series(["red", "blue"] * 20, dtype="category"), "x").taken_as == "category"
    assert infer_column(pd.Series(range(40), dtype="category"), "x").taken_as == "category"


def test_numbers_among_texts_are_texts():
    texts = ["a warm and soft coat", "torn at the seam again"] * 20
    assert infer_column(pd.Series([*texts, 5, 7.5], dtype=object), "x").taken_as == "text"
    assert infer_column(pd.Series(["red", "blue", 5] * 9, dtype=object), "x").taken_as == "category"


def test_accents_are_part_of_their_letters_and_few():
    assert composed("e\u0301") == "é" and composed("e\u0301" * 100) == "é" * 100
    many = composed("e" + "\u0301\u0323" * 20_000 + "x")  # which Unicode would take a minute to sort
    assert len(many) < 40 and many[-1] == "x" and composed("\u2014" * 99) == "\u2014" * 99


@pytest.mark.parametrize("form", ["{0} BC", "{0}-{1}", "${0} to ${1}", "c. {0}-{1}"])
def test_sizes_are_no_identifiers(form):
    numbers = np.random.default_rng(0).permutation(range(100, 900, 7))
    assert kind_of_strings([form.format(n, n + 20) for n in numbers])[0] == "short text"
