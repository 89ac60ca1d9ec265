"""What sections show, as HTML. Every text is escaped: labels and logs may hold what a file on disk says."""

from __future__ import annotations

import hashlib
import io
import time
from collections.abc import Sequence
from html import escape
from urllib.parse import quote

from sim2real.studio.browser import svg
from sim2real.studio.browser.gate import FILES, Gate
from sim2real.studio.jobs import Job
from sim2real.studio.outputs import Curve, FileLink, Histogram, Output, Picture, Table, Text, Timeline

SIGNS = {"good": "✓", "bad": "✗", "warn": "!"}
"""Signs before marked rows, so that colour is not alone in telling."""
STYLE = """<style>
.s2r{font-size:13px;line-height:1.45;padding:2px 10px 10px;overflow-wrap:anywhere}
.s2r h4{margin:8px 0 4px;font-size:13px}
.s2r .dim{opacity:.7}
.s2r .scroll{overflow-x:auto}
.s2r table{border-collapse:collapse;width:100%}
.s2r th{text-align:left;font-weight:600;border-bottom:1px solid rgba(128,128,128,.6);padding:3px 8px 3px 0}
.s2r td{padding:3px 8px 3px 0;border-bottom:1px solid rgba(128,128,128,.22);vertical-align:top;overflow-wrap:normal}
.s2r .good{color:#15803d}.s2r .bad{color:#b91c1c}.s2r .warn{color:#b45309}
.s2r img{max-width:100%;display:block;border-radius:4px;cursor:zoom-in}
.s2r svg{width:100%;height:auto;display:block}
.s2r svg text{font-size:12px;fill:currentColor}.s2r svg text.name{font-weight:600}
.s2r svg .g{stroke:rgba(128,128,128,.35);stroke-width:1}
.s2r .legend{display:flex;flex-wrap:wrap;gap:2px 14px}
.s2r .legend i{display:inline-block;width:11px;height:11px;border-radius:2px;margin-right:5px}
.s2r pre{white-space:pre-wrap;margin:0;font-size:12px;line-height:1.35;max-height:26em;overflow-y:auto}
.s2r a{color:#2563eb;font-weight:600}
</style>"""
"""Styles of everything below; put once into a page."""
LOG_LINES = 60
"""Lines of a log that a page shows."""


def boxed(content: str, kind: str = "") -> str:
    """Return content as a block of the panel."""
    return f'<div class="s2r" data-kind="{escape(kind)}">{content}</div>'


def show(output: Output, gate: Gate) -> str:
    """Return one output.

    Args:
        output: what to show.
        gate: what serves its pictures.
    """
    title = getattr(output, "title", "")
    head = f"<h4>{escape(title)}</h4>" if title else ""
    return boxed(head + _body(output, gate), type(output).__name__.lower())


def _body(output: Output, gate: Gate) -> str:
    if isinstance(output, Table):
        return _table(output)
    if isinstance(output, Picture):
        return _picture(output, gate)
    if isinstance(output, Curve):
        return svg.curve(output)
    if isinstance(output, Histogram):
        return svg.histogram(output)
    if isinstance(output, Timeline):
        return svg.timeline(output)
    if isinstance(output, Text):
        return marked(output.lines, output.mark)
    if isinstance(output, FileLink):
        return f'<a href="{FILES}{quote(output.path)}" target="_blank" rel="noopener">{escape(output.label)}</a>'
    raise TypeError(f"no way to show {type(output).__name__}")


def _sign(mark: str) -> str:
    return f"{SIGNS[mark]} " if mark in SIGNS else ""


def _table(table: Table) -> str:
    head = "".join(f"<th>{escape(column)}</th>" for column in table.columns)
    rows = []
    for i, row in enumerate(table.rows):
        mark = table.marks[i] if table.marks else ""
        first, *rest = (escape(cell) for cell in row) if row else ("",)
        cells = "".join(f"<td>{cell}</td>" for cell in (f"{_sign(mark)}{first}", *rest))
        rows.append(f'<tr class="{escape(mark)}">{cells}</tr>')
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{"".join(rows)}</tbody></table></div>'


def _picture(picture: Picture, gate: Gate) -> str:
    address = gate.add_picture(*encode(picture))
    said = escape(picture.caption or picture.title or "picture")
    caption = f'<div class="dim">{escape(picture.caption)}</div>' if picture.caption else ""
    return f'<a href="{address}" target="_blank" rel="noopener"><img src="{address}" alt="{said}"></a>{caption}'


def encode(picture: Picture) -> tuple[str, bytes]:
    """Return a name that tells the content, and the PNG."""
    from PIL import Image

    encoded = io.BytesIO()
    Image.fromarray(picture.pixels).save(encoded, "PNG", compress_level=1)
    content = encoded.getvalue()
    return hashlib.sha256(content).hexdigest()[:24], content


def error(message: str, key: str = "") -> str:
    """Return what stands below a field that refused its value.

    Args:
        message: why.
        key: the field's.
    """
    return boxed(f'<span class="bad" role="alert" data-field="{escape(key)}">✗ {escape(message)}</span>', "error")


def marked(lines: Sequence[str], mark: str = "") -> str:
    """Return lines of text in the colour of a mark."""
    return f'<span class="{escape(mark)}">{_sign(mark)}{"<br>".join(map(escape, lines))}</span>'


def note(text: str, mark: str = "dim") -> str:
    """Return a line of the panel's own."""
    return boxed(marked((text,), mark), "note")


_MARKS = {"done": "good", "failed": "bad", "lost": "bad", "cancelled": "warn"}


def job_head(job: Job) -> str:
    """Return a job's state in two lines."""
    mark = _MARKS.get(job.state, "")
    state = "stopping" if job.stopping else job.state
    begun = time.strftime("%H:%M:%S", time.localtime(job.begun)) if job.begun else ""
    end = job.ended or (time.time() if job.state == "running" else None)
    took = f", {duration(end - job.begun)}" if end and job.begun else ""
    said = f"<br>{escape(job.text)}" if job.text else ""
    head = f'<b>{escape(job.label or job.action)}</b> <span class="{mark}">{_sign(mark)}{escape(state)}</span>'
    return boxed(f'{head} <span class="dim">{begun}{took}</span>{said}', "job")


def job_log(job: Job) -> str:
    """Return the end of a job's log, below the command."""
    command = " ".join(job.argv)
    lines = "\n".join(job.log[-LOG_LINES:])
    return boxed(f"<pre>{escape(f'$ {command}' if command else '')}\n{escape(lines)}</pre>", "log")


def duration(seconds: float) -> str:
    """Return a time in words."""
    if seconds < 60:
        return f"{seconds:.0f} s"
    minutes, rest = divmod(int(seconds), 60)
    return f"{minutes} min {rest} s" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
