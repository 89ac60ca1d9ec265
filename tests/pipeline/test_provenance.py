"""A bundle says how its policy was made, also by the runs whose networks it began with."""

from pathlib import Path
from types import SimpleNamespace

from sim2real.pipeline.export_run import _provenance


def told(name, steps, hours, started=None):
    """What a run folder says: two sessions of one command."""
    session = {"command": f"train {name}", "commit": name, "machine": {"cpu": "Acme", "cores": 2}}
    return {
        "sessions": [session, session],
        "env_steps": steps,
        "hours": hours,
        "iterations_done": 7,
        "num_envs": 64,
        "seed": 1,
        "started": started,
    }


def provenance(facts, iteration=7):
    """Of a run in PhysX."""
    run = SimpleNamespace(facts=facts, physics="ovphysx", iteration=iteration, checkpoint=Path("run/model_7.pt"))
    return _provenance(run)


def test_the_runs_before_are_counted_and_named_in_their_order():
    """Steps and hours are sums; a command that was given twice stands once; commit and seed are the last run's."""
    first = told("plain", 1000, 0.5)
    made = provenance(told("tuned", 300, 0.25, started=told("middle", 20, 0.125, started=first)))
    assert made.command == "train plain && train middle && train tuned"
    assert (made.env_steps, made.hours, made.commit, made.seed) == (1320, 0.875, "tuned", 1)
    assert (made.machine, made.iterations, made.checkpoint) == ("Acme, 2 cores", 7, "model_7.pt")


def test_what_is_not_known_is_not_summed():
    """An earlier checkpoint of a run, or a run before it that says no steps."""
    assert provenance(told("plain", 1000, 0.5), iteration=5).env_steps is None
    made = provenance(told("tuned", 300, 0.25, started=told("plain", None, 0.5)))
    assert (made.env_steps, made.hours) == (None, 0.75) and made.command == "train plain && train tuned"
