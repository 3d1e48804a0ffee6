"""Stable-Baselines3 on the registered environments, out of the box."""

import time
import warnings
from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np
import torch
from jaxtyping import Float
from stable_baselines3 import PPO, SAC

import restock.environments
from restock.evaluation import Parameters, StudySettings, markdown_table
from restock.seeds import Seeds

Row = dict[str, Any]
ALGORITHMS: dict[str, type[PPO | SAC]] = {"PPO": PPO, "SAC": SAC}
ELITE = 8
Actions = Float[np.ndarray, "N A"]
Returns = Float[np.ndarray, " N"]


def keys(settings: StudySettings) -> list[Row]:
    """Return one key for each environment, algorithm and seed."""
    restock.environments.register()
    return [
        {"environment": name, "algorithm": algorithm, "seed": seed}
        for name in settings.parameters["environments"]
        for algorithm in settings.parameters["algorithms"]
        for seed in range(settings.seeds)
    ]


def run_row(key: Row, settings: StudySettings) -> Row:
    """Train one algorithm on one environment and hold it against three rules."""
    parameters = settings.parameters
    torch.set_num_threads(parameters["threads"])
    seeds = Seeds(key["seed"])
    env = gymnasium.make(f"restock/{key['environment']}-v0")
    steps = parameters["algorithms"][key["algorithm"]]
    with warnings.catch_warnings():
        # Stable-Baselines3 advises scaling and devices; what is out of the box stays so
        warnings.simplefilter("ignore")
        model = ALGORITHMS[key["algorithm"]](
            "MlpPolicy", env, seed=seeds.integer("training") % 2**31, device="cpu"
        )
        started = time.perf_counter()
        model.learn(steps)
    seconds = time.perf_counter() - started
    constant = _best_constant(key["environment"], parameters, seeds)
    episodes = [seeds.integer(f"episode {n}") % 2**31 for n in range(parameters["episodes"])]
    chance = np.random.default_rng(seeds.integer("random actions"))
    shape = env.action_space.shape or ()
    returns = {
        "random": _play(env, lambda _: chance.uniform(-1, 1, shape).astype(np.float32), episodes),
        "middle": _play(env, lambda _: np.zeros(shape, np.float32), episodes),
        "constant": _play(env, lambda _: constant, episodes),
        "learned": _play(env, lambda seen: model.predict(seen, deterministic=True)[0], episodes),
    }
    gain = returns["learned"] - returns["random"]
    half = 1.96 * gain.std(ddof=1) / np.sqrt(len(gain))
    way = returns["constant"].mean() - returns["random"].mean()
    return {
        "steps": steps,
        **{f"{name}_reward": float(values.mean()) for name, values in returns.items()},
        "gain_over_random": float(gain.mean()),
        "gain_lower": float(gain.mean() - half),
        "gain_upper": float(gain.mean() + half),
        "learns": bool(gain.mean() - half > 0),
        "share_of_way_percent": float(100 * gain.mean() / way),
        "steps_per_second": steps / seconds,
        "train_seconds": seconds,
    }


def summarise(rows: list[Row], settings: StudySettings) -> Row:
    """Return how many runs learned, and how far they came."""
    summary: Row = {"runs": len(rows), "runs_that_learn": sum(row["learns"] for row in rows)}
    for algorithm in settings.parameters["algorithms"]:
        own = [row for row in rows if row["algorithm"] == algorithm]
        shares = [row["share_of_way_percent"] for row in own]
        summary[f"median_share_of_way_percent_{algorithm}"] = float(np.median(shares))
        summary[f"median_steps_per_second_{algorithm}"] = float(
            np.median([row["steps_per_second"] for row in own])
        )
    return summary


def tables(rows: list[Row], summary: Row, settings: StudySettings) -> str:
    """Return the runs as one table; rewards are means of an episode."""
    del summary, settings
    return markdown_table(
        [
            {
                "environment": row["environment"],
                "algorithm": row["algorithm"],
                "steps": f"{row['steps']:,}",
                "random": f"{row['random_reward']:.1f}",
                "middle action": f"{row['middle_reward']:.1f}",
                "best constant": f"{row['constant_reward']:.1f}",
                "learned": f"{row['learned_reward']:.1f}",
                "gain over random": f"{row['gain_over_random']:.1f}"
                f" [{row['gain_lower']:.1f}, {row['gain_upper']:.1f}]",
                "share of the way %": f"{row['share_of_way_percent']:.0f}",
                "steps/s": f"{row['steps_per_second']:.0f}",
            }
            for row in rows
        ]
    )


def _play(
    env: gymnasium.Env[Any, Any], decide: Callable[[np.ndarray], np.ndarray], seeds: list[int]
) -> Returns:
    """Return the reward of an episode for each seed."""
    totals = []
    for seed in seeds:
        seen, _ = env.reset(seed=seed)
        total, over = 0.0, False
        while not over:
            seen, reward, terminated, truncated, _ = env.step(decide(seen))
            total += float(reward)
            over = terminated or truncated
        totals.append(total)
    return np.array(totals)


def _best_constant(name: str, parameters: Parameters, seeds: Seeds) -> Float[np.ndarray, " A"]:
    """Search the best constant action: candidates drawn round by round about the best so far."""
    candidates, each = parameters["search_candidates"], parameters["search_episodes"]
    envs = gymnasium.make_vec(
        f"restock/{name}-v0",
        num_envs=candidates * each,
        vectorization_mode="vector_entry_point",
    )
    chance = np.random.default_rng(seeds.integer("search"))
    shape = envs.single_action_space.shape or ()
    centre, spread = np.zeros(shape), np.full(shape, 0.6)
    for search_round in range(parameters["search_rounds"]):
        drawn = chance.normal(centre, spread, (candidates, *shape)).clip(-1, 1)
        drawn[0] = centre
        actions = np.repeat(drawn, each, axis=0).astype(np.float32)
        envs.reset(seed=seeds.integer(f"search {search_round}") % 2**31)
        total = np.zeros(len(actions))
        playing = np.ones(len(actions), dtype=bool)
        while playing.any():
            _, reward, terminated, truncated, _ = envs.step(actions)
            total += np.where(playing, reward, 0.0)
            playing &= ~(terminated | truncated)
        best = drawn[np.argsort(-total.reshape(candidates, each).mean(1))[:ELITE]]
        centre, spread = best.mean(0), best.std(0) + 0.01
    return centre.astype(np.float32)
