"""The page of pictures, in a real browser: it loads nothing, says everything twice, and is sound.

The page comes from `page_sample` in the build directory (WOSHOU_BUILD, or build/)."""

import functools
import http.server
import os
import pathlib
import re
import shutil
import subprocess
import threading
import xml.etree.ElementTree as ElementTree
from html.parser import HTMLParser

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent
BUILD = pathlib.Path(os.environ.get("WOSHOU_BUILD", ROOT / "build"))
MAKER = BUILD / "src" / "draw" / "page_sample"
BROWSER = shutil.which("chromium") or shutil.which("chromium-browser")
VOID = {"meta", "input", "br", "img", "link", "hr"}

needs_browser = pytest.mark.skipif(not BROWSER, reason="Chromium is not installed")


def make(first):
    if not MAKER.exists():
        pytest.skip(f"{MAKER} is not built")
    catalogues = sorted((ROOT / "po").glob("*zh*"))
    done = subprocess.run([MAKER, "page", "-", first, *catalogues], capture_output=True, check=True)
    return done.stdout.decode("utf-8")


@pytest.fixture(scope="module")
def page():
    return make("en")


class Elements(HTMLParser):
    """Every element with its attributes, and whether the tags close in order."""

    def __init__(self, text):
        super().__init__()
        self.elements, self.stack = [], []
        self.feed(text)
        self.close()

    def handle_starttag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.stack.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        assert self.stack and self.stack.pop() == tag, f"</{tag}> closes nothing"


def run_browser(tmp_path, *arguments):
    return subprocess.run(
        [BROWSER, "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         f"--user-data-dir={tmp_path / 'profile'}", *arguments],
        capture_output=True, timeout=120, check=True).stdout.decode("utf-8")


def test_every_tag_closes_and_every_id_is_unique(page):
    parsed = Elements(page)
    assert parsed.stack == []
    ids = [attrs["id"] for _, attrs in parsed.elements if "id" in attrs]
    assert len(ids) == len(set(ids))


def test_nothing_refers_to_the_outside(page):
    for tag, attrs in Elements(page).elements:
        assert tag not in {"script", "link", "img", "iframe", "object", "embed"}
        for name, value in attrs.items():
            assert not name.startswith("on"), f"{name} on <{tag}>"
            if name in {"href", "src", "xlink:href", "action", "data"}:
                assert value.startswith("#"), f"{name}={value}"
    assert "@import" not in page and "url(" not in page
    assert re.findall(r"https?://[^\"]*", page) == ["http://www.w3.org/2000/svg"] * page.count("xmlns=")


def test_the_policy_allows_styles_and_nothing_else(page):
    policies = [attrs["content"] for tag, attrs in Elements(page).elements
                if attrs.get("http-equiv") == "Content-Security-Policy"]
    assert policies == ["default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"]


def test_every_picture_is_well_formed_with_a_title_and_a_description(page):
    pictures = re.findall(r"<svg xmlns=.*?</svg>", page, re.DOTALL)
    assert len(pictures) == 12  # six samples in two languages
    for picture in pictures:
        root = ElementTree.fromstring(picture)
        space = {"s": "http://www.w3.org/2000/svg"}
        title, description = root.find("s:title", space), root.find("s:desc", space)
        assert title.text and description.text
        assert root.get("aria-labelledby") == f"{title.get('id')} {description.get('id')}"


def test_every_link_finds_its_scene(page):
    elements = Elements(page).elements
    targets = {attrs.get("id") for _, attrs in elements}
    links = [attrs["href"][1:] for tag, attrs in elements if tag == "a"]
    assert len(links) == 6 and set(links) <= targets


@needs_browser
def test_the_browser_asks_for_the_page_alone(page, tmp_path):
    asked = []

    class Handler(http.server.SimpleHTTPRequestHandler):
        def do_GET(self):
            asked.append(self.path)
            super().do_GET()

        def log_message(self, *_):
            pass

    (tmp_path / "page.html").write_text(page, encoding="utf-8")
    server = http.server.ThreadingHTTPServer(
        ("127.0.0.1", 0), functools.partial(Handler, directory=str(tmp_path)))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    try:
        address = f"http://127.0.0.1:{server.server_address[1]}/page.html"
        dom = run_browser(tmp_path, "--dump-dom", address)
    finally:
        server.shutdown()
        server.server_close()
    assert [path for path in asked if path != "/favicon.ico"] == ["/page.html"]
    assert "</footer>" in dom


def ask(html, probe, width, tmp_path):
    """What a script in the page finds out, in a frame of that width (a headless window has a least
    one). The page's own policy forbids scripts, and is taken out for this."""
    html = re.sub(r"<meta http-equiv=[^>]*>", "", html)
    probe = f"<script>{probe}\nparent.postMessage(String(report), '*');</script>"
    (tmp_path / "page.html").write_text(html.replace("</body>", probe + "</body>"), encoding="utf-8")
    (tmp_path / "frame.html").write_text(
        "<title></title><script>onmessage = e => document.title = e.data;</script>"
        f"<iframe src='page.html' style='width:{width}px;height:800px;border:0'></iframe>")
    dom = run_browser(tmp_path, "--window-size=1500,900", "--dump-dom", (tmp_path / "frame.html").as_uri())
    return re.search(r"<title>([^<]*)</title>", dom).group(1)


SWITCH = """
const shown = e => e.getClientRects().length > 0;
const count = c => [...document.querySelectorAll(c)].filter(shown).length;
let report = [innerWidth];
for (const choice of ["start", "0", "1"]) {
  if (choice !== "start") document.getElementById("language-" + choice).click();
  report.push(choice + ":" + count(".l0") + "/" + count(".l1"));
}
const over = [...document.querySelectorAll("body *")].filter(e => !e.closest(".picture,.scroll,.pick")
  && e.getBoundingClientRect().right > innerWidth + 1).length;
report = report.join(" ") + " over:" + over;
"""


@needs_browser
@pytest.mark.parametrize("first, width", [("en", 360), ("zh", 360), ("zh", 1400)])
def test_one_language_shows_at_a_time_and_the_switch_needs_no_script(first, width, tmp_path):
    report = ask(make(first), SWITCH, width, tmp_path)
    found = re.fullmatch(rf"{width} start:(\d+)/(\d+) 0:(\d+)/(\d+) 1:(\d+)/(\d+) over:(\d+)", report)
    start0, start1, en0, en1, zh0, zh1, over = map(int, found.groups())
    assert (en0 > 20, en1) == (True, 0)
    assert (zh0, zh1 > 20) == (0, True)
    assert (start0, start1) == ((en0, en1) if first == "en" else (zh0, zh1))
    assert over == 0, "something but a picture or a table is wider than the window"


@needs_browser
def test_no_text_of_a_picture_overlaps_another_as_the_browser_sets_it(page, tmp_path):
    """The layout measures for the widest font; here the browser says how it came out. Texts along
    slanted arrows are left to the layout's own test: their upright frames say nothing."""
    probe = """
    let bad = [];
    for (const svg of document.querySelectorAll(".l0 svg.ladder")) {
      const texts = [...svg.querySelectorAll("text:not([transform])")].map(
        t => [t.textContent, t.getBoundingClientRect()]);
      texts.forEach(([a, r], i) => texts.slice(0, i).forEach(([b, s]) => {
        if (r.left < s.right - 1 && s.left < r.right - 1 && r.top < s.bottom - 4 && s.top < r.bottom - 4)
          bad.push(a + " | " + b);
      }));
    }
    const report = "overlaps: " + bad.join("; ");
    """
    assert ask(page, probe, 1400, tmp_path).strip() == "overlaps:"
