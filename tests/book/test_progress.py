"""What the sidebar remembers of a reader, and what the search finds."""

import re

import pytest
from browser import needs_browser, needs_site, opened
from playwright.sync_api import expect

pytestmark = [pytest.mark.slow, needs_browser, needs_site]
CHAPTER = "book/chapters/momentum_and_noise.html"


def dots(page):
    """The dots of the chapter in the sidebar."""
    return page.locator("nav.bd-links li.current .progress-dots").last


def answer_all(page, kind):
    """Choose the first answer of each question."""
    questions = page.locator(f".questions.{kind} fieldset")
    for n in range(questions.count()):
        questions.nth(n).locator("input").first.check()


def test_dots_follow_what_the_reader_does_and_stay(browser, home):
    with opened(browser, home, CHAPTER) as page:
        assert dots(page).count() == 0
        answer_all(page, "prediction")
        expect(dots(page)).to_have_attribute(
            "title", re.compile("read to the end: not yet.*predictions made: yes.*quiz.*not yet")
        )
        answer_all(page, "quiz")
        expect(dots(page)).to_have_attribute("title", re.compile("quiz answered: yes"))
        page.locator(".prev-next-footer").scroll_into_view_if_needed()
        expect(dots(page)).to_have_attribute("title", re.compile("read to the end: yes"))
        page.reload()
        expect(dots(page)).to_contain_text("●●●")
        page.get_by_role("button", name="Start again").click()
        expect(dots(page)).to_have_attribute("title", re.compile("predictions made: not yet"))


def test_two_tabs_keep_and_show_each_others_progress(browser, home):
    cycling = "nav.bd-links a[href$='cycling.html'] .progress-dots"
    predicted = re.compile("predictions made: yes")
    with opened(browser, home, CHAPTER) as page:
        other = page.context.new_page()
        other.goto(f"{home}/book/chapters/cycling.html")
        answer_all(other, "prediction")
        expect(page.locator(cycling)).to_have_attribute("title", predicted)
        answer_all(page, "prediction")
        page.reload()
        expect(page.locator(cycling)).to_have_attribute("title", predicted)
        expect(dots(page)).to_have_attribute("title", predicted)


def test_what_was_kept_meanwhile_is_merged_and_shown_when_the_page_comes_back(browser, home):
    with opened(browser, home, CHAPTER) as page:
        address = page.url.replace("momentum_and_noise", "cycling").removeprefix(home)
        keep = "address => localStorage.setItem('progress', JSON.stringify({ [address]: { read: true } }))"
        page.evaluate(keep, address)
        cycling = page.locator("nav.bd-links a[href$='cycling.html'] .progress-dots")
        answer_all(page, "prediction")  # no event told the page of the other one
        expect(cycling).to_have_attribute("title", "read to the end: yes")
        page.evaluate("localStorage.removeItem('progress')")
        page.evaluate("dispatchEvent(new PageTransitionEvent('pageshow', { persisted: true }))")
        expect(page.locator(".progress-dots")).to_have_count(0)


@pytest.mark.parametrize("stored", ["{", "[1]", '{"/x": 3}', '"<b>"', "null", '{"__proto__": {"read": true}}'])
def test_whatever_is_stored_breaks_nothing(browser, home, stored):
    with opened(browser, home, CHAPTER) as page:
        page.evaluate("text => localStorage.setItem('progress', text)", stored)
        page.reload()
        answer_all(page, "prediction")  # the quiz is folded until then
        answer_all(page, "quiz")
        expect(dots(page)).to_have_attribute("title", re.compile("quiz answered: yes"))


@pytest.mark.parametrize(
    ("query", "title", "target"),
    [
        ("exercises", "Exercises", "#exercises"),
        ("warmup", "warm", None),
        ("scheduler", "Schedule", None),
        ("LLM", "Practice at scale", "practice.html"),
        ("batch size", "atch", None),
        ("decay", "decay", None),
        ("1cycle", "One-cycle", "one_cycle"),
    ],
)
def test_search_finds_sections_and_knows_synonyms(browser, home, query, title, target):
    with opened(browser, home, f"search.html?q={query}") as page:
        page.wait_for_function("document.querySelector('#search-results').innerText.includes('finished')")
        found = page.locator("#search-results li > a")
        assert found.count() > 0
        top = found.all()[:5]
        assert any(title in link.inner_text() for link in top), [link.inner_text() for link in top]
        if target:
            assert any(target in link.get_attribute("href") for link in top)


def test_search_leads_to_the_section_itself(browser, home):
    with opened(browser, home, "search.html?q=edge stability") as page:
        link = page.locator("#search-results li > a", has_text="edge of stability").first
        link.wait_for()
        assert "#the-edge-of-stability" in link.get_attribute("href")


def test_a_word_that_every_object_has_is_searched_for_as_it_stands(browser, home):
    with opened(browser, home, "search.html?q=constructor") as page:
        page.wait_for_function("document.querySelector('#search-results').innerText.includes('finished')")
        assert page.evaluate("localStorage.getItem('sphinx_highlight_terms')") == "constructor"
