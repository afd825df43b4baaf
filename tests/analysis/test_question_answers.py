"""Every example question runs on the demo and finds something to say."""

from importlib.resources import files

import pytest
from conftest_analysis import rows_of
from test_frames_and_head import head_file  # noqa: F401 - a fixture

from e2vdb.query.catalog import functions
from e2vdb.query.definitions import QUESTION, definitions, read_sql

QUESTIONS = sorted(
    path.name.removesuffix(".sql")
    for path in files("e2vdb.sql").iterdir()
    if path.name.startswith(QUESTION)
)


@pytest.fixture(scope="module")
def equipped(planted, tmp_path_factory, head_file):  # noqa: F811
    import shutil

    import e2vdb

    folder = tmp_path_factory.mktemp("questions") / "q.lancedb"
    shutil.copytree(planted.uri, folder)
    with e2vdb.connect(folder) as db:
        db.cluster("anger", 5, where="emotion = 'angry'")
        db.import_head(head_file)
        yield db


@pytest.mark.parametrize("question", QUESTIONS)
def test_a_question_has_an_answer(equipped, question) -> None:
    text = read_sql(question)
    assert text.startswith("-- ")
    assert "?" in text.splitlines()[0]
    assert rows_of(equipped, text)


def test_every_macro_begins_with_a_sentence_about_it() -> None:
    for name in definitions():
        assert read_sql(name).startswith("-- "), name
    assert {"agent_health", "e2v_cluster", "trend_by"} <= {name for name, _ in functions()}
