"""`python -m hoops.cli`: versions, and a demonstration without a video."""

from importlib.metadata import version
from pathlib import Path

import numpy as np
import typer
from rich.console import Console
from rich.table import Table

from hoops import court as geometry
from hoops.config import Settings, load
from hoops.homography import project, solve
from hoops.track import Tracker

app = typer.Typer(add_completion=False, no_args_is_help=True)


@app.command()
def info() -> None:
    """The versions that matter."""
    table = Table("package", "version")
    for name in ("numpy", "scipy", "opencv-python-headless", "supervision", "jax", "jupyterlab"):
        table.add_row(name, version(name))
    Console().print(table)


@app.command()
def demo(config: Path | None = None, picture: Path | None = None) -> None:
    """Solves a made-up camera, tracks five made-up players, says how far they ran."""
    settings = load(config) if config else Settings()
    camera = np.array([[0.031, 0.004, -3.1], [-0.002, 0.043, -2.4], [0.0, 0.0007, 1.0]])
    floor = np.random.default_rng(3).uniform((0, 0), (28, 15), size=(24, 2))
    image = project(np.linalg.inv(camera), floor)
    image[:3] += 90
    fit = solve(image, floor, **settings.solver.model_dump())

    tracker = Tracker(settings.tracker.gate_m, settings.tracker.patience)
    start = geometry.corners(settings.court).mean(axis=0) + np.arange(5)[:, None] * [2.0, 1.2] - 4
    for frame in range(60):
        drift = np.c_[np.sin(frame / 9 + np.arange(5)), np.cos(frame / 11 + np.arange(5))]
        tracker.step(start + drift)

    console = Console()
    console.print(f"{fit.inliers.sum()} of {len(image)} points agree, {fit.error_m:.3f} m apart")
    for track in tracker.tracks:
        metres = np.linalg.norm(np.diff(track.points, axis=0), axis=1).sum()
        console.print(f"player {track.number}: {metres:.1f} m in {len(track.frames)} frames")
    if picture:
        import cv2

        from hoops.draw import picture as draw

        cv2.imwrite(str(picture), draw(np.array([t.points[-1] for t in tracker.tracks])))


if __name__ == "__main__":
    app()
