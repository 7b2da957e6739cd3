"""The service answers as `predict` does, and tells in words what it cannot answer."""

import base64
import csv
import html
import json
import shlex
import shutil
import subprocess

import numpy as np
import pandas as pd
import pytest
from sklearn.linear_model import Ridge

from ensemble_mm import StackedRegressor
from ensemble_mm.endpoint._bodies import of_form
from ensemble_mm.endpoint._inputs import Inputs
from ensemble_mm.endpoint._schema import page


def test_rows_are_answered_as_predict_does(coats, served, sent):
    X, model, _ = coats
    status, answer = served.call("/predict", {"rows": sent})
    wanted = model.predict(X[:6])
    assert status == 200 and set(answer) == {"predictions"}
    assert [row["kind"] for row in answer["predictions"]] == wanted["kind"].tolist()
    assert np.allclose([row["stars"] for row in answer["predictions"]], wanted["stars"])


def test_what_is_asked_for_stands_beside_the_predictions(coats, served, sent):
    X, model, _ = coats
    asked = {"probabilities": True, "interval": True, "set": True, "coverage": 0.8}
    _, answer = served.call("/predict", {"rows": sent, **asked})
    proba, labels = model.predict_proba(X[:6])["kind"], model.tasks_["kind"].classes
    assert np.allclose([[row["kind"][label] for label in labels] for row in answer["probabilities"]], proba)
    assert np.allclose([row["stars"] for row in answer["intervals"]], model.predict_interval(X[:6], 0.8)["stars"])
    sets = model.predict_set(X[:6], 0.8)["kind"]
    assert [row["kind"] for row in answer["sets"]] == [labels[row].tolist() for row in sets]
    assert served.call("/invocations", {"dataframe_records": sent, "params": asked})[1] == answer
    query = "?probabilities=true&interval=true&set=true&coverage=0.8"
    assert served.call("/predict" + query, {"rows": sent})[1] == answer
    assert served.call("/invocations" + query, {"dataframe_records": sent})[1] == answer


def test_every_form_of_a_body_says_the_same(coats, served, sent):
    _, wanted = served.call("/predict", {"rows": sent[:2]})
    columns = list(sent[0])
    split = {"columns": columns, "data": [list(row.values()) for row in sent[:2]]}
    lines = [columns, *([str(cell) for cell in row.values()] for row in sent[:2])]
    csv = "\n".join(",".join(f'"{cell}"' for cell in line) for line in lines).encode()
    edge = b"--edge"
    parts = [b'%b\r\nContent-Disposition: form-data; name="%b"%b\r\n\r\n%b\r\n' % (edge, name.encode(),
             b'; filename="p.png"' if name == "photo" else b"",
             base64.b64decode(row[name]) if name == "photo" else str(row[name]).encode())
             for row in sent[:2] for name in columns]  # fmt: skip
    form = b"".join(parts) + edge + b"--\r\n"
    assert served.call("/invocations", {"dataframe_split": split}) == (200, wanted)
    assert served.call("/invocations", csv, "text/csv; charset=utf-8") == (200, wanted)
    assert served.call("/predict", form, "multipart/form-data; boundary=edge") == (200, wanted)
    fields = "review=soft&age=30&shop=north&interval=true&coverage=0.5"
    urlencoded = "application/x-www-form-urlencoded"
    _, wanted = served.call("/predict", {"rows": [{"review": "soft", "age": "30", "shop": "north"}], "interval": True,
                                         "coverage": 0.5})  # fmt: skip
    assert served.call("/predict", fields.encode(), urlencoded) == (200, wanted) and "intervals" in wanted
    for body in ("&interval=true", "&set=maybe", "&coverage=2"):
        status, answer = served.call("/predict", (fields + body).encode(), urlencoded)
        assert status == 400 and body[1:4] in answer["error"]
    assert served.call("/predict", [], "text/csv")[0] == 415


