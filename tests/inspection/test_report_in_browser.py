"""The report in a real browser: on a phone, in the dark, on paper, without a mouse, and shut against injected code."""

import base64
import importlib.util
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from PIL import Image
from sklearn.linear_model import LogisticRegression, Ridge
from sklearn.tree import DecisionTreeClassifier

from ensemble_mm import MultiOutputStack, read_table
from ensemble_mm.features import ImageExtractor, TabularExtractor, TextExtractor
from ensemble_mm.inspection import write_report

# The smallest ratio of contrast of the page's texts (WCAG 2, 1.4.3), and the text that has it.
CONTRAST = """(() => {
  const parse = c => c.match(/[0-9.]+/g).map(Number);
  const light = ([r, g, b]) => [r, g, b].map(v => v / 255).map(v => v <= 0.04045 ? v / 12.92
    : Math.pow((v + 0.055) / 1.055, 2.4)).reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
  const behind = e => {
    for (; e; e = e.parentElement) {
      const c = parse(getComputedStyle(e).backgroundColor); if (c.length < 4 || c[3] > 0) return c;
    }
    return [255, 255, 255]; };
  let worst = [99, ""];
  const walk = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walk.nextNode()) {
    const e = walk.currentNode.parentElement;
    if (!walk.currentNode.data.trim() || !e.getClientRects().length) continue;
    const [a, b] = [light(parse(getComputedStyle(e).color)), light(behind(e))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < worst[0]) worst = [ratio, walk.currentNode.data.trim().slice(0, 60)];
  }
  return worst;
})()"""

# What is wider than the window and cannot be scrolled in a frame of its own.
TOO_WIDE = """[...document.body.querySelectorAll("*")].filter(e => e.getBoundingClientRect().right > innerWidth + 1
  && !e.closest(".scroll, .frame, pre, .clip")).map(e => e.outerHTML.slice(0, 80))"""


@pytest.fixture(scope="module")
def page(whole_page):
    """The URL of a report with all that a report can have."""
    return whole_page.as_uri()


@pytest.fixture(scope="module")
def browser():
    program = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
    if program is None:
        pytest.skip("Chromium is not installed: apt-get install chromium")
    spec = importlib.util.spec_from_file_location("emm_test_browser", Path(__file__).with_name("browser.py"))
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    browser = module.Browser(program)
    yield browser
    browser.close()


def test_the_page_has_no_complaints_and_shows_every_picture(browser, page):
    browser.open(page)
    shown = browser.run("[...document.images].map(i => i.complete && i.naturalWidth > 0 && i.alt.length > 10)")
    assert len(shown) > 10 and all(shown)
    assert browser.complaints() == []


@pytest.mark.parametrize("width", [320, 390, 768, 1280])
def test_nothing_sticks_out_of_the_window(browser, page, width):
    browser.open(page, width)
    assert browser.run(TOO_WIDE) == []
    assert browser.run("document.documentElement.scrollWidth") <= width
    assert browser.run("parseFloat(getComputedStyle(document.body).fontSize)") >= 16


@pytest.mark.parametrize("width", [390, 1280])
def test_an_interval_stands_in_one_line(browser, page, width):
    browser.open(page, width)
    lines = browser.run("""[...document.querySelectorAll("#scores td:nth-child(3)")].map(cell => {
      const all = document.createRange(); all.selectNodeContents(cell);
      return new Set([...all.getClientRects()].map(part => part.top)).size; })""")
    assert len(lines) > 10 and set(lines) == {1}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_all_texts_can_be_read(browser, page, scheme):
    browser.open(page, prefers_color_scheme=scheme)
    paper = browser.run("getComputedStyle(document.body).backgroundColor.match(/[0-9]+/g).map(Number)")
    assert (min(paper) > 200) == (scheme == "light") and (max(paper) < 60) == (scheme == "dark")
    ratio, text = browser.run(CONTRAST)
    assert ratio >= 4.5, text
    colours = "[...document.querySelectorAll('.frame')].map(e => getComputedStyle(e).backgroundColor)"
    assert set(browser.run(colours)) == {"rgb(255, 255, 255)"}  # pictures keep their paper


def test_paper_shows_everything(browser, page):
    """A printed page cannot be scrolled or opened, and its paper is white in the dark, too."""
    browser.open(page, 720, prefers_color_scheme="dark")
    browser.media("print", prefers_color_scheme="dark")
    assert browser.run("getComputedStyle(document.querySelector('nav')).display") == "none"
    assert browser.run("getComputedStyle(document.body).backgroundColor") == "rgb(255, 255, 255)"
    ratio, text = browser.run(CONTRAST)
    assert ratio >= 4.5, text
    cut = """[...document.querySelectorAll(".scroll, .clip, pre, .frame")].filter(e => e.scrollWidth > e.clientWidth + 1
      || e.scrollHeight > e.clientHeight + 1).map(e => e.className + " " + e.textContent.slice(0, 60))"""
    assert browser.run(cut) == []
    heights = browser.run("[...document.querySelectorAll('details table')].map(e => e.getBoundingClientRect().height)")
    assert len(heights) == 3 and min(heights) > 20
    assert base64.b64decode(browser.call("Page.printToPDF")["data"]).startswith(b"%PDF")


