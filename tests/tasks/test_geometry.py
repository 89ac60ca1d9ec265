"""The exact clearance, held against shapely on random poses."""

import numpy as np
import pytest
import torch

from sim2real_tasks.avoidance import arena, geometry
from sim2real_tasks.robots.rover import BASE_HALF_LENGTH, BASE_HALF_WIDTH, TRACK, WHEEL_RADIUS

shapely = pytest.importorskip("shapely")
COUNT = len(arena.OBSTACLES)


def tensor(array):
    """Double precision, so that what is compared is the geometry."""
    return torch.from_numpy(np.asarray(array, np.float64))


def turn(points, pose):
    """Points (k, 2) of a frame at `pose` (x, y, yaw), in the world."""
    c, s = np.cos(pose[2]), np.sin(pose[2])
    return np.asarray(points) @ np.array([[c, s], [-s, c]]) + pose[:2]


def rectangle(pose, half_x, half_y):
    """A rectangle as a polygon."""
    corners = [(half_x, half_y), (-half_x, half_y), (-half_x, -half_y), (half_x, -half_y)]
    return shapely.Polygon(turn(corners, pose))


def footprint(pose):
    """The rover: its base, and its wheels as (centre, radius)."""
    wheels = [shapely.Point(p) for p in turn([(0, TRACK / 2), (0, -TRACK / 2)], pose)]
    return rectangle(pose, BASE_HALF_LENGTH, BASE_HALF_WIDTH), [(wheel, WHEEL_RADIUS) for wheel in wheels]


def distance(pose, obstacle, at):
    """Distance of the footprint to one obstacle; discs are exact, being points with a radius; below 0: overlap."""
    base, wheels = footprint(pose)
    if obstacle.kind == "cylinder":
        shape, radius = shapely.Point(at[:2]), obstacle.half_x
    else:
        shape, radius = rectangle(at, obstacle.half_x, obstacle.half_y), 0.0
    return min(base.distance(shape) - radius, *(w.distance(shape) - r - radius for w, r in wheels))


def random_scenes(count, seed, spread=0.8):
    """Rover poses (n, 3) and obstacle poses (n, 12, 3) around them."""
    rng = np.random.default_rng(seed)
    pose = np.concatenate((rng.uniform(-3, 3, (count, 2)), rng.uniform(-4, 4, (count, 1))), 1)
    away = np.concatenate((rng.uniform(-spread, spread, (count, COUNT, 2)), rng.uniform(-7, 7, (count, COUNT, 1))), -1)
    away[..., :2] += pose[:, None, :2]
    return pose, away


def test_clearance_is_shapelys_distance():
    """Disjoint: equal to 1e-6 for every obstacle. Overlapping: negative, or nothing where they just touch."""
    pose, obstacles = random_scenes(250, 1)
    found = geometry.obstacle_clearance(tensor(pose), tensor(obstacles)).numpy()
    wanted = np.array(
        [[distance(pose[i], o, obstacles[i, k]) for k, o in enumerate(arena.OBSTACLES)] for i in range(len(pose))]
    )
    apart = wanted > 1e-9
    assert apart.sum() > 500 and (~apart).sum() > 500
    np.testing.assert_allclose(found[apart], wanted[apart], atol=1e-6)
    assert (found[~apart] < 1e-6).all()


def test_depth_of_an_overlap_grows():
    """Moving a box into the rover from the front makes the clearance fall by as much as it moves, through 0."""
    gaps = np.array([0.1, 0.01, 0.0, -0.01, -0.05])
    poses = np.zeros((5, COUNT, 3)) + np.array([50.0, 0, 0])
    poses[:, 0, 0] = BASE_HALF_LENGTH + arena.OBSTACLES[0].half_x + gaps
    found = geometry.obstacle_clearance(torch.zeros(5, 3, dtype=torch.float64), tensor(poses))[:, 0]
    np.testing.assert_allclose(found, gaps, atol=1e-12)


def test_wall_clearance_is_shapelys_distance():
    """The two sides and the back; the far end is open."""
    rng = np.random.default_rng(2)
    pose = np.stack((rng.uniform(0, arena.LENGTH, 300), rng.uniform(-1.75, 1.75, 300), rng.uniform(-4, 4, 300)), -1)
    far, back, side = 99.0, arena.ENTRANCE_X, arena.WIDTH / 2
    walls = [
        shapely.LineString([(back, side), (far, side)]),
        shapely.LineString([(back, -side), (far, -side)]),
        shapely.LineString([(back, -side), (back, side)]),
    ]
    found = geometry.wall_clearance(tensor(pose)).numpy()
    for i, row in enumerate(pose):
        base, wheels = footprint(row)
        wanted = min(min(base.distance(w), *(c.distance(w) - r for c, r in wheels)) for w in walls)
        assert found[i] == pytest.approx(wanted, abs=1e-6)
    outside = np.array([[3.0, 1.95, 0.0], [3.0, -2.5, 0.0], [-0.5, 0.0, 0.0]])
    assert (geometry.wall_clearance(tensor(outside)) < 0).all()


