import av
import numpy as np
import pytest

from ensemble_mm._checks import BadItemsError
from ensemble_mm.features._media import (
    ChangedItem,
    UnreadableItem,
    changed_items,
    decoding,
    open_clip,
    open_item,
    read_all,
)


def length(item):
    if item == "bad":
        raise UnreadableItem("it is bad")
    return [len(item)]


def test_rows_keep_their_place_and_missing_ones_are_nan():
    out = read_all(["a", None, "ccc"], length, on_bad="raise", what="words")
    assert out.dtype == np.float32
    np.testing.assert_array_equal(out, [[1], [np.nan], [3]])
    assert read_all([None, None], length, on_bad="raise", what="words", n_columns=4).shape == (2, 4)


def test_bad_items_are_told_together_or_are_missing():
    items = ["a", "bad", "b", "bad"]
    with pytest.raises(BadItemsError, match="2 of the words") as caught:
        read_all(items, length, on_bad="raise", what="words")
    assert caught.value.rows == [1, 3]
    with pytest.warns(UserWarning, match="2 of the words"):
        out = read_all(items, length, on_bad="missing", what="words")
    assert np.isnan(out[:, 0]).tolist() == [False, True, False, True]


def test_no_more_than_a_batch_is_held_at_a_time():
    sizes = []

    def encode(batch):
        sizes.append(len(batch))
        return np.array(batch)

    items = [f"{i}" * (i + 1) for i in range(9)]
    out = read_all(items, length, on_bad="raise", what="words", encode=encode, batch_size=4)
    assert sizes == [4, 4, 1] and len(out) == 9


def test_an_encoder_that_loses_a_row_is_told():
    with pytest.raises(ValueError, match="gave 1 rows for 2 words"):
        read_all(["a", "b"], length, on_bad="raise", what="words", encode=lambda batch: np.ones((1, 2)))


def test_what_is_no_file_says_so(tmp_path):
    (tmp_path / "empty").write_bytes(b"")
    for item, words in [
        (tmp_path, "folder"), (tmp_path / "no", "no such file"), (tmp_path / "empty", "empty"), (b"", "no bytes"),
        (3.5, "float"), ("a\0b", "not a path|no such file"),
    ]:  # fmt: skip
        with pytest.raises(UnreadableItem, match=words):
            open_item(item, "image")


def test_errors_of_decoders_become_reasons_but_no_memory_does_not():
    with pytest.raises(UnreadableItem, match="cannot be decoded as sound .odd block"):
        with decoding("sound"):
            raise RuntimeError("odd block")
    with pytest.raises(MemoryError):
        with decoding("sound"):
            raise MemoryError


def repeated(item, seed, times):
    return item * times + str(seed % 2)


def test_changed_items_are_made_when_they_are_read():
    rng = np.random.RandomState(0)
    copies = changed_items(["ab", None, "bad"], repeated, rng, 2)
    assert copies[1] is None and isinstance(copies[0], ChangedItem)
    assert copies[0].load() == copies[0].load() and len(copies[0].load()) == 5
    out = read_all(copies, length, on_bad="raise", what="words")
    np.testing.assert_array_equal(out[:, 0], [5, np.nan, 7])
    with pytest.raises(BadItemsError, match="row 0: bad: it is bad"):
        read_all([ChangedItem(lambda item, seed: item, "bad", 0)], length, on_bad="raise", what="words")


def test_what_holds_nothing_of_the_kind_is_missing_without_a_word(recwarn):
    out = read_all(["a", "bb"], lambda item: None if item == "a" else [2.0], on_bad="raise", what="words")
    np.testing.assert_array_equal(out, [[np.nan], [2]])
    assert not recwarn.list


def test_a_riff_file_that_is_cut_off_says_so(tmp_path):
    whole = b"RIFF" + (92).to_bytes(4, "little") + b"WAVE" + bytes(88)
    path = tmp_path / "a.wav"
    for content in (whole, whole[:4] + bytes(4) + whole[8:50], whole[:4] + b"\xff" * 4 + whole[8:50]):
        path.write_bytes(content)  # whole, or of a length that was not known when it was written
        assert open_item(path, "sound") == str(path)
        assert open_item(content, "sound").read() == content
    path.write_bytes(whole[:50])
    for item in (path, whole[:50]):
        with pytest.raises(UnreadableItem, match="cut off: it says that it has 100 bytes, and 50 are there"):
            open_item(item, "sound")


def tiny_clip(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width = stream.height = 32
        container.mux(stream.encode(av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), "rgb24")))
        container.mux(stream.encode(None))
    return path


@pytest.mark.parametrize("suffix", ["mp4", "m3u8", "ffconcat", "sdp", "mpd"])
@pytest.mark.parametrize("as_bytes", [False, True])
def test_a_clip_opens_no_other_file_and_no_connection(tmp_path, suffix, as_bytes):
    """Playlists, lists of clips and descriptions of streams are no clips: FFmpeg would follow them."""
    (tmp_path / "in").mkdir()
    secret = tiny_clip(tmp_path / "secret.mp4")
    tiny_clip(tmp_path / "in" / "beside.mp4")
    for content in (
        f"#EXTM3U\n#EXT-X-TARGETDURATION:9\n#EXTINF:9.0,\nfile://{secret}\n#EXT-X-ENDLIST\n",
        f"ffconcat version 1.0\nfile '{secret}'\n", "ffconcat version 1.0\nfile 'beside.mp4'\n",
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nt=0 0\nm=video 5004 RTP/AVP 96\n"
        "a=rtpmap:96 H264/90000\n",
        '<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period><AdaptationSet>'
        f'<Representation id="1"><BaseURL>file://{secret}</BaseURL></Representation></AdaptationSet></Period></MPD>',
    ):  # fmt: skip
        path = tmp_path / "in" / f"clip.{suffix}"
        path.write_text(content)
        with pytest.raises(UnreadableItem, match="cannot be decoded as video"), decoding("video"):
            open_clip(path.read_bytes() if as_bytes else path, caller="test")


def test_a_name_is_no_address(tmp_path, monkeypatch):
    """FFmpeg reads "concat:a|b" as two files."""
    monkeypatch.chdir(tmp_path)
    tiny_clip("a.mp4")
    (tmp_path / "concat:a.mp4").write_bytes(b"no clip")
    with pytest.raises(UnreadableItem, match="cannot be decoded"), decoding("video"):
        open_clip("concat:a.mp4", caller="test")
    assert open_clip("a.mp4", caller="test").streams.video
