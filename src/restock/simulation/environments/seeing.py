"""What an agent sees: the world's observation as one row of numbers of about unit size."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from types import MappingProxyType
from typing import NamedTuple

import numpy as np
import torch
from gymnasium.spaces import Box
from jaxtyping import Float
from torch import Tensor

from restock.errors import ConfigurationError, did_you_mean
from restock.simulation.environments.fields import Field
from restock.simulation.environments.setup import Setup
from restock.simulation.observation import Observation
from restock.simulation.state import remembered

__all__ = ["FIELDS", "Part", "Sight", "Today"]

MOST = float(np.finfo(np.float32).max)
"""Stock has no other bound, and Gymnasium's checker refuses infinity."""
COVER = "periods of usual demand"


class Today(NamedTuple):
    """What is known when an action is due: the observation, and what customers ordered last.

    ``asked`` is units ``[B, P, D]``, zero on an episode's first day.
    """

    seen: Observation
    asked: Tensor


@dataclass(frozen=True, kw_only=True, eq=False)
class Part:
    """One field: how it is read, as ``[B, n]``, and the ``unit_size`` ``[n]`` it is divided by."""

    name: str
    unit: str
    meaning: str
    labels: tuple[str, ...]
    unit_size: Float[Tensor, " n"]
    read: Callable[[Today], Tensor]
    low: float = 0.0
    high: float = MOST


class Sight:
    """Reads the fields that a setup shows.

    Raises :class:`ConfigurationError` for a field that is unknown or not there in this world.
    """

    def __init__(self, setup: Setup) -> None:
        self.parts = tuple(_part(setup, name) for name in setup.shows)
        sizes = [len(part.labels) for part in self.parts]
        stops = np.cumsum(sizes).tolist()
        self.fields = tuple(
            Field(
                name=part.name,
                start=stop - size,
                stop=stop,
                unit=part.unit,
                meaning=part.meaning,
                labels=part.labels,
                low=part.low,
                high=part.high,
            )
            for part, size, stop in zip(self.parts, sizes, stops, strict=True)
        )
        self.unit_size = torch.cat([part.unit_size for part in self.parts])

    @property
    def space(self) -> Box:
        """The space of one observation."""
        low = np.repeat([field.low for field in self.fields], [f.size for f in self.fields])
        high = np.repeat([field.high for field in self.fields], [f.size for f in self.fields])
        return Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)

    def read(self, today: Today) -> Float[np.ndarray, "B F"]:
        """Return the observation of each path, float32."""
        numbers = torch.cat([part.read(today) for part in self.parts], dim=-1) / self.unit_size
        values: np.ndarray = numbers.numpy()
        return values


def _part(setup: Setup, name: str) -> Part:
    if name not in FIELDS:
        raise ConfigurationError(f"field '{name}' is unknown.{did_you_mean(name, FIELDS)}")
    part = FIELDS[name](setup)
    if not part.labels:
        raise ConfigurationError(
            f"field '{name}' is empty in the world of '{setup.name}': it has nothing of the kind."
            " Leave it out of `shows`."
        )
    return part


def _labels(*axes: Sequence[str]) -> tuple[str, ...]:
    return tuple("@".join(names) for names in product(*axes))


def _pick(values: Tensor, where: Tensor) -> Tensor:
    """Return the chosen cells of each path, ``[B, n]``."""
    flat = values.flatten(1)
    return flat if len(where) == flat.shape[1] else flat[:, where]


def _stock(setup: Setup) -> Part:
    world = setup.world
    return Part(
        name="stock",
        unit="share of opening stock" if setup.is_season else COVER,
        meaning="units on hand after the period's arrivals, by product and location",
        labels=_labels(world.product_ids, world.network.locations),
        unit_size=setup.stock_size.flatten(),
        read=lambda today: today.seen.on_hand.flatten(1),
    )


def _ages(setup: Setup) -> Part:
    world = setup.world
    ages = remembered(world.empty_state(1).memory).ages
    classes = 0 if ages is None else ages.on_hand.shape[-1]
    lives = [f"{periods} left" for periods in range(1, classes + 1)]
    return Part(
        name="ages",
        unit=COVER,
        meaning="units on hand by the periods for which they can still be sold, today included",
        labels=_labels(world.product_ids, world.network.locations, lives),
        unit_size=setup.stock_size.flatten().repeat_interleave(classes),
        read=lambda today: remembered(remembered(today.seen.memory).ages).on_hand.flatten(1),
    )


