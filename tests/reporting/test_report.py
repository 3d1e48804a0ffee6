"""The page: complete, true to the summary, closed to the world and to attacks in the data."""

import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import plotly.graph_objects as go
import pytest
from plotly.offline import get_plotlyjs

from restock.planning import CLASSICAL_RULES, LEARNED, Plan
from restock.reporting import Delivery, report_html, standing
from restock.reporting.figures import label
from restock.reporting.markup import chart, escaped, tag
from restock.reporting.sections.method import RULE_NOTES

SECTIONS = ["proposals", "backtest", "forecasts", "training", "quality", "assumptions", "method"]


class Page(HTMLParser):
    """What a browser would see: elements, attributes, texts by element, rows of tables."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str]]] = []
        self.scripts: list[tuple[str, str]] = []
        self.rows: dict[str, list[list[tuple[str, str]]]] = {}
        self.words: list[str] = []
        self._open: list[str] = []
        self._section = ""
        self.feed(text)
        self.close()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        found = {name: value or "" for name, value in attrs}
        self.elements.append((tag, found))
        self._open.append(tag)
        if tag in ("section", "header"):
            self._section = found.get("id", "")
        elif tag == "script":
            self.scripts.append((found.get("type", ""), ""))
        elif tag == "tr":
            self.rows.setdefault(self._section, []).append([])
        elif tag == "data" and self.rows.get(self._section):
            self.rows[self._section][-1].append((found["value"], ""))

    def handle_endtag(self, tag: str) -> None:
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data: str) -> None:
        if "script" in self._open:
            kind, before = self.scripts[-1]
            self.scripts[-1] = kind, before + data
        elif "style" not in self._open and data.strip():
            self.words.append(data)
            if "tr" in self._open:
                self._cell(data)

    def _cell(self, data: str) -> None:
        row = self.rows[self._section][-1]
        if self._open[-1] == "data":
            row[-1] = row[-1][0], data
        else:
            row.append(("", data))


@pytest.fixture(scope="module")
def page(delivery: Delivery) -> Page:
    return Page(delivery.report.read_text(encoding="utf-8"))


def test_every_section_is_there_in_order(page: Page) -> None:
    assert [found["id"] for name, found in page.elements if name == "section"] == SECTIONS
    links = [found["href"] for name, found in page.elements if name == "a"]
    assert links == [f"#{name}" for name in SECTIONS]


def test_the_page_asks_nothing_of_the_network(page: Page, delivery: Delivery) -> None:
    loads = {"src", "srcset", "data", "action", "poster", "background"}
    assert [found for _, found in page.elements if loads & found.keys()] == []
    names = {name for name, _ in page.elements}
    assert names.isdisjoint({"link", "iframe", "img", "object", "embed", "form", "base"})
    policy = [f["content"] for _, f in page.elements if f.get("http-equiv")]
    assert policy[0].startswith("default-src 'none';")
    assert not re.search(r"https?:|@import|url\(", _own_text(delivery))


def _own_text(delivery: Delivery) -> str:
    return delivery.report.read_text(encoding="utf-8").replace(get_plotlyjs(), "")


def test_a_load_from_elsewhere_would_be_seen() -> None:
    assert re.search(r"https?:|@import|url\(", "<style>@import 'x.css'</style>")


def test_plotly_is_there_once_and_the_page_stays_below_six_megabytes(delivery: Delivery) -> None:
    text = delivery.report.read_text(encoding="utf-8")
    assert text.count(get_plotlyjs()) == 1
    assert delivery.report.stat().st_size < 6_000_000


def test_every_chart_has_data_that_can_be_read(page: Page) -> None:
    data = [json.loads(text) for kind, text in page.scripts if kind == "application/json"]
    charts = sum(found.get("class") == "chart" for _, found in page.elements)
    assert len(data) == charts >= 6
    assert all(trace for figure in data for trace in figure["data"])


def test_the_backtest_table_holds_the_numbers_of_the_summary(
    page: Page, delivery: Delivery
) -> None:
    policies = json.loads(delivery.summary.read_text(encoding="utf-8"))["policies"]
    rows = {row[0][1]: [value for value, _ in row if value] for row in page.rows["backtest"]}
    figures = ("profit", "profit_gain_percent", "cost", "cost_gain_percent")
    figures += ("fill_rate", "turnover", "lost_sales_units")
    assert len(policies) == len(CLASSICAL_RULES) + 1
    for name, numbers in policies.items():
        expected = [numbers[figure]["value"] for figure in figures] + [numbers["tuning_seconds"]]
        assert [float(value) for value in rows[label(name)]] == expected


def test_the_last_row_of_the_backtest_is_the_bound(page: Page, delivery: Delivery) -> None:
    bound = json.loads(delivery.summary.read_text(encoding="utf-8"))["perfect_information"]
    last = page.rows["backtest"][-1]
    assert last[0] == ("", "Perfect information")
    expected = [bound[name] for name in ("profit", "cost", "fill_rate", "lost_sales_units")]
    assert [float(value) for value, _ in last if value] == expected


@pytest.mark.parametrize("section", ["proposals", "backtest", "forecasts", "quality", "method"])
def test_shown_numbers_are_their_exact_values_rounded(page: Page, section: str) -> None:
    shown = [cell for row in page.rows[section] for cell in row if cell[0]]
    assert shown
    for value, text in shown:
        number = float(re.sub(r"[ %s,]", "", text).replace("−", "-"))
        decimals = re.search(r"\.(\d+)", text)
        unit = 10.0 ** -len(decimals[1]) if decimals else 1.0
        # shares are shown in percent, gains are in percent already
        exact = (float(value), 100 * float(value)) if "%" in text else (float(value),)
        assert min(abs(number - each) for each in exact) <= 0.501 * unit


def test_names_from_the_data_are_shown_and_never_run(page: Page, delivery: Delivery) -> None:
    assert not any("alert(1)" in text for kind, text in page.scripts if kind == "")
    assert "<script>alert(1)</script>" in page.words
    assert "<script>alert" not in _own_text(delivery)
    assert "Tea & <b>Sons</b>" in page.words
    assert "b>Sons" not in {name for name, _ in page.elements}


def test_text_is_escaped_in_elements_attributes_and_charts() -> None:
    assert tag("p", "<i>", title='"><i>') == '<p title="&quot;&gt;&lt;i&gt;">&lt;i&gt;</p>'
    assert escaped(escaped("<")) == "&lt;"
    hostile = go.Figure(layout={"height": 10, "title": {"text": "</script><script>"}})
    assert "</script><script>" not in chart(hostile, "a", "b")


def test_the_headline_says_what_the_intervals_allow(plan: Plan, page: Page) -> None:
    place = standing(plan.comparison)
    assert place.sentence in page.words
    assert place.verdict in page.words


def test_every_rule_of_the_backtest_is_explained(plan: Plan) -> None:
    assert {row.policy for row in plan.comparison} == set(RULE_NOTES)
    assert LEARNED in RULE_NOTES


def test_assumed_stock_is_a_warning_and_recorded_stock_is_none(plan: Plan) -> None:
    assert not plan.proposals.stock_is_assumed
    assert "No stock is on record" not in report_html(plan)
    assumed = replace(plan, proposals=replace(plan.proposals, stock_is_assumed=True))
    assert "No stock is on record" in report_html(assumed)
