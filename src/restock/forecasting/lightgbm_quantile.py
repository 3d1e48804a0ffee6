"""One gradient-boosted model per quantile level, shared by all products and horizons.

The target is the total over the horizon divided by (horizon × recent scale of the product); the
pinball loss is scale-free, so each quantile of the ratio times horizon × scale is the quantile of
the total. A further model with squared error gives the mean. Quantiles that cross are rearranged.
"""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from typing import Any

import lightgbm
import numpy as np
from jaxtyping import Float, Int

from restock.demand.history import DemandHistory
from restock.errors import ConfigurationError, InputError, require
from restock.forecasting.censoring import uncensor
from restock.forecasting.features import FeatureSettings, feature_rows
from restock.forecasting.paths import spread_over_days
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import Scope
from restock.forecasting.settings import check_levels, check_positive
from restock.forecasting.windows import running_totals, span_sums
from restock.seeds import Seeds

__all__ = ["FittedLightGBMQuantile", "LightGBMQuantile", "LightGBMQuantileConfig"]

_WARM_UP_DAYS = 24


@dataclass(frozen=True)
class LightGBMQuantileConfig:
    """How the trees are grown and on which rows.

    ``n_trees`` per level, ``leaves`` a tree, at least ``min_leaf`` rows a leaf. Training origins
    are every ``stride``-th day; of their rows at most ``max_rows`` are drawn. ``scale_weight``
    (0 to 1) is the power of the product's scale × horizon by which a row counts: 0 treats
    products alike, 1 counts units as WQL does. ``features`` says what is known ahead.
    ``threads`` models grow at the same time; the trees do not depend on it.
    """

    n_trees: int = 100
    learning_rate: float = 0.06
    leaves: int = 15
    min_leaf: int = 100
    stride: int = 2
    max_rows: int = 40_000
    scale_weight: float = 0.5
    levels: tuple[float, ...] = LEVELS
    features: FeatureSettings = field(default_factory=FeatureSettings)
    threads: int = 2
    seed: int = 0

    def __post_init__(self) -> None:
        """Check every number."""
        check_positive("n_trees", self.n_trees, "trees of each level")
        check_positive("min_leaf", self.min_leaf, "rows in a leaf")
        check_positive("stride", self.stride, "days from one training origin to the next")
        check_positive("max_rows", self.max_rows, "training rows")
        check_positive("threads", self.threads, "threads")
        check_levels(self.levels)
        for name, value, low, high in (
            ("learning_rate", self.learning_rate, 1e-6, 1.0),
            ("leaves", self.leaves, 2, 4096),
            ("scale_weight", self.scale_weight, 0.0, 1.0),
        ):
            require(
                low <= value <= high,
                ConfigurationError,
                f"`{name}` must lie in [{low}, {high}]; got {value}. Correct it or leave it out.",
            )


@dataclass(frozen=True)
class LightGBMQuantile:
    """Global quantile regression on lags, sparsity, market trend, calendar, promotions, price.

    Censored days are lifted first by :func:`~restock.forecasting.censoring.uncensor`, in the
    features and in the targets; training windows censored on more than half of their days are
    left out, as are products before their first sale.

    Source: Ke et al. (2017), LightGBM, NeurIPS 30; pinball loss as in Koenker and Bassett
    (1978), Econometrica 46.
    """

    config: LightGBMQuantileConfig = LightGBMQuantileConfig()

    @property
    def name(self) -> str:
        """The name in tables."""
        return "lightgbm"

    def fit(
        self, history: DemandHistory, horizon_days: Int[np.ndarray, "P"]
    ) -> "FittedLightGBMQuantile":
        """Grow the trees on every horizon that ends within ``history``.

        Each training cell appears with its product's own horizon and, where products differ in
        it, once more with another product's, so that every model has seen every horizon.

        Raises :class:`InputError` when no product had a sale early enough to learn from.
        """
        scope = Scope.of(history, horizon_days)
        rows = _training_rows(history, scope, self.config)
        *models, mean = _grow_all(rows, self.config)
        return FittedLightGBMQuantile(self.config, scope, tuple(models), mean)


@dataclass(frozen=True, eq=False)
class FittedLightGBMQuantile:
    """The grown trees: one booster per level and one for the mean."""

    config: LightGBMQuantileConfig
    scope: Scope
    models: tuple[lightgbm.Booster, ...]
    mean_model: lightgbm.Booster

    def predict(self, history: DemandHistory, origins: Int[np.ndarray, "N"]) -> Predictive:
        """Return the belief about total demand over each product's horizon.

        A product without a sale before the origin is believed to sell nothing.
        """
        self.scope.check(history, origins)
        shape = (origins.size, history.n_products)
        horizons = np.broadcast_to(self.scope.horizon_days, shape)
        rows = feature_rows(history, origins, horizons, self.config.features)
        matrix = rows.matrix()
        at_ratio_one = horizons * rows.scale * rows.offered

        def total(model: lightgbm.Booster) -> Float[np.ndarray, "N P"]:
            ratio = np.asarray(model.predict(matrix, num_threads=self.config.threads))
            units: Float[np.ndarray, "N P"] = np.maximum(ratio.reshape(shape), 0.0) * at_ratio_one
            return units

        quantiles = np.stack([total(model) for model in self.models], axis=-1)
        return Predictive.monotone(np.array(self.config.levels), quantiles, total(self.mean_model))

    def sample_paths(
        self, history: DemandHistory, origin: int, n_paths: int, rng: np.random.Generator
    ) -> Float[np.ndarray, "B H P"]:
        """Return daily demands in whole units over the longest horizon."""
        belief = self.predict(history, np.array([origin]))
        return spread_over_days(belief, history, origin, self.scope, n_paths, rng)


