"""Every page of the built book in Chromium: what it logs and asks for, how it is laid out, who can use it.

The checks return what is wrong, so that each is also shown a page that is.
"""

import re
from pathlib import Path

import pytest
from browser import SITE, needs_browser, needs_site, opened, pages, served, settle, still, unfold
from page_faults import axe_faults, layout_faults
from playwright.sync_api import expect

ROOT = Path(__file__).resolve().parents[2]
pytestmark = [needs_browser, pytest.mark.slow]
WIDTHS = (360, 1440)
SCHEMES = ("light", "dark")
CHAPTER = "book/chapters/step_and_plateau.html"
# Their articles show on a telephone what they do not show on a desk, and the other way round.
OTHER_ON_A_PHONE = ("book/chapters/verdicts.html", "book/explorer.html")
# Bytes as served, before any interaction.
FRONT_BUDGET, BUDGET = 600_000, 1_500_000
# axe-core's rules that a colour can break, of those that it applies by default.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
# What stands around them keeps its place, and axe reads the page in a fraction of the time.
EMPTY_THE_ARTICLES = """() => {
    for (const article of document.querySelectorAll("article")) {
        article.style.height = `${article.offsetHeight}px`;
        article.replaceChildren();
    }
}"""
PAGES = pages() if SITE.exists() else []
each_page = pytest.mark.parametrize("name", PAGES)
each_width = pytest.mark.parametrize("width", WIDTHS)


def scheme_faults(page, scheme):
    shown = page.evaluate("document.documentElement.dataset.theme")
    return [f"the page is {shown}"] if shown not in (None, scheme) else []


def weight_faults(page, budget):
    sizes = page.watch.received
    heaviest = sorted(sizes, key=sizes.get, reverse=True)[:3]
    total = sum(sizes.values())
    return [f"{total} bytes, more than {budget}; heaviest: {heaviest}"] if total > budget else []


def page_faults(page, axe, budget=BUDGET, article_in=SCHEMES):
    """All that is wrong with a page that is open, in light and in dark; its article may be left to one of them.

    What is no matter of colour is the same in both, and is looked at with the article.
    """
    settle(page)
    faults = weight_faults(page, budget)
    unfold(page)
    faults += layout_faults(page)
    for scheme in [*article_in, *(other for other in SCHEMES if other not in article_in)]:
        rules = None
        if scheme not in article_in:
            page.evaluate(EMPTY_THE_ARTICLES)
            rules = COLOUR_RULES
        page.emulate_media(color_scheme=scheme, reduced_motion="reduce")
        still(page)
        faults += [f"{scheme}: {fault}" for fault in scheme_faults(page, scheme) + axe_faults(page, axe, rules=rules)]
    return faults + page.watch.faults()


class EachPage:
    """What stands around the article, axe looks at in light and in dark at both widths.

    An article's colours depend on the scheme and not on the width, and whatever else axe looks at on the width and not
    on the scheme. So the article, most of a page's work, is looked at light on a telephone and dark on a desk.
    """

    width: int
    article_in: str

    @each_page
    def test_page(self, browser, home, axe, name):
        budget = FRONT_BUDGET if name in ("index.html", "book/index.html") else BUDGET
        article_in = SCHEMES if name in OTHER_ON_A_PHONE else [self.article_in]
        with opened(browser, home, name, width=self.width, policy=True) as page:
            assert page_faults(page, axe, budget, article_in) == []


@needs_site
class TestOnAPhone(EachPage):
    width, article_in = 360, "light"


@needs_site
class TestOnADesk(EachPage):
    width, article_in = 1440, "dark"


@needs_site
@each_page
def test_page_opens_from_a_file(browser, name):
    with opened(browser, SITE.as_uri(), name, policy=True) as page:
        settle(page)
        assert page.watch.faults() == []


# --- The checks notice broken pages -------------------------------------------------------------------------------

SOUND = (
    '<!doctype html><html lang="en"><head><title>T</title><link rel="icon" href="data:,"></head><body><main>{}</main>'
)
DOT = "data:image/gif;base64,R0lGODlhAQABAAAAACw="
PICTURE = f'<img alt="a" width="1784" style="display: block; width: 300px" src="{DOT}">'
LONG = "words that are long enough to be seen " * 3