def test_all_is_reached_without_a_mouse(browser, page):
    browser.open(page)
    wanted = browser.run("""[...document.querySelectorAll('a, summary, [tabindex="0"]')]
      .filter(e => e.checkVisibility()).length""")
    seen = set()
    for _ in range(wanted):
        browser.press("Tab", 9)
        seen.add(
            tuple(
                browser.run("""(e => [[...document.querySelectorAll("*")].indexOf(e), e.tagName,
          e === document.body || getComputedStyle(e).outlineStyle !== "none"])(document.activeElement)""")
            )
        )
    assert len(seen) == wanted and {tag for _, tag, _ in seen} >= {"A", "SUMMARY", "DIV"}
    assert all(outlined for *_, outlined in seen)
    browser.run("document.querySelector('nav a[href=\"#cost\"]').focus()")
    browser.press("Enter", 13, "\r")
    assert browser.run("location.hash") == "#cost"
    browser.run("document.querySelector('summary').focus()")
    browser.press(" ", 32, " ")
    assert browser.run("document.querySelector('details').open") is True


def test_every_region_and_picture_has_a_name(browser, page):
    browser.open(page)
    tree = browser.call("Accessibility.getFullAXTree")["nodes"]
    for node in tree:
        role = node.get("role", {}).get("value")
        if role in ("image", "region", "link", "table", "navigation") and not node.get("ignored"):
            assert node.get("name", {}).get("value"), node
    assert browser.run("document.documentElement.lang") == "en" and browser.run("document.title").startswith("Report")


def test_code_that_gets_into_the_page_does_not_run(browser, page):
    """Whatever may slip through the escaping, the page's policy stops it: scripts, styles and requests."""
    browser.open(page)
    tried = browser.run("""new Promise(done => {
      const script = document.createElement("script"); script.textContent = "window.ran = true";
      const image = document.createElement("img"); image.setAttribute("onerror", "window.ran = true");
      image.src = "http://127.0.0.1:9/x.png";
      const style = document.createElement("style"); style.textContent = "body { background: rgb(1, 2, 3) }";
      document.body.append(script, image, style);
      const asked = fetch("http://127.0.0.1:9/").then(() => "sent", () => "stopped");
      setTimeout(async () => done([window.ran === true, await asked,
        getComputedStyle(document.body).backgroundColor]), 300);
    })""")
    assert tried[:2] == [False, "stopped"] and tried[2] != "rgb(1, 2, 3)"
    assert any("Content Security Policy" in complaint for complaint in browser.complaints())


EVIL = [
    "<script>window.ran = true</script>",
    "<img src=x onerror='window.ran = true'>",
    '"><svg onload=window.ran=true>',
    "'><iframe srcdoc='<script>parent.ran = true</script>'>",
    "</style></title><script>window.ran = true</script>",
    "<a href='javascript:window.ran = true'>click</a>",
    "<meta http-equiv=refresh content='0;url=http://127.0.0.1:9/'>",
    "<base href='http://127.0.0.1:9/'><link rel=stylesheet href='x.css'>",
    "$x^{$ {{ 7 * 7 }} {% raw %} \u202e\x1b[31m",
]


@pytest.mark.slow
def test_what_a_table_holds_is_text_in_the_page(browser, tmp_path):
    """From the file to the page: texts, classes, names of columns, tasks, views, learners and files are markup."""
    names = [f"{i} {evil.replace('/', '|')}.png" for i, evil in enumerate(EVIL)]
    rng = np.random.default_rng(0)
    for name in names:
        Image.fromarray(rng.integers(0, 256, (8, 8, 3)).astype(np.uint8)).save(tmp_path / name)
    n = 4 * len(EVIL)
    table = pd.DataFrame({
        EVIL[0]: [f"{EVIL[i % 9]} some more words {i}" for i in range(n)],
        EVIL[1]: [names[i % 9] for i in range(n)],
        EVIL[2]: rng.normal(size=n),
        EVIL[3]: [EVIL[i % 3] for i in range(n)],
        EVIL[4]: np.arange(n) + rng.normal(size=n),
    })  # fmt: skip
    table.to_csv(tmp_path / "t.csv", index=False)
    X, Y = read_table(tmp_path / "t.csv", [EVIL[3], EVIL[4]])
    views = [(EVIL[5], TextExtractor(), EVIL[0]), (EVIL[6], ImageExtractor(features=["thumbnail"]), EVIL[1]),
             (EVIL[7], TabularExtractor(), [EVIL[2]])]  # fmt: skip
    learners = [("linear", LogisticRegression()), ("ridge", Ridge()), (EVIL[8], DecisionTreeClassifier(max_depth=2))]
    model = MultiOutputStack(views, learners, cv=2, random_state=0).fit(X, Y)
    (tmp_path / names[0]).write_bytes(b"no picture")  # its name stands in an error
    page = write_report(model, tmp_path / "report.html", X, Y, title=EVIL[4])
    browser.open(page.as_uri())
    assert browser.complaints() == []
    assert browser.run("window.ran") is None and browser.run("location.protocol") == "file:"
    markup = "script, iframe, svg, link, base, form, object, embed, [onerror], [onload], meta[http-equiv=refresh]"
    assert browser.run(f"document.querySelectorAll('{markup}').length") == 0
    assert browser.run("[...document.querySelectorAll('a')].every(a => a.getAttribute('href').startsWith('#'))")
    assert browser.run("document.title") == EVIL[4]
    shown = browser.run("document.body.textContent")
    for evil in EVIL[:4]:
        assert evil in shown