def test_a_file_may_be_a_long_cell_of_csv(served, sent, picture):
    cells = {**sent[0], "photo": base64.b64encode(picture(200) + bytes(150_000)).decode()}
    assert len(cells["photo"]) > csv.field_size_limit()
    text = "\n".join(",".join(f'"{cell}"' for cell in line) for line in (cells, cells.values()))
    assert served.call("/invocations", text.encode(), "text/csv") == served.call("/predict", {"rows": [cells]})


def test_fields_of_a_form_are_named_as_browsers_and_curl_write_them():
    fields = [("size %22cm%22%0D%0A", "3"), ("100%0A", "b"), ("%41", "c")]
    rows, _ = of_form(fields, (), {"100%0A": "value"})
    assert rows == [{'size "cm"\r\n': "3", "100%0A": "b", "%41": "c"}]


@pytest.mark.parametrize("name, shown", [('size "cm"', 2), ("shop=a", 1)])
def test_a_form_is_shown_where_curl_can_send_it(name, shown):
    X = pd.DataFrame({name: [0.0, 1.5, 2.0, 3.5] * 5})
    model = StackedRegressor(learners=[("linear", Ridge())], cv=2).fit(X, X[name] + 1)
    assert page(model, Inputs(model)).count("<pre>curl") == shown


def test_what_is_missing_is_told(coats, served, sent):
    X, model, _ = coats
    row = {**sent[0], "photo": None, "age": "old"}
    status, answer = served.call("/predict", {"rows": [row]})
    assert status == 200 and "'photo' is missing" in " ".join(answer["warnings"])
    assert "1 of 1 values are not numbers" in " ".join(answer["warnings"])
    del row["photo"]
    assert served.call("/predict", {"rows": [row]}) == (status, answer)
    with pytest.warns(UserWarning):
        assert answer["predictions"][0]["stars"] == pytest.approx(
            model.predict(X[:1].assign(photo=None, age="old"))["stars"][0]
        )


NESTED = b'{"rows": ' + b"[" * 100_000 + b"]" * 100_000 + b"}"
BAD = [
    (b"", "not JSON"), (b"{", "not JSON"), (b"\xff\xfe", "not JSON"), (b"[]", "'rows'"), (b"null", "'rows'"),
    (b'{"rows": NaN}', "NaN is not a number of JSON"), (NESTED, "too deep"), (b'{"rows": 3}', "list"),
    (b'{"rows": []}', "at least one row"), (b'{"rows": [3]}', "Row 0 must be an object"),
    (b'{"rows": [{"nothing": 1}]}', "none of the columns"), (b'{"rows": [{}]}', "none of the columns"),
    (b'{"rows": [{"revew": "x", "age": 3}]}', "Did you mean 'review'"),
    (b'{"rows": [{"age": 3}]}', "The rows lack 'shop'. Send each column"),
    (b'{"rows": [{"review": ["x"], "age": 1, "shop": 1}]}', "holds a list"),
    (b'{"rows": [{"review": {"a": 1}}]}', "holds an object"),
    (b'{"rows": [{"review": "\\ud800", "age": 1, "shop": "a"}]}', "half of a character"),
    (b'{"rows": [{"age": %b}]}' % (b"9" * 4000), "too large"),
    (b'{"rows": [{"age": %b}]}' % (b"9" * 5000), "not JSON"),
    (b'{"rows": [{"review": "x"}], "probability": true}', "Did you mean 'probabilities'"),
    (b'{"rows": [{"review": "x"}], "coverage": 7}', "between 0 and 1"),
    (b'{"rows": [{"review": "x"}], "set": 1}', "true or false"),
]  # fmt: skip


@pytest.mark.parametrize("body, words", BAD, ids=range(len(BAD)))
def test_a_bad_body_is_told_in_words(served, body, words):
    status, answer = served.call("/predict", body)
    assert status == 400 and words in answer["error"] and len(answer["error"]) < 1000


@pytest.mark.parametrize("cell", ["{path}", "file://{path}", "data:image/png,{path}", "http://127.0.0.1/a.png",
                                  {"path": "{path}"}, ["{path}"], 7])  # fmt: skip
