"""An item is what it holds, in whatever form it was handed over."""

import base64
import io

import numpy as np
import pandas as pd
import pytest

from ensemble_mm import infer_schema
from ensemble_mm._items import head_of, is_address, numbers_of, plain_column, plain_item, sound_pair, suffix_of
from ensemble_mm.features import MODALITIES

PNG = b"\x89PNG" + bytes(range(80))


class Tensor:
    """As much of a tensor of torch as is asked for."""

    def __init__(self, values):
        self.values = np.asarray(values)

    def detach(self):
        return self

    def cpu(self):
        return self.values


def taken_as(items):
    """Return what a column is taken for in a frame; in a dict, it must be the same."""
    column = pd.Series(list(items), dtype=object)
    (found,) = infer_schema(pd.DataFrame({"x": column})).to_frame()["taken_as"]
    assert infer_schema({"x": list(items)}).to_frame()["taken_as"].tolist() == [found]
    return found


@pytest.mark.parametrize(
    "form",
    [
        PNG, bytearray(PNG), memoryview(PNG), io.BytesIO(PNG), {"bytes": PNG, "path": None}, {"bytes": PNG},
        base64.b64encode(PNG).decode(), "data:image/png;base64," + base64.b64encode(PNG).decode(),
        "data:image/png," + "".join(f"%{byte:02x}" for byte in PNG),
    ],
)  # fmt: skip
def test_a_file_in_memory_is_its_bytes(form):
    assert plain_item(form) == PNG == plain_item(form)  # a file object stays where it was
    assert taken_as([form] * 4) == "image"


def test_what_is_empty_is_missing():
    for empty in (bytearray(), memoryview(b""), {"bytes": None, "path": None}):
        assert plain_item(empty) is None


@pytest.mark.parametrize(
    "text",
    ["", "a word", "MKVL" * 40, "ACGT" * 40, "data: the oil of our days, they say, and more to come"],
)
def test_texts_stay_texts(text):
    assert plain_item(text) is text


def test_paths_of_data_set_libraries_and_their_sounds_are_read():
    assert plain_item({"bytes": None, "path": "a.png"}) == "a.png"
    samples, rate = plain_item({"array": [0.0, 1.0], "sampling_rate": 8000, "path": "a.wav"})
    assert samples.tolist() == [0.0, 1.0] and rate == 8000
    other = {"size": 3}
    assert plain_item(other) is other


def test_tensors_are_arrays():
    np.testing.assert_array_equal(plain_item(Tensor([[1, 2]])), [[1, 2]])
    assert plain_column(Tensor(np.zeros((4, 3, 8, 8)))).shape == (4, 3, 8, 8)
    assert taken_as([Tensor(np.zeros((3, 8, 9)))] * 3) == "image"
    assert infer_schema({"x": Tensor(np.zeros((4, 3, 8, 8)))})["x"].taken_as == "image"
    assert infer_schema({"x": Tensor(np.zeros((4, 3)))})["x"].taken_as == "vector"
    assert infer_schema(Tensor(np.zeros((4, 3)))).columns[0].taken_as == "vector"


def test_samples_and_rate_are_a_pair_in_either_order():
    samples = np.arange(8.0)
    for pair in ((samples, 8000), (8000, samples), (np.int64(8000), samples.tolist()), [samples, 8000.0]):
        found, rate = sound_pair(pair)
        assert rate == 8000 and found.tolist() == samples.tolist()
    assert sound_pair((1, 2)) is None and sound_pair((samples, samples)) is None
    assert taken_as([(8000, samples)] * 3) == "audio"


def test_numbers_are_read_from_lists_and_from_lists_written_as_text():
    for item in ([1, 2.5, None], "[1, 2.5, null]", "[1. 2.5 nan]", np.array([1, 2.5, np.nan])):
        np.testing.assert_array_equal(numbers_of(item), [1, 2.5, np.nan])
    for item in (["a"], "[a, b]", "1, 2", "[1 2 ... 3]", np.zeros((2, 2)), 3.0):
        assert numbers_of(item) is None


def test_names_of_files_and_addresses_are_told_from_other_names():
    assert suffix_of("A.JPG") == ".jpg" == suffix_of("https://a.org/b.jpg?width=200")
    assert suffix_of("https://a.org") == suffix_of("shop.com.au") == suffix_of("me@shop.au") == suffix_of("word") == ""
    assert suffix_of("horn.au") == ".au"
    assert is_address("s3://a/b.png") and not is_address("c:/a/b.png") and not is_address("a.png")


@pytest.mark.parametrize(
    ("kind", "suffixes"),
    [
        ("image", "jpg jpe jfif avif jp2 tga heic svg psd"),
        ("audio", "wav m4a aac wma aifc au amr mid"),
        ("video", "mp4 3gp wmv ts ogv mts flv dv"),
    ],
)
def test_files_are_media_whether_or_not_they_can_be_read(kind, suffixes):
    for suffix in suffixes.split():
        names = [f"media/IMG_{i}.{suffix.upper() if i % 2 else suffix}" for i in range(10)]
        assert taken_as(names) == kind
        assert taken_as([*names[:7], "IMG_7", "IMG_8.txt", f"https://a.org/9.{suffix}"]) == kind
        assert taken_as([*names, None, None]) == kind


