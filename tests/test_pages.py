"""Every built page, as a reader's browser shows it: light and dark, on a telephone and on a desk."""

import sys
from pathlib import Path

import pytest
from browser import SITE, chromium, needs_browser, opened, pages, served

BOOK = Path(__file__).resolve().parents[1] / "book"
sys.path.append(str(BOOK / "_tools"))

import assets

WIDTHS = (360, 1440)
CHECKS = Path(__file__).with_name("page_checks.js").read_text(encoding="utf-8")
FRONT = "book/index.html"
PAGES = [name for name in pages() if name != "index.html"] or [FRONT]  # that one only leads to the front page
FRONT_LIMIT, LIMIT = 600_000, 1_500_000  # bytes, compressed, before any interaction
pytestmark = [needs_browser, pytest.mark.slow]


@pytest.fixture(scope="module")
def axe():
    folder = assets.fetch(assets.AXE, BOOK / "_build" / "test-tools")
    return (folder / "axe.min.js").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def running():
    with chromium() as found:
        yield found


@pytest.fixture(scope="module")
def home():
    with served() as address:
        yield address


def settle(page):
    """Wait until formulas are set and fonts are there."""
    page.evaluate(
        "async () => { await document.fonts.ready;"
        " if (window.MathJax?.startup?.promise) await window.MathJax.startup.promise; }"
    )


def set_mode(page, mode):
    """Light or dark, as the theme's own switch leaves it; without transitions, which would give colours in between."""
    page.add_style_tag(content="*, ::before, ::after { transition: none !important; animation: none !important; }")
    page.evaluate(
        "mode => { document.documentElement.dataset.mode = mode; document.documentElement.dataset.theme = mode; }", mode
    )


def violations(page, axe):
    """What axe-core finds wrong, in words."""
    if not page.evaluate("() => 'axe' in window"):
        page.evaluate(axe)
    found = page.evaluate("async () => (await axe.run({ resultTypes: ['violations'] })).violations")
    return [f"{rule['id']}: {rule['help']}: {node['html'][:160]}" for rule in found for node in rule["nodes"][:3]]


def weight(page):
    """Bytes that came, compressed."""
    return sum(page.watch.received.values())


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", PAGES)
def test_page(running, home, axe, name, width):
    with opened(running, home, name, width=width) as page:
        settle(page)
        assert weight(page) <= (FRONT_LIMIT if name == FRONT else LIMIT), sorted(
            page.watch.received.items(), key=lambda item: -item[1]
        )[:5]
        found = page.evaluate(CHECKS)
        for mode in ("light", "dark"):
            set_mode(page, mode)
            found += [f"{mode}: {fault}" for fault in violations(page, axe)]
        assert page.watch.faults() + found == []


# --- The checks notice broken pages ----------------------------------------------------------------

SOUND = """<!DOCTYPE html><html lang="en"><head><title>T</title><link rel="icon" href="data:,"></head>
<body><main><h1>Title</h1><p>Some words.</p>{}</main></body></html>"""


@pytest.mark.parametrize(
    ("broken", "fault"),
    [
        ("", None),
        ('<p style="width: 3000px">wide</p>', "scrolls sideways"),
        ('<div style="overflow-x: auto"><p style="width: 3000px">a wide table</p></div>', None),
        ('<p style="margin-top: -2.1em">This lies on the title and its words</p>', "lies over"),
        ("<script>console.error('oh')</script>", "oh"),
        ("<script>throw new Error('no')</script>", "no"),
        ('<img src="http://192.0.2.1/x.png" alt="a picture">', "another host"),
        ('<img src="absent.png" alt="a picture">', "404"),
        ('<img src="data:image/gif;base64,R0lGODlhAQABAAAAACw=">', "image-alt"),
        ('<p style="color: #aaa">Words too pale to read.</p>', "color-contrast"),
    ],
)
def test_the_checks_notice(running, axe, tmp_path, broken, fault):
    (tmp_path / "index.html").write_text(SOUND.format(broken), encoding="utf-8")
    with served(tmp_path) as address, opened(running, address, "index.html") as page:
        page.wait_for_timeout(200)
        found = page.watch.faults() + page.evaluate(CHECKS) + violations(page, axe)
    assert any(fault in one for one in found) if fault else found == []


def test_weight_is_what_came_compressed(running, tmp_path):
    (tmp_path / "index.html").write_text(SOUND.format("<p>" + "word " * 100_000), encoding="utf-8")
    (tmp_path / "x.bin").write_bytes(bytes(5000))
    with served(tmp_path) as address, opened(running, address, "index.html") as page:
        before = weight(page)
        page.evaluate("() => fetch('x.bin').then((answer) => answer.arrayBuffer())")
        assert before < 10_000 and weight(page) == before + 5000


@pytest.mark.parametrize("name", PAGES)
def test_page_from_a_file(running, name):
    with opened(running, SITE.as_uri(), name) as page:
        settle(page)
        assert page.watch.faults() == []


def test_the_sites_root_leads_to_the_front_page(running, home):
    with opened(running, home, "") as page:
        page.wait_for_url(f"{home}/{FRONT}")
        assert page.watch.faults() == []
