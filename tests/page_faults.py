"""What is wrong with a page that is open in a browser: how it is laid out, and who cannot use it.

Each check returns its findings, so that it is also shown a page that is wrong.
"""

from pathlib import Path

CHECKS = Path(__file__).with_suffix(".js").read_text(encoding="utf-8")


def layout_faults(page):
    checks = "overlappingText, sidewaysScroll, smallLettering, widerThanArticle"
    page.evaluate(CHECKS + f"; Object.assign(window, {{ {checks} }})")
    overlaps = page.evaluate("overlappingText().map((pair) => `overlapping text: ${pair}`)")
    return page.evaluate("[...sidewaysScroll(), ...smallLettering(), ...widerThanArticle()]") + overlaps


def axe_faults(page, axe, within="html", rules=None):
    """What axe-core objects to within the elements of a selector, by its default rules or by those named."""
    # It would fetch the style sheets, which the pages' policy forbids, for a rule that is not among the default ones.
    if page.evaluate("!window.axe"):
        page.evaluate(axe)
    return page.evaluate(
        """async ([within, rules]) => {
            const options = { resultTypes: ["violations"], preload: false, ...(rules && { runOnly: rules }) };
            const found = await axe.run(within, options);
            return found.violations.map(
                (v) => `axe ${v.id}: ${v.help}: ${v.nodes.slice(0, 3).map((n) => n.html.slice(0, 200)).join(" | ")}`);
        }""",
        [within, rules],
    )
