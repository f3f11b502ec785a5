"""A picture of a workload: one bar a server, the shortest first."""

from html import escape
from math import floor, log10

WIDTH, LEFT, RIGHT, TOP, STEP, BAR = 800, 200, 90, 62, 24, 16
OURS, FLOOR, PEER, INK, FAINT = "#c2410c", "#b8bcc2", "#4a7fb5", "#1f2328", "#6b7280"


def bars(workload, rows):
    """Whiskers go from the least to the most round."""
    values = [value for row in rows for value in row.values if value > 0]
    logarithmic = bool(values) and max(values) / min(values) > 40
    place = _scale(values, logarithmic)
    height = TOP + STEP * len(rows) + 14
    note = workload.unit + ("; logarithmic" if logarithmic else "") + "; less is better"
    parts = [
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
        ' font-family="system-ui, sans-serif" font-size="13">',
        f'<rect width="{WIDTH}" height="{height}" rx="8" fill="#fcfcfb"/>',
        f'<text x="16" y="26" font-size="16" font-weight="600" fill="{INK}">{escape(workload.title)}</text>',
        f'<text x="16" y="46" fill="{FAINT}">{escape(note)}</text>',
    ]
    for number, row in enumerate(rows):
        parts += _bar(row, TOP + STEP * number, place)
    return "\n".join([*parts, "</svg>"]) + "\n"


def _scale(values, logarithmic):
    """From a value to a place; a logarithmic scale begins at a power of ten."""
    if not values:
        return lambda value: LEFT
    room = WIDTH - LEFT - RIGHT
    if not logarithmic:
        return lambda value: LEFT + room * max(value, 0) / max(values)
    first, last = floor(log10(min(values))), log10(max(values))
    if min(values) < 1.5 * 10**first:
        first -= 1  # so that the shortest bar can be seen
    return lambda value: LEFT + room * max(log10(max(value, 10**first)) - first, 0) / (last - first)


def _bar(row, y, place):
    server = row.server
    colour = OURS if server.ours else FLOOR if server.floor else PEER
    weight = ' font-weight="600"' if server.ours else ""
    middle = y + BAR - 4
    yield f'<text x="{LEFT - 10}" y="{middle}" text-anchor="end" fill="{INK}"{weight}>{escape(server.name)}</text>'
    if row.value is None:
        yield f'<text x="{LEFT}" y="{middle}" fill="{FAINT}">failed</text>'
        return
    end, least, most = place(row.value), place(min(row.values)), place(max(row.values))
    yield f'<rect x="{LEFT}" y="{y}" width="{max(end - LEFT, 1):.1f}" height="{BAR}" rx="2" fill="{colour}"/>'
    if most - least >= 1:
        line = y + BAR / 2
        path = f"M{least:.1f} {line}H{most:.1f}M{least:.1f} {line - 4}v8M{most:.1f} {line - 4}v8"
        yield f'<path d="{path}" stroke="{INK}" stroke-opacity=".55" fill="none"/>'
    yield f'<text x="{max(end, most) + 7:.1f}" y="{middle}" fill="{INK}"{weight}>{_label(row.value)}</text>'


def _label(value):
    digits = 0 if value >= 100 else max(0, 2 - floor(log10(value))) if value > 0 else 0
    return f"{value:,.{min(digits, 3)}f}"
