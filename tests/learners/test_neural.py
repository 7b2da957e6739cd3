import pickle

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import clone

import ensemble_mm as em
from ensemble_mm.features import ImageExtractor, TextExtractor

pytest.importorskip("torch")


@pytest.fixture(scope="module")
def texts():
    rng = np.random.default_rng(0)
    good, bad, other = ["fine", "great", "lovely"], ["awful", "poor", "broken"], [f"word{i}" for i in range(30)]
    y = rng.integers(0, 2, 450)
    rows = [" ".join(rng.permutation([*rng.choice(other, 6), rng.choice(good if label else bad)])) for label in y]
    return TextExtractor(output="tokens", max_length=20).fit_transform(rows), y


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    y = rng.integers(0, 2, 160)
    pictures = rng.integers(0, 60, size=(160, 16, 16, 3)).astype(np.uint8)
    for picture, label in zip(pictures, y, strict=True):
        at = rng.integers(2, 12)
        picture[(slice(at, at + 2), slice(None)) if label else (slice(None), slice(at, at + 2))] += 180
    return ImageExtractor(output="pixels", size=16).fit_transform(list(pictures)), y


def test_text_is_learned(texts):
    X, y = texts
    assert em.TextCNN(random_state=0).fit(X[:400], y[:400]).score(X[400:], y[400:]) > 0.9


def test_pictures_are_learned(images):
    X, y = images
    assert em.ImageCNN(random_state=0, max_epochs=15).fit(X[:120], y[:120]).score(X[120:], y[120:]) > 0.9


def test_numbers_are_learned(texts):
    X, y = texts
    model = em.TextCNN("regression", random_state=0).fit(X[:400], 100.0 * y[:400] + 7)
    assert model.score(X[400:], 100.0 * y[400:] + 7) > 0.5


def test_the_seed_decides_and_a_pickle_is_the_same(texts):
    X, y = texts
    model = em.TextCNN(random_state=0, max_epochs=2)
    one, same = clone(model).fit(X, y), clone(model).fit(X, y)
    np.testing.assert_array_equal(one.predict_proba(X), same.predict_proba(X))
    np.testing.assert_array_equal(pickle.loads(pickle.dumps(one)).predict_proba(X), one.predict_proba(X))
    assert np.abs(clone(model).set_params(random_state=1).fit(X, y).predict_proba(X) - one.predict_proba(X)).max() > 0


def test_several_targets_share_a_trunk(texts):
    X, y = texts
    Y = np.c_[y, 1 - y]
    model = em.TextCNN(random_state=0).fit(X, Y)
    out = model.predict(X)
    assert out.shape == Y.shape and (out == Y).mean() > 0.9


@pytest.mark.parametrize("structured", [False, True])
def test_pruning_makes_it_smaller_and_keeps_what_it_knows(texts, structured):
    X, y = texts
    model = em.TextCNN(random_state=0).fit(X[:400], y[:400])
    before = model.score(X[400:], y[400:])
    model.prune(0.5, structured=structured, X=X[:400], y=y[:400])
    column = "weights" if structured else "nonzero"
    assert model.pruning_.loc["after", column] < 0.8 * model.pruning_.loc["before", column]
    assert model.score(X[400:], y[400:]) > before - 0.05


def test_a_saved_stack_with_a_net_predicts_the_same(texts, tmp_path):
    rng = np.random.default_rng(0)
    words, y = np.array(["poor thing", "fine thing"]), rng.integers(0, 2, 60)
    X = {"words": list(words[y])}
    views = [("words", TextExtractor(output="tokens", max_length=20))]
    net = em.TextCNN(random_state=0, max_epochs=2)
    model = em.StackedClassifier(views, [("net", net)], cv=2, random_state=0).fit(X, y)
    em.save(model, tmp_path / "m.emm")
    np.testing.assert_array_equal(em.load(tmp_path / "m.emm").predict_proba(X), model.predict_proba(X))


def test_texts_and_files_of_pictures_are_read(tmp_path):
    texts, y = ["a warm coat", "torn and cold"] * 12, [0, 1] * 12
    model = em.TextCNN(max_epochs=8, learning_rate=0.02, validation_fraction=0.0, random_state=0).fit(texts, y)
    assert model.score(pd.Series(texts), y) == 1.0 and model.predict(["torn", "warm"]).tolist() == [1, 0]
    for name, grey in (("dark", 20), ("light", 230)):
        Image.fromarray(np.full((32, 32, 3), grey, np.uint8)).save(tmp_path / f"{name}.png")
    paths = np.array([str(tmp_path / "dark.png"), str(tmp_path / "light.png")] * 12)
    model = em.ImageCNN(max_epochs=8, validation_fraction=0.0, random_state=0).fit(paths, y)
    assert model.predict_proba(paths[:2]).shape == (2, 2)
    em.save(model, tmp_path / "model.emm")
    assert (em.load(tmp_path / "model.emm").predict(paths) == model.predict(paths)).all()


@pytest.mark.parametrize("form", [list, np.stack, lambda pictures: [Image.fromarray(picture) for picture in pictures]])
def test_pictures_are_read_as_they_are(form):
    pictures = form([np.full((16, 16, 3), grey, np.uint8) for grey in (20, 230) * 6])
    model = em.ImageCNN(max_epochs=1, validation_fraction=0.0, random_state=0).fit(pictures, ["dark", "light"] * 6)
    assert model.predict(pictures[:3]).shape == (3,)


@pytest.mark.parametrize("make", [em.StackedClassifier, em.StackedRegressor, em.TextCNN, em.ImageCNN])
def test_errors_on_arguments_name_public_classes(make):
    name = getattr(make, "__name__", "")
    with pytest.raises(TypeError, match=rf"^{name}\w*\.__init__\(\) got an unexpected keyword argument 'colour'"):
        make(colour=1)


def test_it_prunes_itself_within_a_fit(texts):
    X, y = texts
    model = em.TextCNN(pruning=0.8, random_state=0, max_epochs=6).fit(X[:400], y[:400])
    weights = np.concatenate(
        [v.ravel() for k, v in model.state_.items() if v.ndim > 1 and not k.startswith("embedding")]
    )
    assert (weights == 0).mean() == pytest.approx(0.8, abs=0.01)
    assert len(model.history_) <= 9 and model.score(X[400:], y[400:]) > 0.8
    with pytest.raises(ValueError, match="pruning"):
        em.TextCNN(pruning=1.0).fit(X, y)
