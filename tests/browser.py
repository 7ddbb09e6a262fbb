"""A headless Chromium for tests of the built pages, and a server that serves them as a static host does.

The tests use an installed Chromium or Chrome; where there is none they are skipped, and say how to get one.
"""

import contextlib
import gzip
import threading
from functools import cache, partial
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import chromium as installed
import npm
import pytest

SITE = Path(__file__).resolve().parents[1] / "book" / "_build" / "html"
needs_browser = pytest.mark.skipif(
    installed.EXECUTABLE is None,
    reason=f"no Chromium found: {installed.ADVICE}",
)
needs_site = pytest.mark.skipif(not SITE.exists(), reason="the book is not built: run make book")
PATIENCE = 180_000  # milliseconds until a page that does not do what is waited for has failed, on a busy machine too
TYPES = {".mjs": "text/javascript", ".wasm": "application/wasm"}
COMPRESSED = (".css", ".html", ".ipynb", ".js", ".json", ".mjs", ".py", ".svg", ".txt", ".wasm", ".zip")


class Handler(SimpleHTTPRequestHandler):
    """Serves compressed what hosts compress, and lets the browser keep nothing."""

    protocol_version = "HTTP/1.1"
    # Headers and content are sent one after the other; Nagle's algorithm would hold the second back for 40 ms.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def end_headers(self):
        self.send_header("Cache-Control", "no-store")
        super().end_headers()

    def do_GET(self):
        path = Path(self.translate_path(self.path))
        if path.is_dir():
            path = path / "index.html"
        if not path.is_file():
            self.send_error(404)
            return
        content = path.read_bytes()
        self.send_response(200)
        self.send_header("Content-Type", TYPES.get(path.suffix) or self.guess_type(str(path)))
        if path.suffix in COMPRESSED and "gzip" in self.headers.get("Accept-Encoding", ""):
            content = compressed(path, path.stat().st_mtime_ns)
            self.send_header("Content-Encoding", "gzip")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        with contextlib.suppress(ConnectionError):  # the page was left before all had arrived
            self.wfile.write(content)


_kept = {}


def compressed(path, changed):
    """A file's content as gzip has it; each version is compressed once."""
    if (path, changed) not in _kept:
        _kept[path, changed] = gzip.compress(path.read_bytes(), 6)
    return _kept[path, changed]


@contextlib.contextmanager
def served(folder=SITE):
    """Serve a folder on this machine; gives its address."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), partial(Handler, directory=str(folder)))
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()


@contextlib.contextmanager
def chromium():
    """A running browser."""
    from playwright.sync_api import expect, sync_playwright

    expect.set_options(timeout=PATIENCE)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=installed.EXECUTABLE, args=installed.FLAGS)
        try:
            yield browser
        finally:
            browser.close()


class Watch:
    """What a page complains of and asks for, from the moment it is opened."""

    def __init__(self, page, home):
        self.errors, self.foreign, self.failed, self.requested, self.received = [], [], [], [], {}
        page.on("console", lambda m: m.type in ("error", "warning") and self.errors.append(m.text))
        page.on("pageerror", lambda error: self.errors.append(str(error)))
        page.on("request", lambda r: not r.url.startswith((home, "data:", "blob:")) and self.foreign.append(r.url))
        # The icon is asked for at any moment after the page has loaded.
        page.on("request", lambda r: r.url.endswith("/favicon.svg") or self.requested.append(r.url))
        page.on("requestfailed", self._fail)
        page.on("response", self._count)

    def _fail(self, request):
        # What had not arrived when the page was left or loaded again is aborted: the icon comes after all else.
        if request.failure != "net::ERR_ABORTED":
            self.failed.append(request.url)

    def _count(self, response):
        if response.status >= 400:
            self.failed.append(f"{response.status} {response.url}")
        size = response.headers.get("content-length")
        if size is not None:
            self.received[response.url] = int(size)

    def faults(self):
        return [*self.errors, *(f"asks another host: {url}" for url in self.foreign), *self.failed]


@contextlib.contextmanager
def opened(browser, home, path="", *, width=1440, dark=False, policy=False, **context):
    """Open a page in a fresh profile; gives the page, with ``page.watch``.

    With ``policy`` the page's Content-Security-Policy is in force. It also forbids what ``page.wait_for_function`` does
    in the page: evaluate a text.
    """
    place = browser.new_context(
        bypass_csp=not policy,
        viewport={"width": width, "height": 900},
        color_scheme="dark" if dark else "light",
        **context,
    )
    place.set_default_timeout(PATIENCE)
    try:
        page = place.new_page()
        page.watch = Watch(page, home)
        page.goto(f"{home}/{path}", wait_until="load")
        yield page
    finally:
        place.close()


def axe_script():
    """axe-core, to be run in a page; without npm the test is skipped."""
    try:
        return (npm.install() / "axe-core" / "axe.min.js").read_text(encoding="utf-8")
    except npm.Unavailable as error:
        pytest.skip(f"axe-core could not be installed: {error}")


def still(page):
    """Wait until a change is drawn: two frames, and what moves in them."""
    # An animation's own promise stays open in Chromium if what it moves is hidden.
    page.evaluate(
        """async () => {
            const frame = () => new Promise(requestAnimationFrame);
            const moves = (one) => one.playState === "running" && one.effect.getComputedTiming().endTime < Infinity;
            for (let i = 0; i < 2; i++) await frame();
            while (document.getAnimations().some(moves)) await frame();
        }"""
    )


def settle(page):
    """Wait until formulas are set, fonts have arrived and the page is drawn.

    Nothing but the icon is asked for after a page's ``load`` event. Playwright advises against its own "networkidle",
    which once did not come in three minutes for a page from a file.
    """
    page.evaluate("async () => { await window.MathJax?.startup?.promise; await document.fonts.ready; }")
    still(page)


def unfold(page):
    """Show what a chapter keeps back until its questions are answered."""
    page.evaluate("for (const b of document.querySelectorAll('.fold-bar button')) if (b.checkVisibility()) b.click()")


def pages(folder=SITE):
    """The names of the book's pages."""
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*.html") if "_static" not in path.parts)


def read(path):
    """A page, parsed."""
    from bs4 import BeautifulSoup

    return BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")


parsed = cache(read)  # for the built pages, once a worker: the tests that share them must not change them
