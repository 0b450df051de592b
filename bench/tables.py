"""Figures as people read them: a median with the least and the most, and Markdown tables."""
import os
import statistics

PAGE = os.path.join(os.path.dirname(os.path.abspath(__file__)), "../docs/performance.md")


def spread(values, digits=1):
    """`12.5 [11.9–13.0]`; one figure alone where all are the same."""
    values = [value for value in values if value is not None]
    if not values:
        return "–"
    texts = [f"{value:,.{digits}f}" for value in (statistics.median(values), min(values), max(values))]
    return texts[0] if texts[1] == texts[2] else f"{texts[0]} [{texts[1]}–{texts[2]}]"


def markdown(head, rows):
    lines = ["| " + " | ".join(head) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows])


def write_between(file, name, text):
    """Replaces what stands between `<!-- name -->` and `<!-- /name -->` in a page."""
    with open(file) as opened:
        page = opened.read()
    start, end = f"<!-- {name} -->", f"<!-- /{name} -->"
    before, found, rest = page.partition(start)
    _, found_end, after = rest.partition(end)
    if not found or not found_end:
        raise SystemExit(f"{file} has no {start} … {end}")
    with open(file, "w") as opened:
        opened.write(f"{before}{start}\n{text}\n{end}{after}")
