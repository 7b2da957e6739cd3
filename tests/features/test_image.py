import io
import weakref

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression

from ensemble_mm import StackedClassifier
from ensemble_mm._checks import BadItemsError
from ensemble_mm.features import ImageExtractor, _image
from ensemble_mm.features._picture_features import hog_of
from ensemble_mm.features._pictures import read_picture


def picture(seed=0, height=40, width=60):
    rng = np.random.default_rng(seed)
    coarse = rng.integers(0, 256, size=(4, 6, 3), dtype=np.uint8)
    return np.kron(coarse, np.ones((height // 4, width // 6, 1), dtype=np.uint8))


def png(array, **options):
    buffer = io.BytesIO()
    Image.fromarray(array).save(buffer, format="PNG", **options)
    return buffer.getvalue()


def test_paths_bytes_arrays_and_pil_images_give_the_same(tmp_path):
    array = picture()
    path = tmp_path / "a.png"
    path.write_bytes(png(array))
    X = ImageExtractor().fit_transform([str(path), path, path.read_bytes(), Image.fromarray(array), array])
    assert X.dtype == np.float32 and np.isfinite(X).all()
    np.testing.assert_array_equal(X, np.repeat(X[:1], 5, axis=0))


def test_a_picture_lying_on_its_side_is_put_upright():
    array = picture()
    exif = Image.Exif()
    exif[0x0112] = 6  # rotate by 90 degrees clockwise to see it upright
    turned = io.BytesIO()
    Image.fromarray(np.rot90(array)).save(turned, format="PNG", exif=exif)
    upright, lying = ImageExtractor().transform([array, turned.getvalue()])
    np.testing.assert_allclose(lying, upright, atol=1e-6)


def test_modes_are_read_as_what_they_look_like():
    array = picture()
    grey = array[..., 0]
    opaque = np.dstack([array, np.full(array.shape[:2], 255, np.uint8)])
    clear = np.dstack([array, np.zeros(array.shape[:2], np.uint8)])
    extractor = ImageExtractor(output="pixels")
    a, b, c, d, e, white = extractor.transform(
        [array, opaque, grey, np.dstack([grey] * 3), grey.astype(np.uint16) * 257, clear]
    )
    np.testing.assert_allclose(a, b, atol=1 / 255)
    np.testing.assert_allclose(c, d, atol=1 / 255)
    np.testing.assert_allclose(c, e, atol=2 / 255)
    np.testing.assert_allclose(white, 1.0, atol=1 / 255)
    palette = Image.fromarray(array).convert("P", palette=Image.Palette.ADAPTIVE)
    np.testing.assert_allclose(extractor.transform([palette])[0], a, atol=0.1)


def test_columns_have_names_and_groups_can_be_left_out():
    X = ImageExtractor().fit_transform([picture()])
    assert X.shape[1] == len(ImageExtractor().get_feature_names_out()) == 768
    colour = ImageExtractor(features=("color",))
    assert colour.fit_transform([picture()]).shape[1] == len(colour.get_feature_names_out()) == 228


def test_pixels_come_back_as_a_picture():
    side = 16
    X = ImageExtractor(output="pixels", size=side).transform([np.full((30, 30, 3), [255, 0, 51], np.uint8)])
    picture = X.reshape(-1, side, side, 3)
    np.testing.assert_allclose(picture, np.broadcast_to([1.0, 0.0, 0.2], picture.shape), atol=1e-6)


def test_a_fit_never_holds_many_decoded_pictures(tmp_path, monkeypatch):
    """20,000 files are read a few at a time; so are augmented copies, and what an encoder reads."""
    n, n_read, most = 150, 0, 0
    for i in range(n):
        (tmp_path / f"{i}.png").write_bytes(png(np.full((4, 4), 100 * (i % 2) + i // 4, np.uint8)))
    paths = [str(tmp_path / f"{i}.png") for i in range(n)]
    held = weakref.WeakValueDictionary()

    def counted(*args, **options):
        nonlocal n_read, most
        image = read_picture(*args, **options)
        n_read += 1
        held[n_read] = image
        most = max(most, len(held))
        return image

    monkeypatch.setattr(_image, "read_picture", counted)
    learners = [("linear", LogisticRegression())]
    settings = {"learners": learners, "cv": 2, "meta_learner": "mean", "random_state": 0, "n_jobs": 1}
    extractor = ImageExtractor(features=["thumbnail"], size=16)
    views = [("photo", extractor, "photo")]
    for augment in (0, 1):
        n_read = most = 0
        held.clear()
        StackedClassifier(views, augment=augment, **settings).fit(pd.DataFrame({"photo": paths}), np.arange(n) % 2)
        assert n_read == n * (1 + 2 * augment) and 0 < most <= 2  # a changed copy is an array that is read in turn
    most = 0
    extractor.set_params(encoder=lambda images: np.ones((len(images), 2))).transform(paths)
    assert 0 < most <= 33  # a batch


def test_missing_pictures_are_rows_of_nan():
    X = ImageExtractor().transform([None, picture(), np.nan, "", picture(1)])
    assert np.isnan(X).all(axis=1).tolist() == [True, False, True, True, False]


@pytest.fixture
def broken(tmp_path):
    whole = png(picture())
    files = {
        "cut.png": whole[: len(whole) // 2],
        "empty.png": b"",
        "text.png": b"this is no picture",
        "good.png": whole,
    }
    for name, content in files.items():
        (tmp_path / name).write_bytes(content)
    (tmp_path / "folder.png").mkdir()
    return [str(tmp_path / name) for name in [*files, "folder.png", "absent.png"]]


def test_one_error_names_all_that_cannot_be_read(broken):
    with pytest.raises(BadItemsError) as caught:
        ImageExtractor().transform(broken)
    assert list(caught.value.rows) == [0, 1, 2, 4, 5]
    for name in ("cut.png", "empty.png", "text.png", "folder.png", "absent.png"):
        assert name in str(caught.value)


def test_on_request_what_cannot_be_read_is_missing(broken):
    with pytest.warns(UserWarning, match="5"):
        X = ImageExtractor(on_bad="missing").transform(broken)
    assert np.isnan(X).all(axis=1).tolist() == [True, True, True, False, True, True]


def test_a_bomb_is_not_unpacked():
    bomb = png(np.zeros((3000, 3000), np.uint8))
    with pytest.raises(BadItemsError, match="max_pixels"):
        ImageExtractor(max_pixels=1_000_000).transform([bomb])


def test_augmented_copies_differ_and_are_seeded():
    items = [picture(), None, picture(1)]
    extractor = ImageExtractor()
    one, same, other = (extractor.augment(items, random_state=seed) for seed in (0, 0, 1))
    assert one[1] is None
    X, X_same, X_other = (extractor.transform(copies) for copies in (one, same, other))
    np.testing.assert_array_equal(X, X_same)
    assert np.abs(X[0] - X_other[0]).max() > 1e-3
    assert np.abs(X[0] - extractor.transform(items)[0]).max() > 1e-3


def test_an_encoder_of_the_users_own():
    def encoder(images):
        return np.array([[image.width, image.height] for image in images])

    X = ImageExtractor(encoder=encoder).fit_transform([picture(), None, picture(1, 20, 30)])
    assert X.dtype == np.float32
    np.testing.assert_array_equal(X[[0, 2], 0], [60, 30])
    assert np.isnan(X[1]).all()


def test_gradients_are_those_of_scikit_image():
    """Ours are several times as fast on small pictures; their definition is the same."""
    from skimage.feature import hog

    luma = np.array([Image.fromarray(picture(seed)).convert("L").resize((64, 64), 2) for seed in range(3)])
    for mine, grey in zip(hog_of(luma), np.sqrt(luma / 255), strict=True):
        theirs = hog(grey, orientations=9, pixels_per_cell=(16, 16), cells_per_block=(2, 2))
        np.testing.assert_allclose(mine, theirs, atol=2e-3)


def test_thumbnails_are_those_of_pillow():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, size=(64, 64, 3)).astype(np.uint8))
    luma, blue, _ = image.convert("YCbCr").split()
    extractor = ImageExtractor(features=["thumbnail"])
    X = 255 * extractor.transform([image])[0]
    np.testing.assert_allclose(X[:144].reshape(12, 12), luma.resize((12, 12), 4), atol=1)
    np.testing.assert_allclose(X[144:160].reshape(4, 4), blue.resize((4, 4), 4), atol=1)


def test_features_of_a_picture_do_not_depend_on_the_others():
    pictures = [picture(seed, 40, 6 * (seed + 1)) for seed in range(11)]
    whole = ImageExtractor().transform(pictures)
    np.testing.assert_array_equal(whole, np.vstack([ImageExtractor().transform([p]) for p in pictures]))


def test_patterns_tell_flat_parts_edges_and_noise_apart():
    rng = np.random.default_rng(0)
    flat = np.full((64, 64), 90, np.uint8)
    edges = np.repeat(np.tile([0, 0, 0, 0, 200, 200, 200, 200], 8)[np.newaxis], 64, axis=0).astype(np.uint8)
    noise = rng.integers(0, 256, size=(64, 64)).astype(np.uint8)
    X = ImageExtractor(features=("lbp",)).transform([flat, edges, noise])
    shares = X.reshape(3, 4, 10)
    np.testing.assert_allclose(shares.sum(axis=2), 1, atol=1e-6)
    assert (shares[0, :, 8] > 0.9).all()  # all neighbours as bright
    assert (shares[1, :, 5] > 0.2).all() and (shares[2, :, 9] > 0.3).all()


def test_contrast_is_the_deviation_within_a_cell():
    rng = np.random.default_rng(0)
    array = rng.integers(0, 256, size=(64, 64, 3)).astype(np.uint8)
    extractor = ImageExtractor(features=("color",))
    X = extractor.transform([array])[0]
    names = list(extractor.get_feature_names_out())
    luma = np.asarray(Image.fromarray(array).convert("YCbCr"), dtype=float)[..., 0] / 255
    assert X[names.index("contrast_y_0_0")] == pytest.approx(luma[:16, :16].std(), abs=1e-4)
    assert X[names.index("contrast_y_3_2")] == pytest.approx(luma[48:, 32:48].std(), abs=1e-4)


@pytest.mark.parametrize(
    ("parameters", "words"),
    [({"size": 10**6}, "'size' .* 8192.. Got 1000000"), ({"features": None}, "features=None must be a list"),
     ({"features": 3}, "features=3 must be a list"), ({"max_pixels": "a"}, "'max_pixels' .* Got 'a'")],
)  # fmt: skip
def test_parameters_are_checked(parameters, words):
    with pytest.raises(ValueError, match=words):
        ImageExtractor(**parameters).transform([np.zeros((8, 8), np.uint8)])
