"""The headline: what was done, what came out in one sentence, and four figures side by side."""

import math
from collections.abc import Callable

from restock.evaluation import Estimate, Gain
from restock.planning import Plan
from restock.reporting.figures import amount, day, interval, label, share, signed_percent
from restock.reporting.markup import Html, datum, escaped, tag
from restock.reporting.standing import Judgement, Standing, standing

__all__ = ["headline"]

Show = Callable[[float], str]


def headline(plan: Plan) -> Html:
    """Return the top of the page."""
    history = plan.case.history
    place = standing(plan.comparison)
    windows, test = plan.test.windows, sum(window.days for window in plan.test.windows)
    done = (
        f"{history.n_products:,} products, recorded from {day(history.dates[0])} to"
        f" {day(history.dates[-2])} ({history.n_days - 1:,} trading days). Every rule was tested on"
        f" {test} of these days that it had not seen"
        f"{'' if len(windows) == 1 else f', in {len(windows)} windows'}."
    )
    today = day(history.dates[-1], weekday=True)
    orders = (
        f"For {today}, the rule “{label(plan.proposals.rule).lower()}” proposes"
        f" {plan.proposals.lines:,} orders worth {amount(plan.proposals.total_cost)}."
    )
    return tag(
        "header",
        tag("p", "Replenishment report", class_="kicker"),
        tag("h1", plan.settings.name),
        tag("p", done, class_="done"),
        tag(
            "div",
            tag("span", place.verdict, class_=f"badge {_mark(place.verdict)}"),
            tag("p", place.sentence),
            class_="verdict",
        ),
        tag("p", orders, class_="done"),
        _cards(place),
        tag("p", tag("small", "Small figures are 95 % intervals over products.")),
        id="headline",
    )


def _mark(verdict: str) -> str:
    return verdict if verdict in ("better", "worse") else "undecided"


def _cards(place: Standing) -> Html:
    ours, theirs = place.learned, place.reference
    rival = label(theirs.policy)
    cards = [
        _card("Profit", "money", amount, ours.profit, theirs.profit, rival)
        + _paired(ours.profit_gain, place.profit),
        _card("Cost", "money", amount, ours.cost, theirs.cost, rival)
        + _paired(ours.cost_gain, place.cost),
        _card("Fill rate", "of demand", share, ours.fill_rate, theirs.fill_rate, rival),
        _card("Turnover", "per year", _times, ours.turnover, theirs.turnover, rival),
    ]
    return tag("div", *(tag("div", Html(card), class_="card") for card in cards), class_="cards")


def _times(value: float) -> str:
    return amount(value, 1)


def _card(title: str, unit: str, show: Show, ours: Estimate, theirs: Estimate, rival: str) -> Html:
    return Html(
        tag("h3", title, " ", tag("small", unit))
        + tag("p", datum(ours.value, show(ours.value)), class_="big")
        + _strip(ours, theirs)
        + tag(
            "dl",
            _line("Learned", ours, show, "learned"),
            _line(rival, theirs, show, "reference"),
        )
    )


def _line(name: str, estimate: Estimate, show: Show, kind: str) -> Html:
    reach = interval(show(estimate.low), show(estimate.high))
    return Html(
        tag("dt", name, class_=kind)
        + tag("dd", tag("b", show(estimate.value)), " ", tag("small", reach))
    )


def _paired(gain: Gain | None, judgement: Judgement) -> Html:
    if gain is None:
        return escaped("")
    reach = interval(signed_percent(gain.low), signed_percent(gain.high))
    return tag(
        "p",
        "paired difference ",
        tag("b", signed_percent(gain.percent)),
        f" ({reach})",
        class_=f"paired {judgement}",
    )


def _strip(ours: Estimate, theirs: Estimate) -> Html:
    """Draw both intervals on one scale; nothing where one is not known."""
    ends = [ours.low, ours.high, theirs.low, theirs.high]
    if not all(math.isfinite(end) for end in ends):
        return escaped("")
    low, reach = min(ends), (max(ends) - min(ends)) or 1.0

    def place(value: float) -> str:
        return f"{3 + 94 * (value - low) / reach:.2f}%"

    marks = [
        tag("line", x1=place(each.low), x2=place(each.high), y1=y, y2=y, class_=kind)
        + tag("circle", cx=place(each.value), cy=y, r="4", class_=kind)
        for each, y, kind in ((ours, "7", "learned"), (theirs, "19", "reference"))
    ]
    return tag("svg", *map(Html, marks), class_="strip", height="26", aria_hidden="true")
