"""One choice of framework for the whole book: by tab, by switch, by address, by keyboard, and without scripts."""

import pytest
from browser import SITE, needs_browser, needs_site, opened, still, unfold
from playwright.sync_api import expect

pytestmark = [
    needs_browser,
    needs_site,
    pytest.mark.slow,
]
ONE, OTHER, WITHOUT_TABS = (
    "book/chapters/step_and_plateau.html",
    "book/chapters/cycling.html",
    "book/references.html",
)


@pytest.fixture
def page(browser, home):
    """A page with tabs in a fresh profile; ``page.to`` goes to another page of the book."""
    with opened(browser, home, ONE) as page:
        page.to = lambda path: page.goto(f"{home}/{path}")
        yield page
        assert page.watch.errors == []


def shown(page):
    """The frameworks whose tabs are open: one name if the whole page agrees."""
    unfold(page)
    still(page)
    labels = page.locator(".sd-tab-set > input:checked + label").all_inner_texts()
    panels = page.locator(".sd-tab-set > .sd-tab-content:visible").count()
    assert panels == len(labels) > 0
    assert page.evaluate("document.documentElement.dataset.framework") in ("pytorch", "keras")
    return {label.strip() for label in labels}


def choose(page, title):
    unfold(page)
    page.locator(".sd-tab-set > label", has_text=title).first.click()


def test_pytorch_comes_first(page):
    assert shown(page) == {"PyTorch"}


def test_choice_holds_for_the_page_and_for_every_other(page):
    choose(page, "Keras")
    assert shown(page) == {"Keras"}
    page.to(OTHER)
    assert shown(page) == {"Keras"}
    choose(page, "PyTorch")
    page.to(ONE)
    assert shown(page) == {"PyTorch"}


@pytest.mark.parametrize("by_way_of", [OTHER, WITHOUT_TABS])
def test_address_sets_the_choice_on_any_page(page, by_way_of):
    page.to(f"{by_way_of}?framework=keras")
    page.to(ONE)
    assert shown(page) == {"Keras"}
    page.to(f"{ONE}?framework=pytorch")
    assert shown(page) == {"PyTorch"}


@pytest.mark.parametrize(
    "value", ["jax", "", "Keras", "__proto__", "toString", "%22%5D%3Cscript%3Ealert(1)%3C/script%3E"]
)
def test_unknown_value_in_the_address_is_ignored(page, value):
    choose(page, "Keras")
    page.to(f"{OTHER}?framework={value}")
    assert shown(page) == {"Keras"}
    page.to(ONE)
    assert shown(page) == {"Keras"}


def test_unknown_value_in_the_storage_is_ignored(page):
    page.evaluate("localStorage.setItem('framework', 'constructor')")
    page.to(OTHER)
    assert shown(page) == {"PyTorch"}


def test_switch_in_the_sidebar_sets_it_too(page):
    page.locator(".framework-switch label", has_text="Keras").click()
    assert shown(page) == {"Keras"}
    page.to(WITHOUT_TABS)
    expect(page.locator(".framework-switch").get_by_label("Keras")).to_be_checked()
    page.locator(".framework-switch label", has_text="PyTorch").click()
    page.to(ONE)
    assert shown(page) == {"PyTorch"}


def test_switch_works_in_the_drawer_of_a_phone(browser, home):
    with opened(browser, home, ONE, width=360) as page:
        page.locator(".primary-toggle").click()
        page.locator("#pst-primary-sidebar-modal .framework-switch label", has_text="Keras").click()
        page.keyboard.press("Escape")
        assert shown(page) == {"Keras"}


@pytest.mark.parametrize("radio", [".sd-tab-set > input:checked", ".framework-switch input:checked"])
def test_arrow_keys_choose(page, radio):
    unfold(page)  # which takes the focus
    page.locator(radio).first.focus()
    page.keyboard.press("ArrowRight")
    assert shown(page) == {"Keras"}
    page.keyboard.press("ArrowLeft")
    assert shown(page) == {"PyTorch"}


def test_tab_key_reaches_the_tabs(page):
    page.locator(".sd-tab-set").first.evaluate("e => { e.tabIndex = -1; e.focus() }")
    page.keyboard.press("Tab")
    page.wait_for_function("document.activeElement.matches('.sd-tab-set > input')")


def test_choice_holds_for_the_page_where_storage_is_refused(browser, home):
    with opened(browser, home) as page:
        page.add_init_script("Storage.prototype.setItem = () => { throw new Error('refused') }")
        page.goto(f"{home}/{ONE}?framework=keras")
        assert shown(page) == {"Keras"}
        choose(page, "PyTorch")
        assert shown(page) == {"PyTorch"}


@pytest.mark.parametrize("width", [360, 1440])
def test_both_are_shown_without_scripts(browser, home, width):
    with opened(browser, home, ONE, width=width, java_script_enabled=False) as page:
        panels = page.locator(".sd-tab-content")
        assert panels.count() > 2
        assert all(panel.is_visible() for panel in panels.all())
        labels = [text.strip() for text in page.locator(".sd-tab-set > label:visible").all_inner_texts()]
        assert labels == ["PyTorch", "Keras"] * (panels.count() // 2)
        # Each framework's name stands right over its own code.
        for label, panel in zip(page.locator(".sd-tab-set > label").all(), panels.all(), strict=True):
            over, under = label.bounding_box(), panel.bounding_box()
            assert abs(over["y"] + over["height"] - under["y"]) < 20
        assert page.locator(".framework-switch").count() == 0  # it could do nothing
        assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_it_works_from_a_file(browser):
    with opened(browser, SITE.as_uri(), f"{ONE}?framework=keras") as page:
        assert shown(page) == {"Keras"}
        choose(page, "PyTorch")
        assert shown(page) == {"PyTorch"} and page.watch.faults() == []
