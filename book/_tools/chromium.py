"""Find the Chromium or Chrome that is installed; playwright drives it and brings none."""

from __future__ import annotations

import os
import shutil

# The first two are the same browser without its window: they open a page in less time.
NAMES = (
    "chromium-headless-shell",
    "chrome-headless-shell",
    "chromium",
    "chromium-browser",
    "google-chrome-stable",
    "google-chrome",
    "chrome",
)
EXECUTABLE = os.environ.get("CHROME_BIN") or next(filter(None, map(shutil.which, NAMES)), None)
ADVICE = "install one (Debian, Ubuntu: apt install chromium-headless-shell, or chromium), or name it in CHROME_BIN"
FLAGS = [
    "--no-sandbox",  # CI runs as root, and the pages are our own
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
]
