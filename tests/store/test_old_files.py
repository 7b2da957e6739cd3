"""Files of every format that was released load, to the bit, and predict what they did."""

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from ensemble_mm.store import load, read_manifest, save
from ensemble_mm.store._keys import versions
from ensemble_mm.store._models import _sign

HERE = Path(__file__).parent
spec = importlib.util.spec_from_file_location("old_files", HERE / "old_files.py")
old_files = importlib.util.module_from_spec(spec)
spec.loader.exec_module(old_files)


@pytest.fixture(scope="module")
def rows():
    return {name: X for name, (_, X) in old_files.kinds().items()}


@pytest.fixture(scope="module")
def expected():
    return dict(np.load(old_files.FOLDER / "expected.npz"))


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", sorted(old_files.FOLDER.glob("*.emm")), ids=lambda path: path.stem)
def test_old_files_load_to_the_bit(path, rows, expected, tmp_path, forge):
    manifest = read_manifest(path)
    if manifest["versions"] == versions():  # objects of other versions of the libraries have other attributes
        # Signed here, as of the boosters in files of others less is kept.
        save(load(forge(source=path, manifest={"signature": _sign(manifest)})), tmp_path / "again")
        assert read_manifest(tmp_path / "again")["parts"] == manifest["parts"]
    said = old_files.numbers_of(load(path), rows[path.stem])
    assert np.allclose(said, expected[path.stem], rtol=1e-3, atol=1e-4, equal_nan=True)


def test_every_kind_has_a_file(rows):
    assert {path.stem for path in old_files.FOLDER.glob("*.emm")} == set(rows)


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("path", sorted(old_files.FOLDER.glob("before/*.emm")), ids=lambda path: path.stem)
def test_files_of_before_their_trees_were_kept_by_leaves_predict_the_same(path, rows):
    said = old_files.numbers_of(load(path), rows[path.stem])
    expected = np.load(path.parent / "expected.npz")[path.stem]
    assert np.allclose(said, expected, rtol=1e-3, atol=1e-4, equal_nan=True)
