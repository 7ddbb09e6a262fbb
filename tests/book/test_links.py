"""Every internal link, fragment and reference of the built pages leads somewhere, from a server and from a folder.

The check is a function over a folder of pages, so that it is also shown broken ones.
"""

import re
from collections import Counter
from urllib.parse import unquote, urlsplit

import pytest
from browser import SITE, needs_site, pages, parsed, read

ADDRESSES = {"a": "href", "area": "href", "link": "href", "use": "href", "form": "action"}
ADDRESSES |= dict.fromkeys(["script", "img", "source", "iframe", "embed", "audio", "video"], "src")
# Attributes that name elements of the same page by their ids.
NAMED = {"for", "aria-labelledby", "aria-describedby", "aria-controls", "aria-owns", "headers", "list"}
TEMPLATES = {"genindex.html", "search.html"}  # pages that no document stands behind


def ids(elements):
    """All ids of a page, repeated ones repeatedly; an ``<a name>`` counts as one."""
    found = [element["id"] for element in elements if "id" in element.attrs]
    return found + [a["name"] for a in elements if a.name == "a" and a.get("name") not in (None, a.get("id"))]


def addresses(elements):
    """What a page links to or loads."""
    for element in elements:
        if (attribute := ADDRESSES.get(element.name)) in element.attrs:
            yield element[attribute].strip()
        if "srcset" in element.attrs:
            yield from (part.split()[0] for part in element["srcset"].split(","))


def address_fault(address, page, folder, known):
    """Say what is wrong with an address that a page holds; None if nothing is."""
    parts = urlsplit(address)
    if parts.scheme or parts.netloc:
        return None  # another host's, or data:, mailto: and the like
    if parts.path.startswith("/"):
        return "begins at the host's root, so it works neither in a subfolder nor from file://"
    target = (folder / page).parent / unquote(parts.path) if parts.path else folder / page
    target = target.resolve()
    if not target.is_relative_to(folder.resolve()):
        return "leads out of the site"
    if not target.is_file():
        return "leads to a folder, not to a page" if target.is_dir() else "there is no such file"
    fragment = unquote(parts.fragment)
    name = str(target.relative_to(folder.resolve()))
    if name == "book/explorer.html" and fragment.startswith("s="):
        return None  # not a place but a state, which test_explorer.py opens
    if fragment and name in known and fragment not in known[name]:
        return f"{name} has no element with the id {fragment!r}"
    return None


def link_faults(folder):
    """Check all pages of a site; one line a fault."""
    read_once = parsed if folder == SITE else read
    # One walk a page: each search of Beautiful Soup's would be another through ten thousand elements.
    elements = {name: read_once(folder / name).find_all(True) for name in pages(folder)}
    known = {name: Counter(ids(all_of_it)) for name, all_of_it in elements.items()}
    faults = []
    for name, all_of_it in elements.items():
        here = known[name]
        faults += [f"{name}: the id {one!r} stands {count} times" for one, count in sorted(here.items()) if count > 1]
        for address in dict.fromkeys(addresses(all_of_it)):
            if fault := address_fault(address, name, folder, known):
                faults.append(f"{name}: {address}: {fault}")
        for element in all_of_it:
            for attribute in NAMED & element.attrs.keys():
                value = element[attribute]
                wanted = value if isinstance(value, list) else value.split()
                faults += [f"{name}: {attribute} names {one!r}, no id here" for one in wanted if one not in here]
    return faults


def style_faults(folder):
    """Check what style sheets load from the site itself."""
    faults = []
    for sheet in sorted(folder.rglob("*.css")):
        for address in re.findall(r"url\(\s*['\"]?([^'\")]+)", sheet.read_text(encoding="utf-8")):
            parts = urlsplit(address)
            if not (parts.scheme or parts.netloc or not parts.path or (sheet.parent / unquote(parts.path)).is_file()):
                faults.append(f"{sheet.relative_to(folder)}: {address}: there is no such file")
    return faults


@needs_site
@pytest.mark.slow
def test_every_link_of_the_book_leads_somewhere():
    assert link_faults(SITE) == []


@needs_site
@pytest.mark.slow
def test_what_style_sheets_load_is_there():
    assert style_faults(SITE) == []


@needs_site
@pytest.mark.slow
def test_every_page_can_be_reached_from_the_front_page():
    reached, todo = set(), ["index.html"]
    while todo:
        name = todo.pop()
        if name in reached or name not in set(pages()):
            continue
        reached.add(name)
        soup = parsed(SITE / name)
        links = [urlsplit(a["href"]) for a in soup.find_all("a", href=True)]
        places = [(SITE / name).parent / unquote(link.path) for link in links if link.path and not link.scheme]
        refresh = soup.find("meta", attrs={"http-equiv": "Refresh"})  # the front page that leads to the root document
        if refresh:
            places.append((SITE / name).parent / refresh["content"].split("url=")[1])
        todo += [str(p.resolve().relative_to(SITE)) for p in places if p.resolve().is_relative_to(SITE)]
    assert set(pages()) - reached - TEMPLATES == set()


# --- The check notices broken pages ---------------------------------------------------------------


@pytest.fixture
def site(tmp_path):
    """Return a sound site of two pages, which a test may break."""
    (tmp_path / "sub").mkdir()
    (tmp_path / "a b.png").touch()
    (tmp_path / "index.html").write_text('<p id="top"><a href="sub/one.html#é"></a><img src="a%20b.png?v=1">')
    (tmp_path / "sub" / "one.html").write_text(
        '<p id="é" aria-labelledby="é"><a href="../index.html#top"></a><a href="#">'
    )
    return tmp_path


def test_sound_pages_pass(site):
    assert link_faults(site) == style_faults(site) == []


@pytest.mark.parametrize(
    ("html", "fault"),
    [
        ('<a href="gone.html">', "gone.html: there is no such file"),
        ('<a href="one.html#gone">', "has no element with the id 'gone'"),
        ('<a href="#gone">', "has no element with the id 'gone'"),
        ('<a href="../index.html#é">', "index.html has no element with the id 'é'"),
        ('<a href="/index.html">', "begins at the host's root"),
        ('<a href="../../x.html">', "leads out of the site"),
        ('<a href="../sub/">', "leads to a folder"),
        ('<a download href="../_downloads/x.ipynb">', "no such file"),
        ('<img src="x.png">', "no such file"),
        ('<img srcset="../a%20b.png 1x, x.png 2x">', "x.png: there is no such file"),
        ('<script src="x.js">', "no such file"),
        ('<link rel="next" href="x.html">', "no such file"),
        ('<form action="x.html">', "no such file"),
        ('<i id="a"></i><i id="a">', "the id 'a' stands 2 times"),
        ('<label for="x">', "for names 'x'"),
        ('<i id="a" aria-describedby="a x">', "aria-describedby names 'x'"),
        ('<button aria-controls="x">', "aria-controls names 'x'"),
    ],
)
def test_broken_pages_are_named(site, html, fault):
    (site / "sub" / "one.html").write_text(f'<p id="é">{html}')
    faults = link_faults(site)
    assert len(faults) == 1 and fault in faults[0] and faults[0].startswith("sub/one.html: ")


def test_style_sheets_that_load_what_is_not_there_are_named(site):
    (site / "x.css").write_text(
        "a { background: url('a b.png?1') } b { background: url(y.png) } c { src: url(data:x) }"
    )
    assert style_faults(site) == ["x.css: y.png: there is no such file"]
