"""Detections on the court to tracks: optimal assignment with a distance gate."""

from dataclasses import dataclass, field

import numpy as np
from scipy.optimize import linear_sum_assignment


@dataclass
class Track:
    """One player: positions by frame, and the frame it was last seen in."""

    number: int
    frames: list[int] = field(default_factory=list)
    points: list[np.ndarray] = field(default_factory=list)

    def add(self, frame: int, point: np.ndarray) -> None:
        self.frames.append(frame)
        self.points.append(point)

    def predict(self, frame: int) -> np.ndarray:
        """Where the player should be, at the speed of the last two sightings."""
        if len(self.points) < 2:
            return self.points[-1]
        span = self.frames[-1] - self.frames[-2]
        speed = (self.points[-1] - self.points[-2]) / span
        return self.points[-1] + speed * (frame - self.frames[-1])


class Tracker:
    """Feeds on one array of court positions per frame."""

    def __init__(self, gate_m: float = 1.5, patience: int = 12) -> None:
        self.gate_m = gate_m
        self.patience = patience
        self.tracks: list[Track] = []
        self._frame = -1

    def step(self, points: np.ndarray) -> list[int]:
        """Assigns the points of the next frame; returns the track number of each."""
        self._frame += 1
        points = np.asarray(points, dtype=float).reshape(-1, 2)
        numbers = [-1] * len(points)
        alive = [t for t in self.tracks if self._frame - t.frames[-1] <= self.patience]
        if alive and len(points):
            expected = np.array([t.predict(self._frame) for t in alive])
            cost = np.linalg.norm(expected[:, None] - points[None], axis=-1)
            for row, column in zip(*linear_sum_assignment(cost), strict=True):
                if cost[row, column] <= self.gate_m:
                    alive[row].add(self._frame, points[column])
                    numbers[column] = alive[row].number
        for index, number in enumerate(numbers):
            if number == -1:
                track = Track(len(self.tracks))
                track.add(self._frame, points[index])
                self.tracks.append(track)
                numbers[index] = track.number
        return numbers
