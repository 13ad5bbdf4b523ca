from pathlib import Path

import numpy as np
import pytest

from hoops.config import load

ROOT = Path(__file__).parent.parent


def test_settings_of_the_project_are_valid():
    assert load(ROOT / "configs/default.yaml").court == "nba"


def test_smoothing_keeps_the_start_and_halves_a_step():
    smooth = pytest.importorskip("hoops.smooth")
    points = np.array([[0.0, 0.0], [1.0, 1.0]])
    assert np.allclose(smooth.ema(points, 0.5), [[0, 0], [0.5, 0.5]])
    assert np.allclose(smooth.speed(points, 2.0), [2 * np.sqrt(2)])


def test_picture_shows_the_player():
    draw = pytest.importorskip("hoops.draw")
    image = draw.picture(np.array([[10.0, 5.0]]))
    assert tuple(image[150, 300]) == draw.PLAYER
