import numpy as np

from hagan.data.phantom.thorax_cohort import draw_thorax
from hagan.data.phantom.thorax_frame import place
from hagan.data.phantom.thorax_lobes import build_lobes
from hagan.data.phantom.thorax_shape import solve_chest


def test_two_lobes_on_the_left_three_on_the_right():
    for number in range(4):
        subject = draw_thorax(1, number)
        frame = place(subject, 48)
        chest = solve_chest(subject, frame)
        lobes = build_lobes(subject, frame, chest)
        inside = chest.lung < 0
        right = np.bincount(lobes.label[inside & (frame.x < 0)], minlength=3)
        left = np.bincount(lobes.label[inside & (frame.x > 0)], minlength=3)
        assert (right > 0.03 * right.sum()).all()
        assert left[2] == 0
        assert (left[:2] > 0.25 * left.sum()).all()
        lower, upper = (inside & (lobes.label == label) for label in (0, 1))
        assert frame.z[lower].mean() < frame.z[upper].mean()
        assert frame.y[lower].mean() > frame.y[upper].mean()