@pytest.fixture
def faults_of(browser, axe, tmp_path):
    """Give a function that writes a page around a body, opens it and returns its faults."""

    def faults(body, **options):
        (tmp_path / "index.html").write_text(SOUND.format("<h1>Title</h1>" + body), encoding="utf-8")
        (tmp_path / "large.js").write_text("//" + " ".join(map(str, range(200_000))), encoding="utf-8")
        with served(tmp_path) as home, opened(browser, home, width=360) as page:
            return page_faults(page, axe, **options)

    return faults


@pytest.mark.parametrize(
    "body",
    [
        f"<p>{LONG}</p><p>{LONG}</p>",
        f'<div style="overflow-x: auto" tabindex="0"><div style="width: 900px">{LONG}</div></div>',
        f'<p>{LONG}</p><p style="display: none">{LONG}</p><p style="margin-top: -1px">{LONG}</p>',
        f'<p>{LONG}</p><p style="position: fixed; top: 4em; background: white">{LONG}</p>',
    ],
)
def test_sound_pages_pass(faults_of, body):
    assert faults_of(body) == []


def test_what_a_reload_cuts_short_is_no_fault(browser, tmp_path):
    (tmp_path / "index.html").write_text(SOUND.format("<h1>Title</h1>"), encoding="utf-8")
    with served(tmp_path) as home, opened(browser, home) as page:
        page.route("**/late.svg", lambda route: None)  # never answered
        with page.expect_request("**/late.svg"):
            page.evaluate("() => { new Image().src = 'late.svg'; }")
        with page.expect_event("requestfailed"):
            page.reload()
        assert page.watch.faults() == []


@pytest.mark.parametrize(
    ("body", "fault"),
    [
        ("<script>nothing.there</script>", "nothing is not defined"),
        ("<script>console.warn('beware')</script>", "beware"),
        ("<script>console.error('oh')</script>", "oh"),
        ('<script src="http://127.0.0.2:9/x.js"></script>', "asks another host: http://127.0.0.2:9/x.js"),
        ('<script src="missing.js"></script>', "404 http"),
        ('<script src="large.js"></script>', "large.js"),
        ('<div style="width: 400px">wide</div>', "px wide in 360 px"),
        (f'<p>{LONG}</p><p style="margin-top: -3em">{LONG}</p>', "overlapping text"),
        (f'<p style="height: 1em">{LONG}</p><p>{LONG}</p>', "overlapping text"),
        (f'<a class="image-reference" href="a">{PICTURE}</a>', "letters of 4.6 px"),
        ('<article style="width: 200px"><p style="width: 300px">wide</p></article>', "p. is wider than the article"),
        (f'<img src="{DOT}">', "axe image-alt"),
        ('<p style="color: #aaa; background: #fff">pale</p>', "axe color-contrast"),
        ('<label>a<select id="x"></select></label><button></button>', "axe button-name"),
    ],
)
def test_broken_pages_are_noticed(faults_of, body, fault):
    assert fault in "\n".join(faults_of(body, budget=100_000))


PALE_IN_THE_DARK = "<style>@media (prefers-color-scheme: dark) { p { color: #555; background: #222 } }</style>"


def test_what_is_pale_in_the_dark_only_is_noticed(faults_of):
    (fault,) = faults_of(PALE_IN_THE_DARK + "<p>text</p>")
    assert fault.startswith("dark: axe color-contrast")


def test_a_page_that_stays_light_is_noticed(faults_of):
    (fault,) = faults_of("<script>document.documentElement.dataset.theme = 'light'</script>")
    assert fault == "dark: the page is light"


def test_an_article_may_be_left_to_one_scheme_and_nothing_else(faults_of):
    body = PALE_IN_THE_DARK + "<p>around</p><article><p>within</p></article>"
    (fault,) = faults_of(body, article_in=["light"])
    assert "around" in fault and "within" not in fault
    (fault,) = faults_of(body, article_in=["dark"])
    assert "around" in fault and "within" in fault


# --- By keyboard --------------------------------------------------------------------------------------------------


def focused(page, expression):
    """Evaluate an expression about the element that has the focus, as ``e``."""
    return page.evaluate(f"(e => {expression})(document.activeElement)")


@needs_site
def test_skip_link_comes_first_and_leads_to_the_text(browser, home):
    with opened(browser, home, CHAPTER) as page:
        page.keyboard.press("Tab")
        skip = page.locator("#pst-skip-link a", has_text="Skip to main content")
        expect(skip).to_be_focused()
        expect(skip).to_be_visible()
        page.keyboard.press("Enter")
        page.wait_for_url("**#main-content")
        page.keyboard.press("Tab")
        page.wait_for_function("document.activeElement.closest('main') !== null")


