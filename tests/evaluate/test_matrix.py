"""The matrix: complete, resumable, and paired where two cells differ in one thing alone."""

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from sim2real.evaluate.episodes import EpisodeResult, EvaluationError
from sim2real.evaluate.matrix import Matrix


def drive(matrix, cell, scenes, fails=()):
    """Fill in made-up episodes of a cell."""
    table = matrix.open(cell)
    table.append(
        [
            EpisodeResult(
                scene=scene,
                outcome="collision" if scene in fails else "success",
                time_s=10.0,
                distance_m=8.0,
                min_clearance_m=0.1,
                path=[(0, 0, 0)],
                engine=cell.engine_test,
                policy=cell.policy,
                spec_digest=cell.ranges,
                seed=7,
            )
            for scene in scenes
        ]
    )


def test_plan_holds_every_combination_once(tmp_path):
    """Two directions, two ranges, two precisions, two trainings: sixteen cells with sixteen files."""
    matrix = Matrix(tmp_path, scenes=range(5))
    plan = matrix.plan()
    assert len(plan) == 16
    assert len({matrix.path(job.cell) for job in plan}) == 16
    assert all(job.scenes == (0, 1, 2, 3, 4) for job in plan)
    assert all(job.cell.engine_train != job.cell.engine_test for job in plan)
    assert len({job.cell.policy for job in plan}) == 8


@settings(max_examples=25, deadline=None)
@given(data=st.data())
def test_a_stopped_matrix_goes_on_with_what_is_missing(tmp_path_factory, data):
    """Whatever was driven before a stop, in any order, the missing jobs complete it and drive nothing twice."""
    folder = tmp_path_factory.mktemp("matrix")
    matrix = Matrix(folder, scenes=range(4), ranges=["inside"], trainings=["randomized"])
    for cell in matrix.cells:
        drive(matrix, cell, data.draw(st.lists(st.integers(0, 3), unique=True)))
    again = Matrix(folder, scenes=range(4), ranges=["inside"], trainings=["randomized"])
    for job in again.missing():
        drive(again, job.cell, job.scenes)  # an episode that exists already would be refused
    assert again.missing() == []
    assert all(entry["complete"] and entry["episodes"] == 4 for entry in again.table()["cells"])


def test_table_pairs_int8_with_its_float_twin(tmp_path):
    """The difference counts the scenes that both drove; cells without a twin or without episodes say None."""
    matrix = Matrix(tmp_path, scenes=range(10), ranges=["inside"], trainings=["randomized"])
    floating, quantized, other = matrix.cells[:3]
    assert (floating.precision, quantized.precision) == ("float", "int8")
    drive(matrix, floating, range(10), fails=[3])
    drive(matrix, quantized, range(8), fails=[3, 4])
    cells = {entry["engine_train"] + entry["precision"]: entry for entry in matrix.table()["cells"]}
    seen = cells["newton_mjwarpint8"]
    assert seen["int8_minus_float"]["value"] == pytest.approx(-1 / 8)
    assert seen["int8_minus_float"]["scenes"] == 8
    assert (seen["success_rate"], seen["episodes"], seen["complete"]) == (0.75, 8, False)
    assert cells["ovphysxfloat"]["success_rate"] is None and cells["ovphysxfloat"]["ci95"] is None
    assert cells["ovphysxint8"]["int8_minus_float"] is None
    assert other.engine_train == "ovphysx"
    json.dumps(matrix.table(), allow_nan=False)


def test_only_the_scenes_of_the_matrix_count(tmp_path):
    """A table that holds more scenes than asked for is summarized over the ones asked for."""
    many = Matrix(tmp_path, scenes=range(10))
    drive(many, many.cells[0], range(10), fails=range(5, 10))
    few = Matrix(tmp_path, scenes=range(5))
    assert few.table()["cells"][0]["success_rate"] == 1.0
    assert few.table()["cells"][0]["episodes"] == 5


def test_a_cell_of_another_policy_is_refused(tmp_path):
    """A policy that was trained again does not continue the old one's cell."""
    matrix = Matrix(tmp_path, scenes=range(5))
    drive(matrix, matrix.cells[0], [0])
    with pytest.raises(EvaluationError, match="policy_digest"):
        matrix.open(matrix.cells[0], policy_digest="retrained")


def test_renderings_say_not_run_and_so_far(tmp_path):
    """What was not run is never shown as a number, what is incomplete says so, and names are escaped."""
    matrix = Matrix(tmp_path, scenes=range(10), engines=["newton_mjwarp", "<script>"])
    assert matrix.markdown().count("not run") == 16
    drive(matrix, matrix.cells[0], range(10), fails=[1])
    drive(matrix, matrix.cells[1], range(4))
    markdown, page = matrix.markdown(), matrix.page("evaluate --matrix <x>")
    assert "**90.0 %** (59.6\u201398.2 %, n = 10)" in markdown
    assert "n = 4 so far)" in markdown
    assert markdown.count("not run") == 14
    rows = [line for line in markdown.splitlines() if line.startswith("|")]
    assert len({line.count("|") for line in rows}) == 1
    assert "90.0\u00a0%" in page and "4 so far" in page
    assert page.count("<script>") == 1 and "&lt;script&gt;" in page and "--matrix &lt;x&gt;" in page


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ({"ranges": ["beside"]}, "ranges are .'beside'.; allowed: one or more of inside, outside"),
        ({"precisions": []}, "precisions are"),
        ({"engines": ["ovphysx", "ovphysx"]}, "at least two different ones"),
    ],
)
def test_impossible_matrices_are_refused(tmp_path, wrong, message):
    """Errors say what came and what is allowed."""
    with pytest.raises(ValueError, match=message):
        Matrix(tmp_path, scenes=[0], **wrong)
