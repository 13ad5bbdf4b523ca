import numpy as np

from hoops.track import Tracker


def test_crossing_players_keep_their_numbers():
    tracker = Tracker(gate_m=1.0)
    for t in np.linspace(0, 10, 80):
        numbers = tracker.step([[t, 5.0], [10 - t, 5.4]])
    assert numbers == [0, 1]


def test_a_lost_player_comes_back_within_patience():
    tracker = Tracker(gate_m=1.0, patience=3)
    assert tracker.step([[1, 1]]) == [0]
    tracker.step([])
    tracker.step([])
    assert tracker.step([[1.2, 1]]) == [0]


def test_after_patience_it_is_somebody_new():
    tracker = Tracker(gate_m=1.0, patience=1)
    tracker.step([[1, 1]])
    tracker.step([])
    tracker.step([])
    assert tracker.step([[1, 1]]) == [1]