@needs_site
def test_focus_is_always_seen(browser, home):
    with opened(browser, home, CHAPTER, reduced_motion="reduce") as page:
        settle(page)
        for _ in range(60):
            page.keyboard.press("Tab")
            # A radio button of the tabs is unseen itself; its label shows the focus. Those of questions show it.
            seen = focused(
                page,
                """(() => {
                    const unseen = e.type === "radio" && getComputedStyle(e).opacity === "0";
                    const shown = unseen ? e.labels[0] : e;
                    const style = getComputedStyle(shown);
                    const box = shown.getBoundingClientRect();
                    const inside = box.bottom > 0 && box.top < innerHeight;
                    const ring = style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2;
                    return inside && ring ? "" : shown.outerHTML.slice(0, 200);
                })()""",
            )
            assert seen == ""


@needs_site
@pytest.mark.parametrize("side", ["primary", "secondary"])
def test_sidebars_open_and_close_on_a_phone(browser, home, side):
    with opened(browser, home, CHAPTER, width=360) as page:
        settle(page)
        toggle = page.locator(f".{side}-toggle")
        toggle.focus()
        page.keyboard.press("Enter")
        dialog = page.locator(f"#pst-{side}-sidebar-modal")
        expect(dialog).to_be_visible()
        expect(dialog.locator("a").first).to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).to_be_hidden()
        expect(toggle).to_be_focused()


@needs_site
def test_sidebar_folds_on_a_wide_screen(browser, home):
    with opened(browser, home, CHAPTER, reduced_motion="reduce") as page:
        settle(page)
        links = page.locator("#pst-primary-sidebar a").first
        for shown in (False, True):
            page.locator(".primary-toggle").focus()
            page.keyboard.press("Enter")
            links.wait_for(state="visible" if shown else "hidden")


@needs_site
@each_width
def test_search_dialog_opens_and_closes(browser, home, width):
    with opened(browser, home, CHAPTER, width=width) as page:
        settle(page)
        dialog = page.locator("#pst-search-dialog")
        for way in ("button", "keys"):
            if way == "button":
                page.locator(".search-button__button:visible").first.focus()
                page.keyboard.press("Enter")
            else:
                page.keyboard.press("Control+k")
            expect(dialog).to_be_visible()
            expect(dialog.locator("[name=q]")).to_be_focused()
            page.keyboard.press("Escape")
            expect(dialog).to_be_hidden()
        page.keyboard.press("Control+k")
        expect(dialog.locator("[name=q]")).to_be_focused()
        page.keyboard.type("plateau")
        page.keyboard.press("Enter")
        page.locator("#search-results li a").first.wait_for()
        assert "q=plateau" in page.url and page.watch.faults() == []


@needs_site
def test_colours_are_chosen_by_keyboard_and_kept(browser, home):
    with opened(browser, home, CHAPTER) as page:
        settle(page)
        root = page.locator("html")
        modes = [root.get_attribute("data-mode")]
        for _ in range(3):
            page.locator(".theme-switch-button:visible").focus()
            page.keyboard.press("Enter")
            expect(root).not_to_have_attribute("data-mode", modes[-1])
            modes.append(root.get_attribute("data-mode"))
        assert sorted(modes[1:]) == ["auto", "dark", "light"]
        for mode in modes[1 : 1 + modes[1:].index("dark") + 1]:
            page.keyboard.press("Enter")
            expect(root).to_have_attribute("data-mode", mode)
        page.goto(f"{home}/book/references.html")
        expect(root).to_have_attribute("data-theme", "dark")
        assert page.watch.faults() == []


# --- Reading ------------------------------------------------------------------------------------------------------


