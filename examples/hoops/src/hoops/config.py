"""Settings, checked when they are read."""

from pathlib import Path
from typing import Literal

import yaml
from pydantic import BaseModel, ConfigDict, PositiveFloat, PositiveInt


class Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class Solver(Strict):
    threshold_m: PositiveFloat = 0.25
    rounds: PositiveInt = 200
    seed: int = 7


class Tracking(Strict):
    gate_m: PositiveFloat = 1.5
    patience: PositiveInt = 12


class Smoothing(Strict):
    alpha: PositiveFloat = 0.35


class Settings(Strict):
    court: Literal["nba", "fiba"] = "nba"
    solver: Solver = Solver()
    tracker: Tracking = Tracking()
    smoother: Smoothing = Smoothing()


def load(path: Path) -> Settings:
    """Reads a YAML file; unknown keys are errors."""
    return Settings.model_validate(yaml.safe_load(path.read_text()) or {})
