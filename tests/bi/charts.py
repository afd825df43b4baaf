"""Three charts in Superset on the published tables."""

from typing import Any

from superset import Superset

SHARE = {
    "expressionType": "SQL",
    "sqlExpression": "avg(CAST(negative AS INTEGER))",
    "label": "negative",
}
CALLS = {"expressionType": "SQL", "sqlExpression": "count(*)", "label": "calls"}
WEEK = {
    "columnType": "BASE_AXIS",
    "expressionType": "SQL",
    "sqlExpression": "at_local",
    "label": "at_local",
    "timeGrain": "P1W",
}


def weekly_trend(superset: Superset, calls: int) -> int:
    form = {
        "datasource": f"{calls}__table",
        "x_axis": "at_local",
        "time_grain_sqla": "P1W",
        "metrics": [SHARE],
        "y_axis_format": ".0%",
        "rich_tooltip": True,
        "truncateYAxis": True,
        "y_axis_bounds": [0, 1],
        "row_limit": 1000,
    }
    query = {
        "columns": [WEEK],
        "metrics": [CALLS, SHARE],
        "filters": [{"col": "at_local", "op": "IS NOT NULL"}],
        "extras": {"time_grain_sqla": "P1W"},
        "row_limit": 1000,
    }
    return superset.add_chart(
        "Negative share by week", "echarts_timeseries_line", calls, form, query
    )


def agents_by_negative_share(superset: Superset, calls: int) -> int:
    form = {
        "datasource": f"{calls}__table",
        "query_mode": "aggregate",
        "x_axis": "agent",
        "metrics": [SHARE],
        "orientation": "horizontal",
        "x_axis_sort": "negative",
        "x_axis_sort_asc": True,
        "y_axis_format": ".0%",
        "row_limit": 100,
        "adhoc_filters": [_filter("agent IS NOT NULL")],
    }
    query = {
        "columns": ["agent"],
        "metrics": [CALLS, SHARE],
        "orderby": [[SHARE, False], ["agent", True]],
        "filters": [{"col": "agent", "op": "IS NOT NULL"}],
        "row_limit": 100,
    }
    return superset.add_chart(
        "Negative share by agent", "echarts_timeseries_bar", calls, form, query
    )


def cluster_shares(superset: Superset, clusters: int) -> int:
    form = {
        "datasource": f"{clusters}__table",
        "groupby": ["cluster"],
        "metric": CALLS,
        "number_format": "SMART_NUMBER",
        "label_type": "key_percent",
        "row_limit": 100,
        "adhoc_filters": [_filter("name = 'all'")],
    }
    query = {
        "columns": ["cluster"],
        "metrics": [CALLS],
        "filters": [{"col": "name", "op": "==", "val": "all"}],
        "orderby": [["cluster", True]],
        "row_limit": 100,
    }
    return superset.add_chart("Calls by cluster", "pie", clusters, form, query)


def _filter(where: str) -> dict[str, Any]:
    return {"expressionType": "SQL", "clause": "WHERE", "sqlExpression": where}