def test_clearance_is_the_nearest_of_everything():
    """One number a row: walls or obstacles, whichever is nearer."""
    pose, obstacles = random_scenes(100, 3)
    pose[:, 1] /= 2
    p, o = tensor(pose), tensor(obstacles)
    nearest = torch.minimum(geometry.obstacle_clearance(p, o).amin(1), geometry.wall_clearance(p))
    assert torch.equal(geometry.clearance(p, o), nearest)
    walls = geometry.wall_clearance(p) < geometry.obstacle_clearance(p, o).amin(1)
    assert walls.any() and not walls.all()


def test_moving_and_turning_the_whole_scene_changes_nothing():
    """Clearance to obstacles belongs to the pair; whole turns of any yaw do not matter either."""
    pose, obstacles = random_scenes(50, 4)
    before = geometry.obstacle_clearance(tensor(pose), tensor(obstacles))
    angle, shift = 0.7, np.array([3.0, -2.0])
    for thing in (pose, obstacles):
        c, s = np.cos(angle), np.sin(angle)
        thing[..., :2] = thing[..., :2] @ np.array([[c, s], [-s, c]]) + shift
        thing[..., 2] += angle + 2 * np.pi
    after = geometry.obstacle_clearance(tensor(pose), tensor(obstacles))
    torch.testing.assert_close(after, before, atol=1e-9, rtol=0)


def test_single_precision_is_good_to_a_tenth_of_a_millimetre():
    """What the environment computes in float32 equals the double precision."""
    pose, obstacles = random_scenes(100, 5)
    double = geometry.obstacle_clearance(tensor(pose), tensor(obstacles))
    single = geometry.obstacle_clearance(tensor(pose).float(), tensor(obstacles).float())
    assert single.dtype == torch.float32
    torch.testing.assert_close(single.double(), double, atol=1e-4, rtol=0)


def test_swept_clearance_sees_a_graze_between_two_poses():
    """Both ends are clear and the middle touches: the sweep says so, the ends alone do not."""
    obstacles = np.zeros((1, COUNT, 3)) + np.array([50.0, 0, 0])
    obstacles[0, 1] = (4.0, 0.35, 0.0)  # a cylinder of 0.2 m beside the way: a wheel meets it at x = 4
    before, after = tensor([[3.7, 0.0, 0.0]]), tensor([[4.3, 0.0, 0.0]])
    assert geometry.clearance(before, tensor(obstacles)) > 0.05
    assert geometry.clearance(after, tensor(obstacles)) > 0.05
    assert geometry.swept_clearance(before, after, tensor(obstacles)) == pytest.approx(0.35 - 0.22 - 0.2, abs=1e-6)


def test_swept_clearance_of_a_tick_is_close_to_the_dense_sweep():
    """Over what a rover does in a tenth of a second, four poses miss at most 11 mm of the true minimum, and never
    invent one.
    """
    pose, obstacles = random_scenes(60, 6)
    rng = np.random.default_rng(7)
    forward, turning = rng.uniform(0, 0.06, 60), rng.uniform(-0.12, 0.12, 60)
    after = pose + np.stack((forward * np.cos(pose[:, 2]), forward * np.sin(pose[:, 2]), turning), -1)
    p, a, o = tensor(pose), tensor(after), tensor(obstacles)
    dense = torch.stack([geometry.clearance(p + (a - p) * t, o) for t in np.linspace(0, 1, 101)]).amin(0)
    surplus = geometry.swept_clearance(p, a, o) - dense
    assert (surplus >= -1e-12).all()
    # Half a sample's drive and turn at the hull: the first quarter of the way counts from the tick before.
    started_clear = geometry.clearance(p, o) > dense + 1e-9
    assert (surplus[started_clear] <= (0.06 + 0.12 * 0.22) / 4 / 2 + 1e-9).all()
    assert (surplus <= (0.06 + 0.12 * 0.22) / 4 + 1e-9).all()


def test_swept_clearance_turns_the_short_way():
    """From 179 to -179 degrees the rover turns by two, not through everything."""
    obstacles = np.zeros((1, COUNT, 3)) + np.array([50.0, 0, 0])
    obstacles[0, 1] = (4.0, 0.43, 0.0)  # only a rover turned across would come closer
    before, after = tensor([[4.0, 0.0, np.pi - 0.02]]), tensor([[4.0, 0.0, -np.pi + 0.02]])
    ends = min(geometry.clearance(before, tensor(obstacles)), geometry.clearance(after, tensor(obstacles)))
    assert geometry.swept_clearance(before, after, tensor(obstacles)) == pytest.approx(float(ends), abs=1e-3)
    torch.testing.assert_close(
        geometry.swept_clearance(before, after + tensor([[0, 0, 2 * np.pi]]), tensor(obstacles)),
        geometry.swept_clearance(before, after, tensor(obstacles)),
    )
