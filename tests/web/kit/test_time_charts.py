"""Charts over time: drawn to scale, with nothing where nothing is, and every figure in the table."""

from __future__ import annotations

from workwire.web.kit import time_charts
from workwire.web.kit.charts import Series
from workwire.web.kit.time_charts import BOTTOM, HEIGHT, TOP

SERIES = Series("Taken", "ok"), Series("Refused", "bad")


def test_columns_are_stacked_to_the_scale_of_the_highest() -> None:
    chart = time_charts.columns("x", SERIES, [("0:00", (3, 1)), ("1:00", (0, 0)), ("2:00", (2, 0))])
    first, above, last = chart.pieces
    whole = HEIGHT - BOTTOM - TOP
    assert (first.height, above.height) == (round(whole * 3 / 4, 1), round(whole / 4, 1))
    assert above.y + above.height == first.y
    assert (above.y, last.tone, chart.most) == (TOP, "ok", "4")
    assert [row.values for row in chart.rows] == [("3", "1"), ("0", "0"), ("2", "0")]


def test_a_chart_of_nothing_is_drawn_too() -> None:
    assert time_charts.columns("x", SERIES, [("0:00", (0, 0))]).pieces == ()
    empty = time_charts.lines("x", SERIES, [("0:00", (None, None))])
    assert [(line.paths, line.dots) for line in empty.lines] == [((), ()), ((), ())]
    assert empty.rows[0].values == ("–", "–")


def test_lines_are_broken_where_there_is_no_value() -> None:
    known = (1.0, "1 s"), (2.0, "2 s"), None, (4.0, "4 s")
    chart = time_charts.lines("x", SERIES[:1], [(str(at), (value,)) for at, value in enumerate(known)])
    (line,) = chart.lines
    assert [path.count(",") for path in line.paths] == [2]
    assert [y for _, y in line.dots] == [TOP]
    assert chart.most == "4 s"


def test_a_spark_shows_what_failed_above_what_went_well() -> None:
    nothing, half, all_ = time_charts.spark("x", [None]), time_charts.spark("x", [0.5]), time_charts.spark("x", [1.0])
    assert nothing.paths == (("none", "M0 14h95v2h-95z"),)
    assert half.paths == (("bad", "M0 0h95v8h-95z"), ("ok", "M0 8h95v8h-95z"))
    assert all_.paths == (("ok", "M0 0h95v16h-95z"),)
    many = time_charts.spark("x", [None, None])
    assert many.paths == (("none", "M0 14h47v2h-47zM48 14h47v2h-47z"),)  # all of a tone at once
