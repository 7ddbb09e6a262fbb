"""The explorer's start, a redraw and training in its page, in Chromium, on the built book.

python tests/benchmarks/explorer_page.py

The start is timed in three ways that take turns: with the standard library as Pyodide ships it, which is what the page
loaded before; with the one that the build makes; and on a later visit, from the memory that the browser kept. Times
are wall time, so an idle machine is wanted; the loop of arithmetic says how fast this one is.
"""

import statistics
import sys
from pathlib import Path

sys.path[:0] = [str(Path(__file__).resolve().parents[1]), str(Path(__file__).resolve().parents[2] / "book" / "_tools")]

import npm
import stdlib
from browser import SITE, chromium, opened, served
from page_timing import LOOP, REDRAW, TRAIN
from timing import report

PAGE = "book/explorer.html"
ROUNDS = 3
# Milliseconds from the press to the first curve.
START = """async () => {
    const began = performance.now();
    document.getElementById("explorer-start").click();
    while (!document.querySelector("#explorer-charts path.schedule")) await new Promise((go) => setTimeout(go, 5));
    return performance.now() - began;
}"""
# Wait until the memory is kept: the clock is stopped by then.
KEPT = """async () => {
    const cache = await caches.open("schedule-explorer");
    while (!(await cache.match("../_static/explorer/memory", { ignoreSearch: true }))) {
        await new Promise((go) => setTimeout(go, 50));
    }
}"""


def start(browser, home, stock=None):
    """Milliseconds of a first start, and of a later one where the page has its own library."""
    with opened(browser, home, PAGE) as page:
        if stock is not None:
            page.context.route("**/python_stdlib.zip*", lambda route: route.fulfill(path=stock))
        first = page.evaluate(START)
        if stock is not None:
            return first, None
        page.evaluate(KEPT)
        later = page.context.new_page()
        later.goto(page.url)
        return first, later.evaluate(START)


def main() -> int:
    stock = npm.install() / "pyodide" / stdlib.ARCHIVE
    times: dict[str, list[float]] = {"before": [], "first": [], "later": []}
    with chromium() as browser, served() as home:
        for _ in range(ROUNDS):
            times["before"].append(start(browser, home, stock)[0])
            first, later = start(browser, home)
            times["first"].append(first)
            times["later"].append(later)
        with opened(browser, home, PAGE) as page:
            page.evaluate(START)
            redraw, trained, loop = (page.evaluate(script) for script in (REDRAW, TRAIN, LOOP))
    before, first, later = (statistics.median(taken) for taken in times.values())
    built = SITE / "_static" / "vendor" / "pyodide" / stdlib.ARCHIVE
    print(f"the standard library: {stock.stat().st_size:,} bytes as shipped, {built.stat().st_size:,} as built")
    print(f"start, medians: as shipped {before:.0f} ms, as built {first:.0f} ms, a later visit {later:.0f} ms")
    print(f"redraw {redraw:.0f} ms (aim: 200), ten seeds trained {trained:.0f} ms (aim: 2,000); the loop {loop:.0f} ms")
    met = [report("start as built", first, before, 0.6), report("start of a later visit", later, before, 0.4)]
    return 0 if all(met) else 1


if __name__ == "__main__":
    sys.exit(main())
