"""Flame graphs: cycles by function, each below its caller, as an SVG file that a browser shows alone."""

from __future__ import annotations

import html
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

from harness import format as fmt
from harness.report.plot import page_style

_WIDTH, _ROW, _MARGIN, _HEAD = 1200, 19, 16, 30
_SMALL, _CAPITAL = 7.0, 9.0  # width of a letter, px, in a wide font
_LEAST_WIDTH = 0.4  # px; the rows of narrower functions would not be seen
_COLORS = ("#f3c58b", "#efb077", "#f6d49b", "#e9a56a")
_STYLE = """
svg { background: var(--paper); width: auto; max-width: none; }
text { font: 12px var(--font); fill: var(--ink); }
.head { font-weight: 600; }
.note { fill: var(--soft); }
g.frame text { fill: #1b1f24; }
g.frame rect { stroke: var(--paper); }
g.frame:hover rect { stroke: var(--ink); }
"""


@dataclass
class _Frame:
    cycles: int = 0
    callees: dict[str, _Frame] = field(default_factory=dict)

    @property
    def depth(self) -> int:
        return 1 + max((callee.depth for callee in self.callees.values()), default=0)


def flame_graph(title: str, stages: Mapping[str, Iterable[tuple[Sequence[str], int]]], clock_hz: int) -> str:
    """Return an SVG with one graph per stage, each over the whole width.

    Args:
        title: above the graphs.
        stages: by name, the functions from the outermost to the innermost, and the cycles of the last.
        clock_hz: of the processor.
    """
    y = _MARGIN + _HEAD
    parts = [f'<text class="head" x="{_MARGIN}" y="{_MARGIN + 12}">{html.escape(title)}</text>']
    for stage, stacks in stages.items():
        root = _tree(stacks)
        time = fmt.duration(root.cycles / clock_hz * 1e6)
        head = f"{stage}: {fmt.count(root.cycles)} cycles, {time} at {clock_hz / 1e6:g} MHz"
        parts.append(f'<text class="note" x="{_MARGIN}" y="{y + 10}">{html.escape(head)}</text>')
        scale = (_WIDTH - 2 * _MARGIN) / max(1, root.cycles)
        parts += _boxes(root, root.cycles, _MARGIN, y + 18, scale)
        y += 18 + (root.depth - 1) * _ROW + _MARGIN
    size = f'width="{_WIDTH}" height="{y}" viewBox="0 0 {_WIDTH} {y}"'
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" {size}><title>{html.escape(title)}</title>'
        f"<style>{page_style()}{_STYLE}</style>\n" + "\n".join(parts) + "\n</svg>\n"
    )


def _tree(stacks: Iterable[tuple[Sequence[str], int]]) -> _Frame:
    root = _Frame()
    for functions, cycles in stacks:
        frame = root
        frame.cycles += cycles
        for name in functions:
            frame = frame.callees.setdefault(name, _Frame())
            frame.cycles += cycles
    return root


def _boxes(caller: _Frame, whole: int, x: float, y: int, scale: float) -> Iterable[str]:
    """Yield the functions that `caller` calls, the longest first, each above those that it calls."""
    for name, frame in sorted(caller.callees.items(), key=lambda item: (-item[1].cycles, item[0])):
        width = frame.cycles * scale
        if width < _LEAST_WIDTH:
            break
        own = frame.cycles - sum(callee.cycles for callee in frame.callees.values())
        hint = f"{name}\n{fmt.count(frame.cycles)} cycles, {fmt.share(frame.cycles / whole)}"
        hint += f"; {fmt.count(own)} of them in the function itself" if frame.callees else ""
        color = _COLORS[sum(name.encode()) % len(_COLORS)]
        yield (
            f'<g class="frame"><title>{html.escape(hint)}</title><rect x="{x:.2f}" y="{y}" '
            f'width="{width:.2f}" height="{_ROW}" fill="{color}"/>'
            f'<text x="{x + 4:.2f}" y="{y + 14}">{html.escape(_fitting(name, width - 8))}</text></g>'
        )
        yield from _boxes(frame, whole, x, y + _ROW, scale)
        x += width


def _fitting(name: str, width: float) -> str:
    """Return as much of a name as fits a width in px; "" where less than three letters do."""
    for place, letter in enumerate(name):
        width -= _CAPITAL if letter.isupper() else _SMALL
        if width < 0:
            return f"{name[: place - 1]}…" if place > 3 else ""
    return name
