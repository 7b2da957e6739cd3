"""Files that cannot be read end the fit with one list, or are missing where the user says so."""

import io
import zlib

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from ensemble_mm import MultiOutputStack
from ensemble_mm._checks import BadItemsError

av = pytest.importorskip("av")
soundfile = pytest.importorskip("soundfile")
N = 32
WRONG_SUFFIX = 6  # the row of a picture that is read in spite of its name


def picture_bytes(seed, side=12, kind="PNG"):
    buffer = io.BytesIO()
    Image.fromarray(np.random.default_rng(seed).integers(0, 256, size=(side, side), dtype=np.uint8)).save(buffer, kind)
    return buffer.getvalue()


def bomb():
    """A PNG that says it has 50,000 x 50,000 pixels."""
    head = picture_bytes(0)
    head = head[:16] + (50_000).to_bytes(4, "big") * 2 + head[24:]
    return head[:29] + zlib.crc32(head[12:29]).to_bytes(4, "big") + head[33:]


def write_clip(path, n_frames, sound=False):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=8000) if sound else container.add_stream("mpeg4", rate=10)
        if sound:
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 4000), np.float32), format="fltp", layout="mono")
            frame.sample_rate = 8000
            container.mux(stream.encode(frame))
        else:
            stream.width = stream.height = 32
            container.start_encoding()
        for i in range(n_frames):  # a new frame of FFmpeg holds whatever the memory held
            pixels = np.random.default_rng(i).integers(0, 256, size=(32, 32, 3), dtype=np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(pixels, format="rgb24")))
        container.mux(stream.encode(None))


@pytest.fixture
def table(tmp_path):
    """Pictures and clips, of which the first rows are bad each in its own way."""
    for i in range(N):
        (tmp_path / f"{i}.png").write_bytes(picture_bytes(i))
    write_clip(tmp_path / "good.mp4", 4)
    write_clip(tmp_path / "only sound.mp4", 0, sound=True)
    write_clip(tmp_path / "no frame.avi", 0)
    good_clip = (tmp_path / "good.mp4").read_bytes()
    for name, content in {
        "cut.png": picture_bytes(0, 64)[:1000], "empty.png": b"", "bomb.png": bomb(), "text.png": b"no picture",
        "wrong suffix.jpg": picture_bytes(0), "cut.mp4": good_clip[: len(good_clip) // 2], "empty.mp4": b"",
    }.items():  # fmt: skip
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    bad = ["cut.png", "empty.png", "bomb.png", "text.png", "folder.png", "absent.png", "wrong suffix.jpg"]
    bad_clips = ["only sound.mp4", "no frame.avi", "cut.mp4", "empty.mp4", "absent.mp4"]
    X = pd.DataFrame(
        {
            "photo": [*bad, *(f"{i}.png" for i in range(len(bad), N))],
            "clip": [*bad_clips, *["good.mp4"] * (N - len(bad_clips))],
        }
    ).map(lambda name: str(tmp_path / name))
    Y = pd.DataFrame({"kind": np.arange(N) % 2, "level": np.arange(N) // 2 % 2})
    return X, Y


def stack(**settings):
    return MultiOutputStack(learners=[("linear", LogisticRegression())], cv=2, random_state=0, **settings)


def test_one_error_lists_ten_by_row_and_path_and_counts_the_others(table):
    X, Y = table
    with pytest.raises(BadItemsError) as caught:
        stack().fit(X, Y)
    text = str(caught.value)
    assert text.startswith("11 of the items (6 in view 'photo', 5 in view 'clip') cannot be read:\n  row 0: view")
    assert caught.value.rows == sorted([*range(6), *range(5)]) and "\n  and 1 more\n" in text
    for words in ("cut.png: it cannot be decoded as image (", "empty.png: the file is empty",
                  "bomb.png: it claims more", "text.png: it is not an image", "folder.png: it is a folder",
                  "only sound.mp4: it has no video stream",
                  "no frame.avi: it has no frame", "cut.mp4: it cannot be decoded as video (",
                  "absent.mp4: there is no such file"):  # fmt: skip
        assert words in text


def test_on_request_bad_files_abstain(table):
    X, Y = table
    with pytest.warns(UserWarning, match="6 of the images in view 'photo' cannot be read"):
        model = stack(on_bad="missing").fit(X[["photo"]], Y)
    cells = model.table_.to_frame()["kind"]["linear"]["photo"].isna().to_numpy().ravel()
    assert np.flatnonzero(cells).tolist() == list(range(6)) and not cells[WRONG_SUFFIX]
    with pytest.warns(UserWarning, match="6 of the images in view 'photo' cannot be read"):
        proba = model.predict_proba(X[["photo"]][:8])["kind"]
    np.testing.assert_allclose(proba[:6], np.tile([0.5, 0.5], (6, 1)))  # the shares of the training rows
    assert len(np.unique(proba[6:])) > 1


def test_one_warning_a_view_lists_bad_files_by_their_rows_at_every_fit(table, tmp_path, monkeypatch):
    """Chunks know their own rows only, and what the cache knows is not read again."""
    monkeypatch.setattr("ensemble_mm.crossfit._features.CHUNK_ROWS", 4)
    X, Y = table
    X = X[::-1].reset_index(drop=True)
    for _ in range(2):
        with pytest.warns(UserWarning) as caught:
            stack(on_bad="missing", cache=tmp_path / "cache").fit(X[["photo"]], Y)
        words = [str(w.message) for w in caught if "cannot be read" in str(w.message)]
        assert len(words) == 1 and words[0].startswith("6 of the images in view 'photo' cannot be read:\n  row 26: ")
        assert [f"row {row}: " in words[0] for row in (25, 26, 31)] == [False, True, True]
        assert "cut.png" in words[0].splitlines()[-2]


def test_a_bad_file_and_its_augmented_copies_are_one(table):
    X, Y = table
    with pytest.warns(UserWarning, match="6 of the images"):
        stack(on_bad="missing", augment=2).fit(X[["photo"]], Y)
    with pytest.raises(BadItemsError, match="6 of the images"):
        stack(augment=2).fit(X[["photo"]], Y)
