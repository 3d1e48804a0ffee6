"""The network that every rival simulates, in plain numbers: no array library, so all can read it.

One supplier, 3 distribution centres, 20 fulfilment centres, each served by one distribution
centre. Goods are divisible, unmet demand is lost. Money per unit; lead times in days.
"""

import math

DISTRIBUTION_CENTRES, FULFILMENT_CENTRES = 3, 20
PLACES = DISTRIBUTION_CENTRES + FULFILMENT_CENTRES
"""Locations that hold stock, distribution centres first: what a location-day counts."""

SUPPLIER_LEAD_TIME, TRANSFER_LEAD_TIME = 5, 2
HOLDING_COST, SHORTAGE_COST = 1.0, 9.0
REGION_CHOICES = 3
COLUMNS = 5
PARENT = tuple(place % DISTRIBUTION_CENTRES for place in range(FULFILMENT_CENTRES))
"""The distribution centre that supplies each fulfilment centre."""


def mean_demand(product: int) -> float:
    """Return a product's Poisson mean, units per day at each fulfilment centre or region."""
    return 0.5 + 0.5 * (product % 8)


def echelon_levels(product: int) -> list[float]:
    """Return the echelon base-stock levels in units, distribution centres first.

    They cover the mean of the lead times and of a day, and one standard deviation. Distribution
    centres then pass most of what comes straight on and are empty on about half of all days, so
    that rationing is at work.
    """
    mean = mean_demand(product)
    days_below = TRANSFER_LEAD_TIME + 1
    days_above = SUPPLIER_LEAD_TIME + days_below
    below = days_below * mean + math.sqrt(days_below * mean)
    levels = []
    for centre in range(DISTRIBUTION_CENTRES):
        asked = PARENT.count(centre) * days_above * mean
        levels.append(asked + math.sqrt(asked))
    return levels + [below] * FULFILMENT_CENTRES


def opening_stock(product: int) -> list[float]:
    """Return the stock that the first day begins with: each location's own part of its level."""
    levels = echelon_levels(product)
    below = levels[-1]
    own = [level - PARENT.count(n) * below for n, level in enumerate(levels[:DISTRIBUTION_CENTRES])]
    return own + levels[DISTRIBUTION_CENTRES:]


def region_choices(region: int) -> list[tuple[int, float]]:
    """Return the fulfilment centres that serve a region, cheapest first, with cost per unit.

    There is a region to each fulfilment centre, a little off it on a grid; a parcel costs what
    the way is long, and the three nearest centres serve.
    """
    x, y = region % COLUMNS + 0.3, region // COLUMNS + 0.2
    by_distance = sorted(
        (math.hypot(x - centre % COLUMNS, y - centre // COLUMNS), centre)
        for centre in range(FULFILMENT_CENTRES)
    )
    return [(centre, distance) for distance, centre in by_distance[:REGION_CHOICES]]
