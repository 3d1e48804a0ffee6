"""Figures of other games and of rivals' learned policies: what is not covered, and why."""

import json
from collections.abc import Iterator

from restock.evaluation import StudySettings

from .figure import Figure
from .shared import read_shared

__all__ = ["figures"]

TRAINED = "The rival's learned policy; it is not trained again here."
SIDE_BY_SIDE = f"{TRAINED} Ours stands beside it in studies/lost-sales."
LEARNED_LATER = (
    "The cost of a rival's learned policy, an upper bound on the optimum that no exact method"
    " reproduces; learned policies for this network are not built yet."
)
DELAYED = (
    "Orders between stages of the beer game wait for an information delay before they are even"
    " seen; in our world an upstream location sees a wish at once."
)
# table, source, name, printed, reason
FIGURES = [
    (
        "zipkin",
        "Temizöz et al., EJOR 324:104–117, 2025 [P]",
        "Deep Controlled Learning 20,000 samples, mean gap %",
        "0.0093",
        SIDE_BY_SIDE,
    ),
    (
        "zipkin",
        "Temizöz et al., EJOR 324:104–117, 2025 [P]",
        "Deep Controlled Learning 5,000 samples, mean gap %",
        "0.0261",
        SIDE_BY_SIDE,
    ),
    (
        "zipkin",
        "Alvo et al., arXiv 2306.11246v3 [P]",
        "Hindsight Differentiable Policy Optimization, bound on 15 of 16 gaps %",
        "0.25",
        SIDE_BY_SIDE,
    ),
    (
        "zipkin",
        "Alvo et al., arXiv 2306.11246v3 [P]",
        "Hindsight Differentiable Policy Optimization, worst gap %",
        "0.41",
        SIDE_BY_SIDE,
    ),
    (
        "zipkin",
        "Stable-Baselines3 PPO, tuned [C]",
        "Poisson L=4 p=9, PPO, gap % after 1 M steps",
        "0.46",
        TRAINED,
    ),
    (
        "zipkin",
        "Stable-Baselines3 PPO, defaults [C]",
        "Poisson L=4 p=9, PPO by default, gap % after 1 M steps",
        "57",
        TRAINED,
    ),
    ("zipkin", "Gijsbrechts et al. 2022 [P]", "A3C, gap % from", "3", SIDE_BY_SIDE),
    ("zipkin", "Gijsbrechts et al. 2022 [P]", "A3C, gap % to", "6", SIDE_BY_SIDE),
    (
        "serial",
        "Alvo et al., arXiv 2306.11246v3 [P]",
        "four stages, learned policy, mean gap %",
        "0.58",
        TRAINED,
    ),
    (
        "serial",
        "Alvo et al., arXiv 2306.11246v3 [P]",
        "four stages, learned policy, worst gap %",
        "0.76",
        TRAINED,
    ),
    *(
        (
            "others",
            "Edali & Yasarcan 2014 [T]",
            f"beer game, {what}",
            cost,
            DELAYED,
        )
        for what, cost in [
            ("cost of stage 1", "46"),
            ("cost of stage 2", "50"),
            ("cost of stage 3", "54"),
            ("cost of stage 4", "54"),
            ("cost", "204"),
        ]
    ),
    (
        "others",
        "Van Roy et al. 1997 [T]",
        "one warehouse, several retailers, constant base stock (10, 16), cost",
        "51.7",
        "The known answers give the levels but not the problem's demand, costs and lead times.",
    ),
]


def figures(settings: StudySettings) -> Iterator[Figure]:
    """List the figures that nothing here is held against."""
    for table, source, name, printed, reason in FIGURES:
        yield Figure(table, source, name, printed, reason=reason)
    source = "Alvo et al., arXiv 2306.11246v3 [P]"
    for system in json.loads(read_shared(settings.parameters["stores"]))["instances"]:
        name = f"{system['stores']} stores"
        cost = f"{system['published_cost_per_store_and_period']:.2f}"
        yield Figure("stores", source, f"{name}, learned, cost", cost, reason=LEARNED_LATER)
        excess = f"{system['published_excess_percent_of_plain_network']:.2f}"
        name = f"{name}, plain network, excess %"
        yield Figure("stores", source, name, excess, reason=LEARNED_LATER)
