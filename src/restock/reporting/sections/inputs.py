"""What the results rest on: the quality of the records, and the assumptions beside them."""

from restock.planning import Plan
from restock.records import QualityReport
from restock.reporting.assumed import assumed
from restock.reporting.figures import amount
from restock.reporting.markup import Column, Html, datum, escaped, table, tag

__all__ = ["assumptions_section", "quality_section"]

TABLE_COLUMNS = (
    Column("Table", number=False),
    Column("Rows in"),
    Column("Kept"),
    Column("Quarantined", hint="set aside, each with its reason"),
    Column("Merged", hint="live on in another row"),
    Column("Derived", hint="added because they follow from other tables"),
    Column("Source", number=False),
)
FINDING_COLUMNS = (
    Column("Table", number=False),
    Column("Rows"),
    Column("Fate", number=False),
    Column("Finding", number=False, wide=True),
)
ASSUMPTION_COLUMNS = (
    Column("Assumption", number=False),
    Column("Value"),
    Column("Unit", number=False),
    Column("What it is", number=False, wide=True),
    Column("Where it stands in for a record", number=False, wide=True),
)


def quality_section(plan: Plan) -> list[Html]:
    """Return what became of every row, and every finding with its remedy."""
    quality = plan.records.quality
    parts: list[Html] = [
        tag("p", "Rows in = rows kept + rows quarantined + rows merged, in every table."),
        table(TABLE_COLUMNS, _tables(quality)),
    ]
    findings = _findings(quality)
    if findings:
        parts += [tag("h3", "Findings"), table(FINDING_COLUMNS, findings)]
    else:
        parts.append(tag("p", "No row broke a rule.", class_="note"))
    parts += [tag("p", f"Note: {note}", class_="note") for note in quality.notes]
    return parts


def assumptions_section(plan: Plan) -> list[Html]:
    """Return every assumption, those that were really used standing out."""
    rows = assumed(plan)
    lines = [
        [
            tag("code", row.key),
            ", ".join(f"{value:g}" for value in row.value)
            if isinstance(row.value, list)
            else f"{row.value:g}",
            row.unit,
            row.description,
            row.used,
        ]
        for row in rows
    ]
    return [
        tag(
            "p",
            "What the records do not tell comes from the section assumptions of restock.toml."
            " Results hold as far as these numbers do.",
        ),
        table(ASSUMPTION_COLUMNS, lines, ["" if row.in_use else "unused" for row in rows]),
    ]


def _tables(quality: QualityReport) -> list[list[Html]]:
    return [
        [
            escaped(account.table),
            *(
                datum(rows, amount(rows, 0))
                for rows in (
                    account.rows_in,
                    account.rows_kept,
                    account.rows_quarantined,
                    account.rows_merged,
                    account.rows_derived,
                )
            ),
            escaped(account.source),
        ]
        for account in quality.tables
    ]


def _findings(quality: QualityReport) -> list[list[Html]]:
    return [
        [
            escaped(account.table),
            datum(found.count, amount(found.count, 0)),
            escaped(found.fate),
            Html(escaped(found.rule) + tag("small", f"e.g. {found.example}. {found.remedy}")),
        ]
        for account in quality.tables
        for found in account.findings
    ]
