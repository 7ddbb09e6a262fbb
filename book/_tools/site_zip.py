"""Pack the built site into one archive that works without a network and without a server.

    python book/_tools/site_zip.py

Equal pages give an equal archive. Pyodide stays out: a browser does not start it from a file, and it would double the
archive. So do source maps, which only a debugger asks for, and the link to the archive itself.
"""

from __future__ import annotations

import io
import re
import zipfile
from collections.abc import Iterable
from pathlib import Path

from lrlib.course.files import sweep, write_if_changed

SITE = Path(__file__).resolve().parents[1] / "_build" / "html"
ARCHIVE = "learning-rate-schedules.zip"  # in the folder of all pages
# Also what a killed writer left of a page or notebook.
LEFT_OUT = re.compile(r"^_static/vendor/pyodide/|\.map$|^\.buildinfo$|(^|/)\.[^/]+\.tmp$")
LINK = re.compile(r'<a class="[^"]*\bsite-archive\b[^"]*"[^>]*>(.*?)</a>', re.DOTALL)
SIZE = re.compile(r'(<span class="site-archive-size">)[^<]*(</span>)')
OLDEST = (1980, 1, 1, 0, 0, 0)  # the format knows no earlier date; a real one would differ from build to build


def contents(site: Path) -> list[Path]:
    """Return the files that go into the archive, in a stable order."""
    names = {file.relative_to(site).as_posix(): file for file in site.rglob("*") if file.is_file()}
    return [names[name] for name in sorted(names) if name != ARCHIVE and not LEFT_OUT.search(name)]


def offline(page: str) -> str:
    """Return a page without the link to the archive."""
    return SIZE.sub("", LINK.sub(r"\1", page))


def add(archive: zipfile.ZipFile, name: str, content: bytes) -> None:
    """Add a file, so that equal contents give an equal archive."""
    entry = zipfile.ZipInfo(name, OLDEST)
    entry.compress_type, entry.create_system, entry.external_attr = zipfile.ZIP_DEFLATED, 3, 0o644 << 16
    archive.writestr(entry, content)


def pack(target: Path, files: Iterable[tuple[str, bytes]]) -> Path:
    """Write an archive of named contents; one that is there already stays, so that nothing is built anew for it."""
    content = io.BytesIO()
    with zipfile.ZipFile(content, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, data in files:
            add(archive, name, data)
    write_if_changed(target, content.getvalue())
    return target


def write(site: Path) -> Path:
    """Write the archive of a site beside its pages."""
    target = site / ARCHIVE
    sweep(target)

    def content(file: Path) -> bytes:
        data = file.read_bytes()
        return offline(data.decode()).encode() if file.suffix == ".html" else data

    folder = target.stem  # it unpacks into a folder of its own
    return pack(target, ((f"{folder}/{file.relative_to(site).as_posix()}", content(file)) for file in contents(site)))


def show_size(site: Path) -> None:
    """Write the archive's size after each link to it."""
    size = f" ({(site / ARCHIVE).stat().st_size / 1e6:.0f} MB)"
    for page in sorted(site.rglob("*.html")):
        write_if_changed(page, SIZE.sub(rf"\g<1>{size}\g<2>", page.read_text(encoding="utf-8")))


def main(site: Path = SITE) -> None:
    """Pack the built site, and say on its pages how large the archive is."""
    write(site)
    show_size(site)


if __name__ == "__main__":
    main()