def _backlog(setup: Setup) -> Part:
    where = setup.mean.flatten().nonzero().flatten()
    names = _labels(setup.world.product_ids, setup.points)
    keeps = setup.world.unmet.keeps_backlog
    return Part(
        name="backlog",
        unit=COVER,
        meaning="units that customers wait for, by product and demand point",
        labels=tuple(names[n] for n in where) if keeps else (),
        unit_size=setup.mean.flatten()[where],
        read=lambda today: _pick(remembered(today.seen.backlog), where),
    )


def _pipeline(setup: Setup) -> Part:
    world = setup.world
    ahead = world.arrivals.slots - 1
    lead_time = world.arrivals.lead_time[0].unsqueeze(1)
    # an order of today is due in L periods, one that is seen on its way in less
    longest = torch.full_like(lead_time, ahead) if world.has_uncertain_supply else lead_time - 1
    due = torch.arange(1, ahead + 1).reshape(1, -1, 1)
    cells = due <= longest
    if setup.controls.most is not None:
        cells = cells & (setup.controls.most > 0).unsqueeze(1)
    where = cells.flatten().nonzero().flatten()
    whens = [f"in {periods}" for periods in range(1, ahead + 1)]
    names = [
        f"{unit}@{lane} {when}"
        for unit, when, lane in product(world.product_ids, whens, setup.lane_names)
    ]
    usual = setup.stock_size[:, list(world.network.destination)]
    return Part(
        name="pipeline",
        unit=COVER,
        meaning="units that arrive 1, 2, … periods from now, by product and lane",
        labels=tuple(names[n] for n in where),
        unit_size=usual.repeat(1, ahead).flatten()[where],
        read=lambda today: _pick(today.seen.pipeline_stack(ahead), where),
    )


def _forecast(setup: Setup) -> Part:
    usual = setup.mean.sum(-1)
    names = setup.forecasts
    return Part(
        name="forecast",
        unit="share of usual demand",
        meaning="expected demand, known before it comes, by product",
        labels=_labels(names, setup.world.product_ids),
        unit_size=usual.repeat(len(names)),
        read=lambda today: torch.cat(
            [today.seen.signal(name).flatten(1).expand(len(today.asked), -1) for name in names],
            dim=-1,
        ),
    )


def _orders_received(setup: Setup) -> Part:
    where = setup.mean.flatten().nonzero().flatten()
    names = _labels(setup.world.product_ids, setup.points)
    return Part(
        name="orders_received",
        unit="share of usual demand",
        meaning="units that customers asked for in the last period, by product and demand point",
        labels=tuple(names[n] for n in where),
        unit_size=setup.mean.flatten()[where],
        read=lambda today: _pick(today.asked, where),
    )


def _satisfaction(setup: Setup) -> Part:
    market = setup.world.market
    remembers = market is not None and market.satisfaction is not None
    return Part(
        name="satisfaction",
        unit="share",
        meaning="how satisfied customers are, by demand point",
        labels=setup.points if remembers else (),
        unit_size=torch.ones(len(setup.points)),
        read=lambda today: remembered(remembered(today.seen.memory).customers).satisfaction[:, 0],
        high=1.0,
    )


def _price(setup: Setup) -> Part:
    prices = setup.world.economics.list_price.flatten()
    return Part(
        name="price",
        unit="share of list price",
        meaning="the last period's price, by product",
        labels=() if setup.world.market is None else setup.world.product_ids,
        unit_size=prices,
        read=lambda today: remembered(remembered(today.seen.memory).prices).price.flatten(1),
    )


def _periods_left(setup: Setup) -> Part:
    return Part(
        name="periods_left",
        unit="share of the season",
        meaning="periods until the season is over, today included",
        labels=("season",),
        unit_size=torch.tensor([float(setup.periods)]),
        read=lambda today: today.seen.signal("periods_left")[:, 0].expand(len(today.asked), -1),
        high=1.0,
    )


#: Name of each field that an observation may show, and what builds it.
FIELDS: Mapping[str, Callable[[Setup], Part]] = MappingProxyType(
    {
        "stock": _stock,
        "ages": _ages,
        "backlog": _backlog,
        "pipeline": _pipeline,
        "forecast": _forecast,
        "orders_received": _orders_received,
        "satisfaction": _satisfaction,
        "price": _price,
        "periods_left": _periods_left,
    }
)
