"""The pages' Content-Security-Policy: what it permits, that the pages do all they can under it, and what it stops."""

import os

import content_security
import pytest
from browser import SITE, needs_browser, needs_site, opened, pages, parsed, served, settle, unfold
from playwright.sync_api import expect
from sphinx.errors import ExtensionError
from sphinx.ext.mathjax import MATHJAX_URL

PAGES = pages() if SITE.exists() else []
HEAD = '<html><head><meta charset="utf-8"><title>T</title></head><body>{}</body></html>'
# One script of a page's text, and one in an attribute.
PLANTED = "<script>window.ran = true;</script><img src='data:,' onerror='window.ran = true'>"
# The same by a script that may run.
WRITE = """() => {
    const script = document.createElement("script");
    script.textContent = "window.written = true;";
    document.body.append(script);
}"""
EXPLORER = "book/explorer.html"


def directives(page):
    """A parsed page's policy: the sources of each directive."""
    [meta] = page.find_all("meta", attrs={"http-equiv": "Content-Security-Policy"})
    return {name: sources for name, *sources in (part.split() for part in meta["content"].split("; "))}


# --- What is written ----------------------------------------------------------------------------------------------


@needs_site
@pytest.mark.parametrize("name", PAGES)
def test_every_page_permits_its_own_scripts_and_no_others(name):
    page = parsed(SITE / name)
    given = directives(page)
    inline = {
        content_security.digest(script.string)
        for script in page.find_all("script", src=False)
        if script.get("type", "") in content_security.CODE
    }
    assert given["default-src"] == given["base-uri"] == ["'none'"]
    cdn = {content_security.CDN} if page.select(f"script[src^='{content_security.CDN}']") else set()  # without npm
    assert set(given["script-src"]) == {"'self'", "file:"} | cdn | inline
    known = {"'none'", "'self'", "file:", "data:", "blob:", "'unsafe-inline'"}
    assert set().union(*given.values()) <= known | cdn | inline
    assert [directive for directive, sources in given.items() if "'unsafe-inline'" in sources] == ["style-src"]
    assert ("worker-src" in given) == bool(page.select("script[src*='trainer/trainer.js']"))
    reads = name == "search.html" or bool(page.select("script[src*='_static/downloads.js']"))
    assert ("connect-src" in given) == reads
    # It stands before all that it is for.
    assert page.head.find("meta", attrs={"http-equiv": True}).find_previous_siblings(True) == page.head.select(
        "[charset]"
    )


def test_only_a_page_that_loads_mathjax_from_the_cdn_may_load_from_there():
    def given(source):
        policy = content_security.policy("a.html", f'<script src="{source}"></script>')
        return dict(part.split(" ", 1) for part in policy.split("; "))

    with_it, without = given(MATHJAX_URL), given("_static/vendor/mathjax/es5/tex-chtml.js")
    assert MATHJAX_URL.startswith(content_security.CDN)
    for directive in ("script-src", "font-src"):
        assert with_it[directive] == f"{without[directive]} {content_security.CDN}"
    assert {k: v for k, v in with_it.items() if v != without[k]}.keys() == {"script-src", "font-src"}


def test_a_policy_names_each_inline_script_once():
    page = HEAD.format(
        "<script>a &lt; 'é'</script><script>a &lt; 'é'</script><script type='application/json'>1</script>"
    )
    once = content_security.secured("index.html", page)
    assert once.count("sha256-") == 1 and content_security.digest("a &lt; 'é'") in once
    assert content_security.secured("index.html", once) == once  # a warm build


@pytest.mark.parametrize("body", ['<p onclick="x()">', "<a href=' JavaScript:x()'>a</a>"])
def test_a_script_in_an_attribute_stops_the_build(body):
    with pytest.raises(ExtensionError, match=r"index\.html: use a listener"):
        content_security.secured("index.html", HEAD.format(body))


# --- In the browser -----------------------------------------------------------------------------------------------


@pytest.fixture(scope="module", params=["folder of a server", "file"])
def place(request):
    """Where the book is opened: its address. Every page is opened from a server's root in test_pages.py."""
    if request.param == "file":
        yield SITE.as_uri()
    else:
        with served(SITE.parent) as address:
            yield f"{address}/{SITE.name}"


def use_chapter(page):
    """Formulas, tabs, a question, a demonstration, colours, a copied cell, paper and a way to the search."""
    expect(page.locator("mjx-container").first).to_be_attached()
    page.locator(".sd-tab-set > label", has_text="Keras").first.click()
    page.locator(".question input").first.check()
    unfold(page)
    slider = page.locator("[data-demonstration] input[type=range]").first
    slider.press("ArrowRight")
    page.locator(".theme-switch-button:visible").click()
    page.locator("button.copybtn").first.evaluate("(button) => button.click()")
    page.evaluate("window.print = () => { window.printed = true; }")
    page.locator(".btn-download-pdf-button").first.evaluate("(button) => button.click()")
    assert page.evaluate("window.printed")


def use_search(page):
    page.locator("#search-results li a").first.wait_for()
    expect(page.locator("#search-results")).to_contain_text("finished")


def use_challenge(page):
    page.click("#challenge-train")
    page.locator("#challenge-table tr").first.wait_for()


def use_explorer(page):
    page.click("#training-train")
    expect(page.locator("#training-state")).to_contain_text("Trained")
    if page.url.startswith("http"):
        page.click("#explorer-start")
        page.wait_for_selector("#explorer-charts path.schedule")


USED = {
    "book/chapters/learning_rate.html": use_chapter,
    "search.html?q=triangular2": use_search,
    "book/challenge.html": use_challenge,
    EXPLORER: use_explorer,
}


@needs_site
@needs_browser
@pytest.mark.slow
class TestPages:
    @pytest.mark.parametrize("name", USED)
    def test_what_a_reader_does_breaks_no_policy(self, browser, place, name):
        with opened(browser, place, name, policy=True) as page:
            USED[name](page)
            settle(page)
            assert page.watch.faults() == []

    @pytest.mark.parametrize("policy", [True, False], ids=["with its policy", "without"])
    def test_a_planted_script_does_not_run(self, browser, tmp_path, policy):
        site = tmp_path / "folder"
        (site / "book").mkdir(parents=True)
        for name in ("_static", "_images", "searchindex.js"):
            os.symlink(SITE / name, site / name)
        text = (SITE / EXPLORER).read_text(encoding="utf-8").replace("</article>", f"{PLANTED}</article>")
        if not policy:
            text = content_security.PRESENT.sub("", text)
        (site / EXPLORER).write_text(text, encoding="utf-8")
        with served(tmp_path) as home:
            for address in (f"{home}/folder", site.as_uri()):
                with opened(browser, address, EXPLORER, policy=True) as page:
                    settle(page)
                    refused = [error for error in page.watch.errors if "Content Security Policy" in error]
                    assert (page.evaluate("window.ran"), len(refused)) == ((None, 2) if policy else (True, 0))
                    page.evaluate(WRITE)
                    assert page.evaluate("window.written") == (None if policy else True)
