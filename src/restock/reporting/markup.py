"""HTML from small functions: text is escaped unless it says that it is HTML already."""

import html
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import plotly.graph_objects as go

__all__ = ["Column", "Html", "chart", "datum", "escaped", "figures_row", "table", "tag"]


class Html(str):
    """Text that is HTML already and must not be escaped again."""

    __slots__ = ()


def escaped(content: object) -> Html:
    """Return HTML as it is and anything else as escaped text.

    >>> escaped("<b>"), escaped(Html("<b>"))
    ('&lt;b&gt;', '<b>')
    """
    return content if isinstance(content, Html) else Html(html.escape(str(content)))


def tag(name: str, *children: object, **attributes: str | None) -> Html:
    """Return an element; ``class_`` stands for ``class``, ``data_x`` for ``data-x``.

    An attribute that is ``None`` is left out.

    >>> tag("p", "a & b", class_="note")
    '<p class="note">a &amp; b</p>'
    """
    pairs = "".join(
        f' {key.rstrip("_").replace("_", "-")}="{html.escape(value)}"'
        for key, value in attributes.items()
        if value is not None
    )
    return Html(f"<{name}{pairs}>{''.join(escaped(child) for child in children)}</{name}>")


def datum(value: float | None, shown: str) -> Html:
    """Return a number as people read it, with its exact value for programs beside it.

    >>> datum(0.98726, "98.7 %")
    '<data value="0.98726">98.7 %</data>'
    """
    return tag("data", shown, value="" if value is None else repr(value))


@dataclass(frozen=True, slots=True)
class Column:
    """The head of a table's column; numbers stand right, texts left. ``hint`` explains it.

    ``wide`` columns hold sentences and keep room for them.
    """

    head: str
    number: bool = True
    hint: str = ""
    wide: bool = False

    @property
    def kind(self) -> str:
        """The class of the column's cells."""
        return "num" if self.number else "text wide" if self.wide else "text"


def table(
    columns: Sequence[Column], rows: Iterable[Sequence[object]], marks: Sequence[str] = ()
) -> Html:
    """Return a table that scrolls sideways where it is too wide; ``marks`` are rows' classes."""
    kinds = [column.kind for column in columns]
    head = [
        tag("th", column.head, scope="col", class_=kind, title=column.hint or None)
        for column, kind in zip(columns, kinds, strict=True)
    ]
    lines = []
    for index, row in enumerate(rows):
        first, *rest = zip(row, kinds, strict=True)
        cells = [tag("th", first[0], scope="row", class_=first[1])]
        cells += [tag("td", cell, class_=kind) for cell, kind in rest]
        lines.append(tag("tr", *cells, class_=(marks[index] if index < len(marks) else "") or None))
    body = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines))
    return tag("div", body, class_="scroll", tabindex="0")


def chart(figure: go.Figure, title: str, caption: str) -> Html:
    """Return a chart's place on the page, its data and what there is to see in it.

    Plotly writes ``<`` as an escape in its JSON, so that no text can end the script element.
    """
    height = f"height:{figure.layout.height}px"
    return tag(
        "figure",
        tag("h3", title),
        tag("div", class_="chart", role="img", aria_label=f"{title}. {caption}", style=height),
        tag("script", Html(figure.to_json()), type="application/json"),
        tag("figcaption", caption),
    )


def figures_row(*figures: Html) -> Html:
    """Return charts side by side, below each other where there is no room."""
    return tag("div", *figures, class_="row")
