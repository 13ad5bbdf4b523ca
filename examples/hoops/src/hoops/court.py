"""Court geometry in metres, origin in the corner left of the scorer's table."""

import numpy as np

LENGTH = {"nba": 28.65, "fiba": 28.0}
WIDTH = {"nba": 15.24, "fiba": 15.0}
HOOP_FROM_BASELINE = {"nba": 1.60, "fiba": 1.575}


def corners(court: str = "nba") -> np.ndarray:
    """The four corners, clockwise from the origin."""
    length, width = LENGTH[court], WIDTH[court]
    return np.array([[0, 0], [length, 0], [length, width], [0, width]], dtype=float)


def hoops(court: str = "nba") -> np.ndarray:
    """Where both rings are, seen from above."""
    inset, middle = HOOP_FROM_BASELINE[court], WIDTH[court] / 2
    return np.array([[inset, middle], [LENGTH[court] - inset, middle]])


def inside(points: np.ndarray, court: str = "nba", margin: float = 0.0) -> np.ndarray:
    """Which points lie on the floor, or at most `margin` metres beside it."""
    limit = np.array([LENGTH[court], WIDTH[court]])
    return np.all((points >= -margin) & (points <= limit + margin), axis=-1)
