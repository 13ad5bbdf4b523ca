"""Image points to court plane: normalised direct linear transform with RANSAC."""

from dataclasses import dataclass

import numpy as np


@dataclass(frozen=True)
class Fit:
    """A homography and the correspondences that agree with it."""

    matrix: np.ndarray
    inliers: np.ndarray
    error_m: float


def project(matrix: np.ndarray, points: np.ndarray) -> np.ndarray:
    """Points through a homography; a row of inputs gives a row of outputs."""
    points = np.asarray(points, dtype=float)
    homogeneous = np.c_[points, np.ones(len(points))] @ matrix.T
    return homogeneous[:, :2] / homogeneous[:, 2:]


def _normaliser(points: np.ndarray) -> np.ndarray:
    centre = points.mean(axis=0)
    spread = np.linalg.norm(points - centre, axis=1).mean()
    scale = np.sqrt(2) / max(spread, 1e-12)
    return np.array([[scale, 0, -scale * centre[0]], [0, scale, -scale * centre[1]], [0, 0, 1]])


def solve_exact(image: np.ndarray, court: np.ndarray) -> np.ndarray:
    """Least-squares homography from at least four correspondences."""
    if len(image) < 4:
        raise ValueError(f"a homography needs 4 points, got {len(image)}")
    from_image, from_court = _normaliser(image), _normaliser(court)
    source, target = project(from_image, image), project(from_court, court)
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows.append([-x, -y, -1, 0, 0, 0, u * x, u * y, u])
        rows.append([0, 0, 0, -x, -y, -1, v * x, v * y, v])
    matrix = np.linalg.svd(np.array(rows))[2][-1].reshape(3, 3)
    matrix = np.linalg.inv(from_court) @ matrix @ from_image
    return matrix / matrix[2, 2]


def solve(
    image: np.ndarray,
    court: np.ndarray,
    threshold_m: float = 0.25,
    rounds: int = 200,
    seed: int = 7,
) -> Fit:
    """A homography that most correspondences agree with; wrong ones are left out."""
    image, court = np.asarray(image, dtype=float), np.asarray(court, dtype=float)
    random = np.random.default_rng(seed)
    best = np.zeros(len(image), dtype=bool)
    for _ in range(rounds):
        pick = random.choice(len(image), size=4, replace=False)
        try:
            candidate = solve_exact(image[pick], court[pick])
        except np.linalg.LinAlgError:
            continue
        with np.errstate(divide="ignore", invalid="ignore"):
            distance = np.linalg.norm(project(candidate, image) - court, axis=1)
        agree = distance < threshold_m
        if agree.sum() > best.sum():
            best = agree
    if best.sum() < 4:
        raise ValueError("no homography that four points agree with")
    matrix = solve_exact(image[best], court[best])
    error = np.linalg.norm(project(matrix, image[best]) - court[best], axis=1).mean()
    return Fit(matrix, best, float(error))
