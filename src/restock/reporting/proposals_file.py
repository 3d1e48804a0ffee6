"""``proposals.csv``: today's list as a file that spreadsheets open without running it."""

import polars as pl

from restock.planning import Proposals

__all__ = ["proposals_csv"]

_STARTS_A_FORMULA = r"^[=+\-@\t\r\n]"


def proposals_csv(proposals: Proposals) -> str:
    """Return the list of proposals as CSV, the columns and rows of ``proposals.table``.

    A text that starts with ``= + - @``, a tab or a line break gets a leading apostrophe, so that
    a spreadsheet shows it and does not take it for a formula (OWASP, CSV Injection).

    >>> table = pl.DataFrame({"product": ["=1+1", "A-1"], "quantity": [-1, 2]})
    >>> print(proposals_csv(Proposals(table, "learned", stock_is_assumed=False)).strip())
    product,quantity
    '=1+1,-1
    A-1,2
    """
    texts = pl.col(pl.String)
    formula = texts.str.contains(_STARTS_A_FORMULA)
    safe = pl.when(formula).then("'" + texts).otherwise(texts).name.keep()
    return proposals.table.with_columns(safe).write_csv()
