"""What pages say of themselves to those who share, cite or correct them."""

from types import SimpleNamespace

import pytest
from browser import SITE, needs_site, parsed
from docutils import nodes
from test_site import built, project

import lrlib

import page_meta  # isort: skip


def meta(page):
    """A page's meta tags by their names."""
    return {tag.get("name") or tag.get("property"): tag["content"] for tag in page.select("meta[content]")}


@needs_site
@pytest.mark.parametrize("name", ["book/index", "book/chapters/choosing", "book/glossary", "book/run"])
def test_each_page_describes_itself_and_states_the_version(name):
    page = parsed(SITE / f"{name}.html")
    found = meta(page)
    assert found["og:title"] == " ".join(page.select_one("article h1").text.removesuffix("#").split())
    assert 20 < len(found["og:description"]) <= page_meta.LONGEST + 2
    assert "og:image" not in found  # a picture needs an address that is not known yet
    assert f"Version {lrlib.__version__}." in page.select_one(".extra_footer").text


@pytest.mark.slow
def test_with_an_address_the_card_has_its_picture_and_the_citation_its_place(tmp_path):
    base = "https://x.org/b"
    pages = built(project(tmp_path, cite="# Cite\n\n```{citation}\n```"), "page_meta", html_baseurl=base)
    found = meta(pages["chapters/one.html"])
    assert found["og:image"] == f"{base}/{page_meta.CARD}" and found["og:url"] == f"{base}/chapters/one.html"
    assert base in pages["cite.html"].select_one("pre").text and lrlib.__version__ in pages["cite.html"].text


@pytest.mark.parametrize(
    ("options", "linked"),
    [
        ({}, False),
        ({"repository_url": page_meta.DEFAULT}, False),
        ({"repository_url": "https://github.com/OWNER/NAME"}, True),
    ],
)
def test_a_feedback_link_stands_where_the_repository_has_an_address(options, linked):
    config = SimpleNamespace(html_theme=page_meta.THEME, html_theme_options=dict(options))
    page_meta.set_theme(None, config)
    assert config.html_theme_options["use_issues_button"] is linked


def test_a_long_description_is_cut_at_a_word():
    document = nodes.container("", nodes.paragraph("", "word " * 100))
    assert len(page_meta.description(document)) <= page_meta.LONGEST + 2
    assert page_meta.description(document).endswith("word …")


def test_a_description_without_spaces_is_cut_all_the_same():
    document = nodes.container("", nodes.paragraph("", "x" * 250))
    assert page_meta.description(document) == "x" * page_meta.LONGEST + " …"


@needs_site
def test_no_page_offers_feedback_to_somebody_elses_repository():
    assert not parsed(SITE / "book/index.html").select(".btn-source-issues-button")
