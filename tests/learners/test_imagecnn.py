import numpy as np
import pytest

from ensemble_mm.learners import ImageCNN, ImageCNNClassifier, ImageCNNRegressor

pytest.importorskip("torch")

FAST = {"width": 4, "n_blocks": 2, "max_epochs": 1, "random_state": 0}


def test_the_task_picks_the_class():
    assert isinstance(ImageCNN(width=4), ImageCNNClassifier)
    assert isinstance(ImageCNN("regression", width=4), ImageCNNRegressor)
    with pytest.raises(ValueError, match="task"):
        ImageCNN("ranking")


@pytest.mark.parametrize(
    ("n_columns", "given", "found"),
    [(64, None, (8, 8, 1)), (192, None, (8, 8, 3)), (256, None, (16, 16, 1)), (48, (6, 8), (6, 8, 1)),
     (72, (4, 6, 3), (4, 6, 3))],
)  # fmt: skip
def test_the_shape_of_flattened_images_is_found(n_columns, given, found):
    X, y = np.random.default_rng(0).random((30, n_columns), dtype=np.float32), np.arange(30) % 2
    assert ImageCNNClassifier(image_shape=given, **FAST).fit(X, y).image_shape_ == found


@pytest.mark.parametrize(("n_columns", "given"), [(50, None), (64, (7, 7))])
def test_columns_that_are_no_image_are_told(n_columns, given):
    X, y = np.zeros((30, n_columns), np.float32), np.arange(30) % 2
    with pytest.raises(ValueError, match="image"):
        ImageCNNClassifier(image_shape=given, **FAST).fit(X, y)


def test_brightness_and_contrast_of_a_whole_set_do_not_matter():
    """Pixels are standardised by the training rows, so their unit does not count."""
    X, y = np.random.default_rng(0).random((40, 64)), np.arange(40) % 2
    one = ImageCNNClassifier(**FAST).fit(X, y).predict_proba(X)
    two = ImageCNNClassifier(**FAST).fit(200 * X + 30, y).predict_proba(200 * X + 30)
    np.testing.assert_allclose(one, two, atol=1e-3)


def test_several_numbers_with_holes_share_a_trunk():
    X, y = np.random.default_rng(0).random((40, 64)), np.random.default_rng(1).random((40, 2))
    y[:10, 1] = np.nan
    model = ImageCNNRegressor(**FAST).fit(X, y)
    assert model.predict(X).shape == (40, 2) and np.isfinite(model.predict(X)).all()


def test_structured_pruning_makes_the_blocks_narrower():
    X, y = np.random.default_rng(0).random((40, 64)), np.arange(40) % 2
    model = ImageCNNClassifier(**FAST).fit(X, y).prune(0.5, structured=True)
    assert model.shape_["n_inner"] == [2, 4] and model.shape_["widths"] == [4, 8]
    assert np.isfinite(model.predict_proba(X)).all()


def test_a_missing_picture_is_told_in_plain_words():
    pictures = [np.zeros((8, 8, 3), dtype=np.uint8) + level for level in (0, 9, 200, 250)]
    with pytest.raises(ValueError, match="1 picture of 5 missing .NaN., the first in row 2: ImageCNN needs a picture"):
        ImageCNN(max_epochs=1).fit([*pictures[:2], None, *pictures[2:]], [0, 0, 1, 1, 1])
