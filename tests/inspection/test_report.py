"""The page is one safe file, says what it should, and shows the data that it is handed."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from ensemble_mm.inspection import write_report

EVIL = "<script>alert(1)</script><img src=x onerror='alert(2)'>\"&{{ 7 * 7 }}"


class Page(HTMLParser):
    """Collects the tags of a page."""

    def __init__(self, text):
        super().__init__()
        self.text, self.tags, self.words = text, [], []
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_data(self, data):
        self.words.append(data)

    def all(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


@pytest.fixture(scope="module")
def page(whole_page):
    return Page(whole_page.read_text(encoding="utf-8"))


def test_the_page_loads_and_runs_nothing(page):
    names = {tag for tag, _ in page.tags}
    assert not names & {"script", "link", "iframe", "object", "embed", "form", "base"}
    assert all(image["src"].startswith("data:image/png;base64,") for image in page.all("img"))
    assert all(link["href"].startswith("#") for link in page.all("a"))
    assert not re.search(r"https?://|url\(|@import", page.text)
    assert not any(name.startswith("on") or name == "style" for _, attrs in page.tags for name in attrs)
    policy = next(meta["content"] for meta in page.all("meta") if meta.get("http-equiv") == "Content-Security-Policy")
    assert "default-src 'none'" in policy and "unsafe" not in policy


def test_every_picture_has_words_and_headings_are_in_order(page):
    assert all(len(image["alt"]) > 10 for image in page.all("img")) and len(page.all("img")) > 10
    levels = [int(tag[1]) for tag, _ in page.tags if re.fullmatch("h[1-6]", tag)]
    assert levels[0] == 1 and levels.count(1) == 1
    assert all(after - before <= 1 for before, after in zip(levels, levels[1:], strict=False))
    ids = [attrs["id"] for _, attrs in page.tags if "id" in attrs]
    assert len(ids) == len(set(ids)) and {link["href"][1:] for link in page.all("a")} <= set(ids)


def test_the_page_tells_tasks_views_and_rows(page):
    words = " ".join(page.words)
    for expected in ("liked", "tone", "stars", "review", "photo", "220 of 240", "only 'review'"):
        assert expected in words
    assert "a lovely coat with <b>torn</b> sleeves" in words


@pytest.fixture
def one_task(hand_made):
    """The hand-made stack with its regression alone: a short page."""
    hand_made.tasks_ = {"stars": hand_made.tasks_["stars"]}
    hand_made.contributions_ = hand_made.contributions_[["stars"]]
    del hand_made.task_contributions_
    return hand_made


def test_names_labels_and_texts_are_escaped(hand_made, data_of_hand_made, labels_of, tmp_path):
    task = hand_made.tasks_["liked"]
    task.classes[1] = EVIL
    X = data_of_hand_made.assign(review=EVIL).rename(columns={"a": EVIL})
    hand_made.view_columns_["noise"] = [EVIL, "b"]
    for attribute in ("views_", "view_columns_", "present_"):
        entries = getattr(hand_made, attribute)
        setattr(hand_made, attribute, {EVIL if view == "photo" else view: entry for view, entry in entries.items()})
    hand_made.failures_ = [{"learner": EVIL, "reads": "all", "task": "liked", "fold": 0, "error": EVIL}]
    audit = pd.DataFrame([(EVIL, "fail", 1.0, EVIL)], columns=["check", "verdict", "value", "words"])
    path = write_report(hand_made, tmp_path / "r.html", X, labels_of(hand_made), title=EVIL, audit=audit)
    text = path.read_text(encoding="utf-8")
    assert "<script" not in text and "<img src=x" not in text and "{{ 7" in text
    assert EVIL in " ".join(Page(text).words)


def test_without_data_no_examples_are_shown(one_task, tmp_path):
    path = write_report(one_task, tmp_path / "report.html")
    assert "Examples of" not in path.read_text(encoding="utf-8")


def test_a_page_is_replaced_as_a_whole(one_task, tmp_path):
    path = tmp_path / "report.html"
    path.write_text("old")
    write_report(one_task, path)
    assert "old" not in path.read_text(encoding="utf-8")[:3] and [p.name for p in tmp_path.iterdir()] == ["report.html"]


def test_a_folder_that_is_not_there_is_named(hand_made, tmp_path):
    with pytest.raises(FileNotFoundError, match="nowhere"):
        write_report(hand_made, tmp_path / "nowhere" / "report.html")


def test_rows_and_labels_of_different_length_are_refused(hand_made, data_of_hand_made, labels_of, tmp_path):
    with pytest.raises(ValueError, match="X has 10 rows, task 'liked' has 240 labels"):
        write_report(hand_made, tmp_path / "r.html", data_of_hand_made[:10], labels_of(hand_made))
