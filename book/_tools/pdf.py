"""Print the built book into one PDF: every page by Chromium, in the order of the contents, with bookmarks.

    python book/_tools/pdf.py

Links between pages lead to the page within the file. Results and solutions are printed open. Folded code and evidence
are left out, for a reader of paper cannot run them.
"""

from __future__ import annotations

import io
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import build
import chromium
import table_of_contents
import yaml
from playwright.sync_api import Page, sync_playwright
from pypdf import PdfReader, PdfWriter
from pypdf.generic import ArrayObject, NameObject, NumberObject, TextStringObject
from tqdm import tqdm

from lrlib.course.files import write_atomically

SITE = build.BUILD / "html"
TARGET = build.BUILD / "learning-rate-schedules.pdf"
MARGINS: Any = {"top": "18mm", "bottom": "18mm", "left": "16mm", "right": "16mm"}
LEFT_OUT = "details.folded, details.hide { display: none !important }"
SCALE = 0.85  # about 90 characters of code a line
READY = "async () => { await document.fonts.ready; await window.MathJax?.startup?.promise; }"
# `decode` waits for an image, and fails where it could not be loaded; `complete` is true of such an image too.
# The pages' policy permits no `wait_for_function`, which evaluates a text.
BROKEN = """async () => {
    const broken = (image) => image.decode().then(() => [], () => [image.currentSrc]);
    return (await Promise.all([...document.images].filter((image) => image.currentSrc).map(broken))).flat();
}"""


def printed(page: Page, file: Path) -> bytes:
    """Print one page of the site. Errors: ``SystemExit`` where an image of it cannot be shown."""
    page.goto(file.as_uri())
    page.evaluate("document.querySelectorAll('img[loading=lazy]').forEach((image) => (image.loading = 'eager'))")
    page.add_style_tag(content=LEFT_OUT)
    page.evaluate(READY)
    if broken := page.evaluate(BROKEN):
        raise SystemExit(f"{file.name} shows images that could not be loaded: {', '.join(broken)}; run make book")
    return page.pdf(format="A4", margin=MARGINS, scale=SCALE, print_background=True)


def contents(toc: dict[str, Any]) -> Iterator[tuple[str | None, str]]:
    """Yield each page of the book with the caption of the part that begins there, if one does."""
    yield None, toc["root"]
    for part in toc["parts"]:
        caption = part.get("caption")
        for page in table_of_contents.pages(part["chapters"]):
            yield caption, page
            caption = None


def lead_inside(writer: PdfWriter, first: dict[str, int]) -> None:
    """Turn links to pages of the site into links within the file, and drop those to the site's other files."""
    for page in writer.pages:
        for reference in page.get("/Annots", []):
            note = reference.get_object()
            address = str(note.get("/A", {}).get("/URI", ""))
            if not address.startswith("file:"):
                continue
            target = first.get(address.partition("#")[0])
            del note["/A"]
            if target is not None:
                place = ArrayObject([writer.pages[target].indirect_reference, NameObject("/Fit")])
                note[NameObject("/Dest")] = place
            note[NameObject("/Border")] = ArrayObject([NumberObject(0)] * 3)


def merge(pages: list[tuple[str | None, str, Path, bytes]]) -> bytes:
    """Put printed pages into one file: (part's caption, title, file of the site, PDF) of each."""
    writer = PdfWriter()
    first: dict[str, int] = {}
    part = None
    for caption, title, file, content in pages:
        first[file.as_uri()] = start = len(writer.pages)
        writer.append(PdfReader(io.BytesIO(content)), import_outline=False)
        if caption:
            part = writer.add_outline_item(title=caption, page_number=start)
        writer.add_outline_item(title=title, page_number=start, parent=part)
    lead_inside(writer, first)
    writer.add_metadata({"/Title": "Learning-rate schedules, reproduced"})
    writer.root_object[NameObject("/Lang")] = TextStringObject("en")
    writer.compress_identical_objects()
    written = io.BytesIO()
    writer.write(written)
    return written.getvalue()


def main() -> int:
    """Print the whole book."""
    if chromium.EXECUTABLE is None:
        raise SystemExit(f"no Chromium found: {chromium.ADVICE}")
    toc = yaml.safe_load((build.ROOT / "_toc.yml").read_text(encoding="utf-8"))
    pages = []
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=chromium.EXECUTABLE, args=chromium.FLAGS)
        page = browser.new_page(color_scheme="light")
        for caption, name in tqdm(list(contents(toc)), desc="printing", unit="page"):
            file = SITE / f"{name}.html"
            content = printed(page, file)
            title = page.locator("article h1").first.inner_text().rstrip("#").strip()
            pages.append((caption, title, file, content))
        browser.close()
    write_atomically(TARGET, merge(pages))
    print(f"The book is printed: {TARGET.relative_to(build.ROOT)}, {TARGET.stat().st_size / 1e6:.0f} MB")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
