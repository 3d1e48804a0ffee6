"""What do we believe? Predictive distributions of demand, and how good they were.

Count models and seasonal naive import at once; LightGBM is loaded when first asked for, through
:func:`forecaster` or ``restock.forecasting.lightgbm_quantile``.
"""

from restock.forecasting.affinity import (
    Affinity,
    AffinityConfig,
    BasketScorer,
    ItemAffinity,
    Popularity,
    strongest,
)
from restock.forecasting.backtest import BacktestRow, rolling_backtest
from restock.forecasting.baskets import Baskets
from restock.forecasting.catalogue import CATALOGUE, forecaster
from restock.forecasting.censoring import uncensor
from restock.forecasting.croston import Croston, CrostonConfig
from restock.forecasting.empirical import Empirical, EmpiricalConfig
from restock.forecasting.hit_rate import leave_one_out_hits
from restock.forecasting.negative_binomial import NegativeBinomial, NegativeBinomialConfig
from restock.forecasting.predictive import LEVELS, Predictive
from restock.forecasting.protocols import FittedForecaster, Forecaster
from restock.forecasting.scores import (
    bias,
    central_coverage,
    root_mean_squared_scaled_error,
    weighted_absolute_percentage_error,
    weighted_quantile_loss,
)
from restock.forecasting.seasonal_naive import SeasonalNaive, SeasonalNaiveConfig
from restock.forecasting.tsb import TSB, TSBConfig

__all__ = [
    "CATALOGUE",
    "LEVELS",
    "TSB",
    "Affinity",
    "AffinityConfig",
    "BacktestRow",
    "BasketScorer",
    "Baskets",
    "Croston",
    "CrostonConfig",
    "Empirical",
    "EmpiricalConfig",
    "FittedForecaster",
    "Forecaster",
    "ItemAffinity",
    "NegativeBinomial",
    "NegativeBinomialConfig",
    "Popularity",
    "Predictive",
    "SeasonalNaive",
    "SeasonalNaiveConfig",
    "TSBConfig",
    "bias",
    "central_coverage",
    "forecaster",
    "leave_one_out_hits",
    "rolling_backtest",
    "root_mean_squared_scaled_error",
    "strongest",
    "uncensor",
    "weighted_absolute_percentage_error",
    "weighted_quantile_loss",
]