@dataclass(frozen=True, eq=False)
class _TrainingRows:
    features: Float[np.ndarray, "R F"]
    ratio: Float[np.ndarray, "R"]
    weight: Float[np.ndarray, "R"]


def _training_rows(
    history: DemandHistory, scope: Scope, config: LightGBMQuantileConfig
) -> _TrainingRows:
    """Return the rows to learn from: past origins whose horizon ended within the record."""
    rng = Seeds(config.seed).numpy("forecasting/training-rows")
    latest = history.n_days - scope.shortest
    origins = np.arange(latest, min(_WARM_UP_DAYS, max(latest // 2, 0)), -config.stride)[::-1]
    require(
        origins.size > 0,
        InputError,
        f"LightGBM learns from totals over at least {scope.shortest} days; the"
        f" history has {history.n_days}. Use `negative_binomial` until there are more.",
    )
    own = np.broadcast_to(scope.horizon_days, (origins.size, history.n_products))
    parts = [own]
    if np.unique(scope.horizon_days).size > 1:
        parts.append(rng.choice(np.unique(scope.horizon_days), own.shape))
    cells = [_cells(history, origins, horizons, config) for horizons in parts]
    joined = _TrainingRows(
        np.concatenate([cell.features for cell in cells]),
        np.concatenate([cell.ratio for cell in cells]),
        np.concatenate([cell.weight for cell in cells]),
    )
    require(
        joined.ratio.size > 0 and bool((joined.ratio > 0).any()),
        InputError,
        "LightGBM found no sales to learn from in the history. Check the `units` column, or use"
        " `empirical`.",
    )
    if joined.ratio.size <= config.max_rows:
        return joined
    keep = np.sort(rng.choice(joined.ratio.size, config.max_rows, replace=False))
    return _TrainingRows(joined.features[keep], joined.ratio[keep], joined.weight[keep])


def _cells(
    history: DemandHistory,
    origins: Int[np.ndarray, "N"],
    horizons: Int[np.ndarray, "N P"],
    config: LightGBMQuantileConfig,
) -> _TrainingRows:
    rows = feature_rows(history, origins, horizons, config.features)
    start = origins[:, None]
    stop = start + horizons
    total = span_sums(running_totals(uncensor(history)), start, stop)
    censored = span_sums(running_totals(history.censored), start, stop) / horizons
    kept = (rows.offered & (stop <= history.n_days) & (censored <= 0.5)).reshape(-1)
    size = (horizons * rows.scale).reshape(-1)[kept]
    weight = size**config.scale_weight
    return _TrainingRows(
        rows.matrix()[kept],
        total.reshape(-1)[kept] / size,
        weight / max(float(weight.mean()) if weight.size else 1.0, 1e-12),
    )


def _grow_all(rows: _TrainingRows, config: LightGBMQuantileConfig) -> list[lightgbm.Booster]:
    """Return one booster per level, then that of the mean.

    Threads share out whole models, each grown by one thread on its own binned copy of the rows:
    LightGBM's threads inside a model wait for each other at every split, which on a busy machine
    costs far more than it gains, and this way the trees do not depend on ``threads``.
    """
    objectives: list[dict[str, Any]] = [
        *({"objective": "quantile", "alpha": level} for level in config.levels),
        {"objective": "regression"},
    ]

    def share(first: int) -> list[lightgbm.Booster]:
        data = lightgbm.Dataset(
            rows.features,
            rows.ratio,
            weight=rows.weight,
            params={"verbosity": -1, "min_data_in_leaf": config.min_leaf, "num_threads": 1},
        )
        return [_grow(data, config, chosen) for chosen in objectives[first :: config.threads]]

    with ThreadPoolExecutor(config.threads) as pool:
        shares = list(pool.map(share, range(config.threads)))
    return [
        shares[place % config.threads][place // config.threads] for place in range(len(objectives))
    ]


def _grow(
    data: lightgbm.Dataset, config: LightGBMQuantileConfig, objective: dict[str, Any]
) -> lightgbm.Booster:
    params = {
        **objective,
        "learning_rate": config.learning_rate,
        "num_leaves": config.leaves,
        "min_data_in_leaf": config.min_leaf,
        "num_threads": 1,
        "seed": config.seed,
        "deterministic": True,
        "force_row_wise": True,
        "verbosity": -1,
    }
    return lightgbm.train(params, data, num_boost_round=config.n_trees)
