"""The views, macros and example questions of `sql/`, in an order in which they can be made."""

import re
from functools import cache
from importlib.resources import files

RELATIONS = {
    "utterances": "one row an output directory, with its vectors and the raw result",
    "calls": "what most people query: utterances without vectors, joined with metadata",
    "frames": "one row a frame of 20 ms",
    "metadata": "what your files say of each call",
    "rejects": "directories that are no row, and why",
    "neighbors": "each call's nearest calls, made by `e2vdb neighbors`",
    "reference_sets": "named lists of calls to compare others with",
    "alignments": "linear maps from voice to another space",
    "text_vectors": "what was said, as vectors of an alignment's space",
    "distillers": "fitted PCA models behind `distilled`",
    "settings": "limits set with `e2vdb config`",
    "events": "launches, trainings and whatever else may move feelings",
    "clusters": "which cluster each call is in, by clustering",
    "cluster_centroids": "the fitted clusters, with their labels",
    "emotion_map": "two-dimensional coordinates of calls, for plots",
    "heads": "imported classifier heads",
    "alerts": "what `e2vdb watch` raised, sent or not",
}

STATEMENT = "statement"
QUESTION = "question_"
"""Files of `sql/` that begin so are example questions, not definitions."""


def definitions() -> list[str]:
    """Return the names of the view and macro files, each after those that it refers to."""
    names = sorted(name for name in _names() if not name.startswith(QUESTION))
    ordered = [STATEMENT, *RELATIONS]
    for name in names:
        _add_after_its_needs(name, names, ordered)
    return ordered


def _add_after_its_needs(name: str, names: list[str], ordered: list[str]) -> None:
    """Append a definition, first those it calls: DuckDB looks them up when it is made."""
    if name in ordered:
        return
    words = set(re.findall(r"\w+(?=\()", read_sql(name))) - {name}
    for needed in sorted(words.intersection(names)):
        _add_after_its_needs(needed, names, ordered)
    ordered.append(name)


@cache
def read_sql(name: str) -> str:
    """Return the text of one file of `sql/`."""
    return files("e2vdb.sql").joinpath(f"{name}.sql").read_text(encoding="utf-8")


def questions() -> list[str]:
    """Return the names of the example questions."""
    return sorted(name for name in _names() if name.startswith(QUESTION))


def _names() -> list[str]:
    paths = files("e2vdb.sql").iterdir()
    return [path.name.removesuffix(".sql") for path in paths if path.name.endswith(".sql")]
