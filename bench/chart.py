"""Line charts as SVG files: logarithmic or even steps, light and dark by what the reader prefers. No dependencies."""
import math
from html import escape

WIDTH, HEIGHT = 720, 400
LEFT, RIGHT, TOP, BOTTOM = 70, 28, 84, 58
STYLE = """
  svg { --ground: #ffffff; --ink: #1f2328; --soft: #656d76; --grid: #d8dee4; --a: #0969da; --b: #bc4c00; --c: #1a7f37 }
  @media (prefers-color-scheme: dark) {
    svg { --ground: #0d1117; --ink: #e6edf3; --soft: #8d96a0; --grid: #30363d; --a: #58a6ff; --b: #f0883e; --c: #56d364 }
  }
  text { font: 12px system-ui, -apple-system, "Segoe UI", sans-serif; fill: var(--soft) }
  .title { font-size: 16px; font-weight: 600; fill: var(--ink) }
  .value { font-size: 11px; fill: var(--ink) }
  .grid { stroke: var(--grid); stroke-width: 1 }
  .line { fill: none; stroke-width: 2.25; stroke-linejoin: round; stroke-linecap: round }
  .dot { stroke: var(--ground); stroke-width: 1.5 }
"""
COLOURS = ("var(--a)", "var(--b)", "var(--c)")


class Axis:
    """From values to pixels. `ticks` are the values that are named."""

    def __init__(self, low, high, start, end, is_log):
        self.convert = math.log10 if is_log else float
        self.low, self.high = self.convert(low), self.convert(high)
        self.start, self.end = start, end

    def at(self, value):
        part = (self.convert(value) - self.low) / ((self.high - self.low) or 1)
        return self.start + part * (self.end - self.start)


def draw(file, title, subtitle, x_name, y_name, lines, x_names=None):
    """`lines`: {name: [(x, y), …]}. `x_names`: the texts of x values, which then stand in even steps."""
    xs = sorted({x for points in lines.values() for x, _ in points})
    ys = [y for points in lines.values() for _, y in points]
    is_log = max(ys) / max(min(ys), 1e-9) > 12
    ticks = log_ticks(min(ys), max(ys)) if is_log else even_ticks(max(ys))
    across = Axis(0, len(xs) - 1, LEFT + 14, WIDTH - RIGHT - 14, False)
    up = Axis(ticks[0], ticks[-1], HEIGHT - BOTTOM, TOP, is_log)
    position = {x: across.at(index) for index, x in enumerate(xs)}
    parts = [text(20, 30, title, "title"), text(20, 50, subtitle)]
    for tick in ticks:
        y = up.at(tick)
        parts += [f'<line class="grid" x1="{LEFT}" y1="{y:.1f}" x2="{WIDTH - RIGHT}" y2="{y:.1f}"/>', text(LEFT - 8, y + 4, short(tick), anchor="end")]
    for x in xs:
        parts.append(text(position[x], HEIGHT - BOTTOM + 20, (x_names or {}).get(x, short(x)), anchor="middle"))
    parts += [text((LEFT + WIDTH - RIGHT) / 2, HEIGHT - 14, x_name, anchor="middle"), text(20, 74, y_name)]
    parts += legend(lines)
    for index, points in enumerate(lines.values()):
        parts += line([(position[x], up.at(y), y) for x, y in points], COLOURS[index % len(COLOURS)], index)
    svg = (f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {HEIGHT}" role="img" aria-label="{escape(title, True)}">\n'
           f'<style>{STYLE}</style>\n<rect width="{WIDTH}" height="{HEIGHT}" rx="8" fill="var(--ground)"/>\n' + "\n".join(parts) + "\n</svg>\n")
    with open(file, "w") as opened:
        opened.write(svg)


def line(points, colour, index):
    path = " ".join(f"{x:.1f},{y:.1f}" for x, y, _ in points)
    drawn = [f'<polyline class="line" stroke="{colour}" points="{path}"/>']
    for x, y, value in points:
        # The second line's values stand below it, so that two lines that are close stay legible.
        drawn += [f'<circle class="dot" cx="{x:.1f}" cy="{y:.1f}" r="4" fill="{colour}"/>', text(x, y + (20 if index % 2 else -10), short(value), "value", "middle")]
    return drawn


def legend(lines):
    if len(lines) < 2:
        return []
    drawn, x = [], WIDTH - RIGHT - sum(26 + 7 * len(name) for name in lines)
    for index, name in enumerate(lines):
        drawn += [f'<circle cx="{x}" cy="70" r="4.5" fill="{COLOURS[index % len(COLOURS)]}"/>', text(x + 10, 74, name)]
        x += 26 + 7 * len(name)
    return drawn


def text(x, y, words, kind="", anchor="start"):
    kind = f' class="{kind}"' if kind else ""
    return f'<text{kind} x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}">{escape(str(words))}</text>'


def log_ticks(low, high):
    """1, 2, 5, 10, … around all values; only tens where these would be many."""
    steps = (1, 2, 5) if high / low < 300 else (1,)
    ticks = [step * 10.0 ** power for power in range(-3, 9) for step in steps]
    start = max(index for index, tick in enumerate(ticks) if tick <= low * 0.8)
    end = min(index for index, tick in enumerate(ticks) if tick >= high)
    return ticks[start:end + 1]


def even_ticks(high):
    step = next(step * 10 ** power for power in range(-3, 9) for step in (1, 2, 5) if step * 10 ** power * 5 >= high)
    return [step * index for index in range(math.ceil(high * 1.08 / step) + 1)]


def short(value):
    """1200 → 1,200; 1000000 → 1 M."""
    if value >= 1_000_000:
        return f"{value / 1_000_000:g} M"
    if value >= 10_000 and value % 1_000 == 0:
        return f"{value / 1_000:g} k"
    return f"{value:,.0f}" if value >= 100 else f"{value:.3g}"
