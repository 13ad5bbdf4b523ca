"""The court from above, as a picture."""

import cv2
import numpy as np
from supervision import Color

from hoops import court as geometry

PIXELS_PER_METRE = 30
FLOOR = Color.from_hex("#dcb478").as_bgr()
LINE = Color.WHITE.as_bgr()
PLAYER = Color.from_hex("#dc2828").as_bgr()


def picture(points: np.ndarray, court: str = "nba") -> np.ndarray:
    """A top view with one disc per player; BGR, as OpenCV wants it."""
    width = round(geometry.LENGTH[court] * PIXELS_PER_METRE)
    height = round(geometry.WIDTH[court] * PIXELS_PER_METRE)
    image = np.full((height, width, 3), FLOOR, dtype=np.uint8)
    cv2.rectangle(image, (0, 0), (width - 1, height - 1), LINE, 2)
    cv2.line(image, (width // 2, 0), (width // 2, height - 1), LINE, 2)
    for place in geometry.hoops(court):
        cv2.circle(image, tuple(int(v) for v in place * PIXELS_PER_METRE), 8, LINE, 2)
    for point in np.asarray(points, dtype=float).reshape(-1, 2):
        cv2.circle(image, tuple(int(v) for v in point * PIXELS_PER_METRE), 10, PLAYER, -1)
    return image
