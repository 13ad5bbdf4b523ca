import numpy as np
import pytest

from hoops import court
from hoops.homography import project, solve, solve_exact

CAMERA = np.array([[0.031, 0.004, -3.1], [-0.002, 0.043, -2.4], [0.0, 0.0007, 1.0]])


def seen(floor: np.ndarray) -> np.ndarray:
    return project(np.linalg.inv(CAMERA), floor)


def test_four_corners_give_the_camera_back():
    floor = court.corners()
    assert np.allclose(solve_exact(seen(floor), floor), CAMERA, atol=1e-6)


def test_wrong_points_are_left_out():
    floor = np.random.default_rng(1).uniform((0, 0), (28, 15), size=(40, 2))
    image = seen(floor)
    image[:9] += 120
    fit = solve(image, floor)
    assert not fit.inliers[:9].any()
    assert fit.inliers[9:].all()
    assert fit.error_m < 1e-6


def test_three_points_are_too_few():
    with pytest.raises(ValueError, match="needs 4 points"):
        solve_exact(np.zeros((3, 2)), np.zeros((3, 2)))


@pytest.mark.parametrize("name", ["nba", "fiba"])
def test_hoops_are_on_the_floor(name):
    assert court.inside(court.hoops(name), name).all()