@needs_site
def test_lines_have_a_readable_length(browser, home):
    with opened(browser, home, CHAPTER) as page:
        characters = page.evaluate(
            """() => [...document.querySelectorAll("article section > p")].flatMap((p) => {
                const range = document.createRange();
                range.selectNodeContents(p);
                const lines = new Set([...range.getClientRects()].map((box) => Math.round(box.bottom / 8)));
                const shown = p.cloneNode(true);
                for (const tip of shown.querySelectorAll("[role=tooltip]")) tip.remove();
                return lines.size > 2 ? [shown.textContent.length / (lines.size - 0.5)] : [];
            })"""
        )
        middle = sorted(characters)[len(characters) // 2]
        assert 62 <= middle <= 78, middle


@needs_site
@each_width
def test_wide_tables_scroll_in_a_named_region(browser, home, width):
    with opened(browser, home, "book/chapters/verdicts.html", width=width) as page:
        settle(page)
        unfold(page)
        still(page)  # what is unfolded is measured at the next frame
        regions = page.evaluate(
            """() => [...document.querySelectorAll(".table-scroll")].filter((e) => e.checkVisibility()).map((e) => (
                {wide: e.scrollWidth > e.clientWidth, stop: e.tabIndex === 0, role: e.role, name: e.ariaLabel}))"""
        )
        assert any(region["wide"] for region in regions) or width > 360
        for region in regions:
            expected = (True, "region") if region["wide"] else (False, None)
            assert (region["stop"], region["role"]) == expected, region
        names = [region["name"] for region in regions if region["wide"]]
        assert all(names) and len(set(names)) == len(names)
        if not names:
            return
        page.locator(".table-scroll[tabindex='0']:visible").first.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")


@needs_site
def test_a_figure_scrolls_on_a_telephone_and_says_so(browser, home):
    with opened(browser, home, "book/chapters/cycling.html", width=390) as page:
        settle(page)
        region = page.locator("#fig-cycle-question .figure-scroll")
        expect(region).to_have_role("region")
        expect(region).to_have_accessible_name(re.compile("Figure "))
        hint = page.locator("#fig-cycle-question .scroll-hint")
        expect(hint).to_be_visible()
        region.focus()
        page.keyboard.press("ArrowRight")
        page.wait_for_function("document.activeElement.scrollLeft > 0")
        page.emulate_media(media="print")
        expect(hint).to_be_hidden()
        assert region.evaluate("e => e.scrollWidth <= e.clientWidth")
        page.emulate_media(media="screen")
        page.set_viewport_size({"width": 1440, "height": 900})
        expect(region).not_to_have_attribute("role", "region")  # what fits is no landmark
        expect(hint).to_be_hidden()


@needs_site
def test_without_scripts_a_figure_says_that_it_scrolls(browser, home):
    with opened(browser, home, "book/chapters/cycling.html", width=390, java_script_enabled=False) as page:
        expect(page.locator("#fig-cycle-question .scroll-hint")).to_be_visible()
        expect(page.locator("#fig-cycle-question .figure-scroll")).to_have_role("region")


@needs_site
def test_contents_beside_a_wide_table_open_for_the_keyboard(browser, home):
    with opened(browser, home, "book/chapters/verdicts.html") as page:
        settle(page)
        unfold(page)
        page.locator(".tag_full-width table").evaluate("e => e.scrollIntoView({ behavior: 'instant' })")
        page.wait_for_function("document.querySelector('.bd-sidebar-secondary.hide')")
        link = page.locator(".bd-sidebar-secondary nav a").first
        link.evaluate("e => e.focus({ focusVisible: true, preventScroll: true })")
        page.wait_for_function("getComputedStyle(document.querySelector('nav.page-toc')).opacity === '1'")


@needs_site
def test_pictures_keep_their_place_and_come_when_near(browser, home):
    with opened(browser, home, "book/chapters/cycling.html") as page:
        pictures = page.locator("article img").evaluate_all(
            "all => all.map((e) => [e.loading, e.getAttribute('width'), e.getAttribute('height')])"
        )
        assert len(pictures) > 1
        assert [loading for loading, *_ in pictures] == ["auto"] + ["lazy"] * (len(pictures) - 1)
        assert all(int(width) > 0 and int(height) > 0 for _, width, height in pictures)


@needs_site
def test_paper_has_the_text_and_both_frameworks(browser, home):
    with opened(browser, home, CHAPTER) as page:
        settle(page)
        page.emulate_media(media="print")
        for frame in ("#pst-primary-sidebar", "#pst-secondary-sidebar", ".bd-header-article", ".prev-next-footer"):
            expect(page.locator(frame).first).to_be_hidden()
        tabs = page.locator(".sd-tab-content")
        assert tabs.count() > 2
        expect(page.locator(".sd-tab-content:visible")).to_have_count(tabs.count())
        expect(page.locator("h1:visible")).to_have_count(1)