def test_files_of_several_modalities_are_no_words():
    assert taken_as(["a.wav", "b.mp4", "c.mp4", "d.png"]) == "video"
    assert MODALITIES.recognise(["see a.png", "see b.png", "nothing to see"]) is None


@pytest.mark.parametrize(
    ("kind", "head"),
    [
        ("image", b"\xff\xd8\xff\xe0"), ("image", b"\0\0\0\x1cftypavif"), ("image", b"\0\0\0\x1cftypheic"),
        ("image", b"what?"),
        ("audio", b"RIFF\0\0\0\0WAVE"), ("audio", b"\0\0\0\x1cftypM4A "), ("audio", b"\xff\xf1P"),
        ("audio", b"FORM\0\0\0\0AIFC"),
        ("video", b"\0\0\0\x1cftypisom"), ("video", b"\0\0\0\x14ftypqt  "), ("video", b"0&\xb2u\x8ef"),
        ("video", b"GIF89a"),
        ("video", b"OggS" + bytes(25) + b"theora"), ("audio", b"OggS" + bytes(25) + b"vorbis"),
    ],
)  # fmt: skip
def test_bytes_are_what_they_begin_with(kind, head):
    content = head + bytes(60)
    assert len(head_of(content)) < len(content)
    assert taken_as([content] * 3) == kind
    assert taken_as([content] * 8 + [b"?"]) == kind == taken_as([b"?"] + [content] * 8)


def test_pictures_may_have_their_channels_first_and_clips_frames():
    assert taken_as([np.zeros((3, 8, 9))] * 4) == "image"
    assert taken_as(np.zeros((4, 3, 8, 9), np.uint8)) == "image"
    assert taken_as([np.zeros((n, 8, 9)) for n in (3, 5, 4)]) == "video"
    assert taken_as([np.zeros((6, 3, 8, 9))] * 4) == "video"


def test_numbers_of_one_length_are_vectors_and_of_several_sounds():
    rng = np.random.default_rng(0)
    for width in (2, 768, 4096, 12288):
        vectors = rng.normal(size=(6, width))
        assert taken_as(list(vectors)) == taken_as([row.tolist() for row in vectors]) == "vector"
    assert taken_as([str(row.tolist()) for row in vectors[:, :5]]) == "vector"
    assert taken_as([rng.normal(size=n) for n in (800, 900, 1000)]) == "audio"
    assert taken_as([[1.0] * n for n in (2, 3, 4)]) == "vector"  # and an error that tells the lengths, when it is read
    waves = [np.sin(np.arange(8000) / (2 + i)) for i in range(5)]
    assert infer_schema(pd.DataFrame({"x": waves}))["x"].taken_as == "audio"  # in a dict they are a matrix
    assert infer_schema(pd.DataFrame({"x": [np.stack([w, w]) for w in waves]}))["x"].taken_as == "audio"
    spectra = [np.abs(wave) + 1 for wave in waves]  # neighbours are alike, but they do not swing about zero
    assert taken_as(spectra) == "vector"


def test_a_guess_between_vectors_and_sounds_is_told_with_what_to_write():
    rng = np.random.default_rng(0)
    (note,) = infer_schema(pd.DataFrame({"x": list(rng.normal(size=(6, 4096)))})).notes
    assert "4096 numbers" in note and "columns={'x': 'audio'}" in note
    (note,) = infer_schema(pd.DataFrame({"x": [np.sin(np.arange(8000) / (2 + i)) for i in range(5)]})).notes
    assert "columns={'x': 'vector'}" in note
    assert infer_schema(pd.DataFrame({"x": list(rng.normal(size=(6, 3072)))})).notes == []


def test_numbers_in_a_row_without_brackets_are_vectors_of_one_length():
    pixels = [" ".join(map(str, range(i, i + 12))) for i in range(30)]
    assert taken_as(pixels) == "vector" == taken_as([text.replace(" ", ";") for text in pixels])
    assert taken_as([text[: -3 * (i % 2 + 1)] for i, text in enumerate(pixels)]) not in ("vector", "audio")
    assert taken_as([f"030 {1234567 + 3 * i * i}" for i in range(30)]) not in ("vector", "audio")


def test_base64_of_addresses_is_a_file():
    assert plain_item(base64.urlsafe_b64encode(PNG + b"\xfb\xff").decode()) == PNG + b"\xfb\xff"


def test_arrays_that_were_printed_short_are_told():
    column = infer_schema(pd.DataFrame({"x": [f"[0.{i} 0.2 ... 0.3 0.4]" for i in range(30)]}))["x"]
    assert "without most of their numbers" in column.notes[0] and "'drop'" in column.notes[0]