def test_names_of_files_are_never_opened(coats, served, sent, picture, cell):
    """A picture of the server's own would tell by its prediction, and an error by its words, that it is there."""
    own = coats[2].with_name("own.png")
    own.write_bytes(picture(200))
    cell = json.loads(json.dumps(cell).replace("{path}", str(own)))
    status, answer = served.call("/predict", {"rows": [{**sent[0], "photo": cell}]})
    assert status == 400 and "not opened" in answer["error"] and str(own) not in answer["error"]


def test_files_that_cannot_be_read_are_told_by_their_rows(served, sent):
    rows = [sent[0], {**sent[1], "photo": base64.b64encode(b"\x89PNG\r\n\x1a\nand no more").decode()}]
    status, answer = served.call("/predict", {"rows": rows})
    assert status == 400 and "row 1: " in answer["error"] and "it is not an image" in answer["error"]


def test_what_is_too_large_is_turned_away(served, sent):
    big = {"rows": [{**sent[0], "review": "a" * 400_000}]}
    status, answer = served.call("/predict", big)
    assert status == 413 and "307,200 bytes" in answer["error"]
    status, answer = served.call("/predict", {"rows": [[]] * 10_001})
    assert status == 413 and "10,001 rows" in answer["error"]
    assert served.call("/predict", b"{}", headers={"Content-Encoding": "gzip"})[0] == 415


def test_pages_tell_what_is_taken_and_nothing_of_the_server(coats, served, sent):
    status, schema = served.call("/schema")
    row = schema["paths"]["/predict"]["post"]["requestBody"]["content"]["application/json"]["schema"]
    cells = row["properties"]["rows"]["items"]["properties"]
    assert status == 200 and set(cells) == {"review", "photo", "age", "shop"}
    assert cells["photo"]["contentEncoding"] == "base64" and cells["shop"]["examples"] == ["north", "south"]
    status, page = served.call("/docs")
    assert status == 200 and "curl" in page and "number" in page
    example = json.loads(page.split("&lt;&lt;&#x27;END&#x27;\n")[1].split("\nEND")[0].replace("&quot;", '"'))
    assert served.call("/predict", example)[0] == 200 and isinstance(example["rows"][0]["age"], int)
    form = html.unescape(page.split("<pre>")[2].split("</pre>")[0]).replace("\\\n", "")
    command = shlex.split(form.replace("-F photo=@FILE", "-F photo=").replace("curl", "curl -s"))
    assert f"127.0.0.1:{served.port}/predict" in form
    if shutil.which("curl"):
        done = subprocess.run(command, capture_output=True, text=True, check=True)
        assert "probabilities" in json.loads(done.stdout)
    assert "width=device-width" in page and "color-scheme:light dark" in page
    assert "evil" not in served.call("/docs", headers={"Host": "<evil>"})[1]
    assert "coat of the shop" not in page + json.dumps(schema)
    status, counts = served.call("/metrics")
    for name in ('requests_total{path="/predict",status="200"}', 'missing_rows_total{view="photo"}',
                 'unseen_rows_total{column="shop"}', "request_seconds_bucket", "batch_rows_bucket"):  # fmt: skip
        assert f"ensemble_mm_{name}" in counts
    assert served.call("/") == (200, page) and "<h2>The answer</h2>" in page and "coverage" in page
    for path in ("/etc/passwd", "/../../etc/passwd", "/predict"):
        status, answer = served.call(path)
        assert status in (404, 405) and "/predict" in answer["error"]
    assert "secret_folder" not in page + counts + json.dumps(schema)


def test_categories_that_are_new_are_counted(served, sent):
    def count():
        line = next(line for line in served.call("/metrics")[1].splitlines() if line.startswith(name))
        return float(line.split()[-1])

    name = 'ensemble_mm_unseen_rows_total{column="shop"}'
    assert "warnings" not in served.call("/predict", {"rows": sent[:1]})[1]
    before = count()
    answer = served.call("/predict", {"rows": [{**sent[0], "shop": shop} for shop in ("east", "north", "west")]})[1]
    assert count() == before + 2 and answer["warnings"] == ["shop: 'east' was not a category in fit."]
