"""Two records side by side: what got worse, what got better, what is no longer known, and by whose change.

`verdicts` compares case by case, `figures` what was measured, `output` says it as text, Markdown, JSON or a page.
"""

from reports.compare.figures import Cell, Figures, figures
from reports.compare.heads import duts, sides
from reports.compare.output import as_html, as_json, as_markdown, report, words
from reports.compare.verdicts import Change, Comparison, compare

__all__ = [
    "Cell",
    "Change",
    "Comparison",
    "Figures",
    "as_html",
    "as_json",
    "as_markdown",
    "compare",
    "duts",
    "figures",
    "report",
    "sides",
    "words",
]
