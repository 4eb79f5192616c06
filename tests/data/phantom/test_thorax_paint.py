import numpy as np

from hagan.data.phantom.thorax_paint import Canvas, Paint


def _canvas():
    return Canvas(np.full((4, 4, 4), -1000, np.float32), np.zeros((4, 4, 4), np.float32))


def test_paint_mixes_by_share_in_a_box():
    canvas = _canvas()
    box = (slice(0, 2), slice(1, 3), slice(0, 4))
    canvas.paint(Paint(box, np.full((2, 2, 4), 0.25, np.float32), 200.0, bone=True))
    assert (canvas.hu[box] == -700).all()
    assert (canvas.bone[box] == 0.25).all()
    assert canvas.hu.sum() == -700 * 16 - 1000 * 48


def test_paint_takes_flat_voxels_and_later_paint_covers_bone():
    canvas = _canvas()
    where = np.array([0, 5, 63])
    canvas.paint(Paint(where, np.ones(3, np.float32), np.float32([1, 2, 3]), bone=True))
    assert canvas.hu.reshape(-1)[where].tolist() == [1, 2, 3]
    canvas.paint(Paint(where[:1], np.ones(1, np.float32), 28.0))
    assert canvas.bone.reshape(-1)[where].tolist() == [0, 1, 1]
