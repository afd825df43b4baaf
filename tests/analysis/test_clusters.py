"""Clusterings: the five kinds of anger, later calls, labels, other methods, no false structure."""

import lance
import numpy as np
import pyarrow as pa
import pytest
from click.testing import CliRunner
from conftest_analysis import rows_of
from sklearn.metrics import adjusted_rand_score

import e2vdb
from e2vdb.cli.app import cli
from e2vdb.clustering.fit import choose_k, find_clusters
from e2vdb.clustering.model import squared_distances
from e2vdb.errors import UsageError

ANGRY = "emotion = 'angry'"


def agreement(db: e2vdb.Database, name: str, truth: dict[str, str]) -> float:
    found = {
        row["utterance_id"]: row["cluster"]
        for row in rows_of(db, "FROM clusters WHERE name = $name", {"name": name})
    }
    assert set(truth) <= set(found)
    return adjusted_rand_score(list(truth.values()), [found[one] for one in truth])


@pytest.mark.parametrize(
    ("k", "options"),
    [(5, {}), ("auto", {}), (5, {"full": True}), (5, {"method": "gaussian"})],
)
def test_the_five_kinds_of_anger_are_found(own_db, planted, k, options) -> None:
    done = own_db.cluster("anger", k, where=ANGRY, **options)
    assert len(done.sizes) == 5
    assert list(done.sizes) == sorted(done.sizes, reverse=True)
    assert agreement(own_db, "anger", planted.truth["anger_kinds"]) >= 0.9


def test_hdbscan_finds_them_without_being_told_how_many(own_db, planted) -> None:
    own_db.cluster("dense", where=ANGRY, method="hdbscan")
    found = rows_of(own_db, "SELECT DISTINCT cluster FROM clusters WHERE name = 'dense'")
    assert len([row for row in found if row["cluster"] >= 0]) == 5
    assert agreement(own_db, "dense", planted.truth["anger_kinds"]) >= 0.9


def test_auto_says_why_and_admits_that_there_is_nothing(own_db) -> None:
    assert "k = 5 has the best silhouette" in own_db.cluster("anger", where=ANGRY).why
    noise = np.random.default_rng(0).standard_normal((400, 30)).astype(np.float32)
    assert "hardly form clusters" in choose_k(noise, seed=42)[1]


def test_running_again_replaces_in_one_commit_and_forgets_no_other(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    own_db.cluster("all", 3)
    table = own_db.address.table("clusters")
    before = lance.dataset(table).version
    own_db.cluster("anger", 2, where=ANGRY)
    assert lance.dataset(table).version == before + 1
    counts = {
        row["name"]: row["k"]
        for row in rows_of(
            own_db, "SELECT name, count(DISTINCT cluster) AS k FROM clusters GROUP BY name"
        )
    }
    assert counts == {"anger": 2, "all": 3}
    fitted = rows_of(own_db, "SELECT name, count(*) AS k FROM cluster_centroids GROUP BY name")
    assert {row["name"]: row["k"] for row in fitted} == counts


def test_e2v_cluster_agrees_with_what_is_stored(own_db) -> None:
    for options in ({}, {"full": True}, {"method": "gaussian"}, {"method": "hdbscan"}):
        own_db.cluster("anger", 5, where=ANGRY, **options)
        wrong = rows_of(
            own_db,
            "SELECT count(*) AS n FROM utterances JOIN clusters USING (utterance_id) "
            "WHERE name = 'anger' AND cluster >= 0 AND e2v_cluster(embedding, 'anger') <> cluster",
        )
        assert wrong == [{"n": 0}], options


def test_later_calls_join_and_changed_calls_move(own_db, planted, tmp_path) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    of = {row["utterance_id"]: row["cluster"] for row in rows_of(own_db, "FROM clusters")}
    kinds = planted.truth["anger_kinds"]
    one, other = next((a, b) for a in kinds for b in kinds if kinds[a] != kinds[b])
    root = tmp_path / "later"
    write_copy(planted.folder / "outputs" / one, root / "outputs_20250101_090000")
    own_db.ingest(root)
    found = {row["utterance_id"]: row["cluster"] for row in rows_of(own_db, "FROM clusters")}
    new = set(found) - set(of)
    assert {found[name] for name in new} == {of[one]}
    assert len(new) == 1
    write_copy(planted.folder / "outputs" / other, root / "outputs_20250101_090000")
    own_db.ingest(root)
    found = {row["utterance_id"]: row["cluster"] for row in rows_of(own_db, "FROM clusters")}
    assert {found[name] for name in new} == {of[other]}
    assert {name: found[name] for name in of} == of


def write_copy(source, target) -> None:
    target.mkdir(parents=True, exist_ok=True)
    for file in source.iterdir():
        (target / file.name).write_bytes(file.read_bytes())


def test_a_clustering_outlives_a_refit_of_the_distiller(own_db, planted) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    own_db.distill(0.9)
    wrong = rows_of(
        own_db,
        "SELECT count(*) AS n FROM utterances JOIN clusters USING (utterance_id) "
        "WHERE e2v_cluster(embedding, name) <> cluster",
    )
    assert wrong == [{"n": 0}]


def test_labels_stay_with_later_calls_and_profiles(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    own_db.label_cluster("anger", 2, "tired")
    profiles = rows_of(own_db, "FROM cluster_profiles('anger')")
    assert [row["label"] for row in profiles] == [None, None, "tired", None, None]
    labelled = rows_of(own_db, "SELECT count(*) AS n FROM clusters WHERE label = 'tired'")
    assert labelled == [{"n": profiles[2]["size"]}]
    with pytest.raises(UsageError, match="has the clusters 0 to 4, not 7"):
        own_db.label_cluster("anger", 7, "x")


def test_profiles_are_those_of_numpy(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    rows = own_db.sql(
        "SELECT c.cluster, c.distance, u.distilled, u.angry, calls.agent FROM clusters c "
        "JOIN utterances u USING (utterance_id) JOIN calls USING (utterance_id)"
    ).df()
    points = np.stack(rows["distilled"].to_list())
    centres = np.stack([points[rows["cluster"] == one].mean(axis=0) for one in range(5)])
    own = np.sqrt(squared_distances(points, centres)[np.arange(len(points)), rows["cluster"]])
    np.testing.assert_allclose(rows["distance"], own, atol=1e-4)
    for row in rows_of(own_db, "FROM cluster_profiles('anger')"):
        here = rows["cluster"] == row["cluster"]
        assert row["size"] == here.sum()
        assert row["share"] == pytest.approx(here.mean())
        assert row["angry_score"] == pytest.approx(rows["angry"][here].mean(), rel=1e-5)
        assert row["cohesion"] == pytest.approx(own[here].mean(), rel=1e-3)
        others = np.delete(np.arange(5), row["cluster"])
        apart = np.linalg.norm(centres[others] - centres[row["cluster"]], axis=1).min()
        assert row["separation"] == pytest.approx(apart, rel=1e-3)
        top = row["top_agents"][0]
        share = (rows["agent"][here] == top["agent"]).sum() / rows["agent"][here].notna().sum()
        overall = (rows["agent"] == top["agent"]).sum() / rows["agent"].notna().sum()
        assert top["lift"] == pytest.approx(share / overall, abs=0.006)
        assert len(row["typical_calls"]) == 3


def test_agents_and_drift_add_up(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    agents = own_db.sql("FROM agent_clusters('anger')").df()
    np.testing.assert_allclose(agents.groupby("agent")["share"].sum(), 1)
    weeks = own_db.sql("FROM cluster_drift('anger')").df()
    assert len(weeks) == 26 * 5
    assert weeks["calls"].sum() == rows_of(own_db, "SELECT count(*) AS n FROM clusters")[0]["n"]
    worst = rows_of(own_db, "FROM agent_health()")[0]
    mine = agents[agents["agent"] == worst["agent"]]
    assert worst["dominant_cluster"] == str(mine.loc[mine["calls"].idxmax(), "cluster"])


def test_nothing_is_pickled_and_any_client_reads_it(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    schema = lance.dataset(own_db.address.table("cluster_centroids")).schema
    assert not [field for field in schema if pa.types.is_binary(field.type)]
    assert schema.field("centroid").type == pa.list_(pa.float32(), 1024)


def test_a_map_has_a_point_a_call(own_db) -> None:
    own_db.cluster("anger", 5, where=ANGRY)
    assert own_db.map("anger", method="pca").calls == 391
    assert own_db.map("anger", method="pca").calls == 391
    shown = rows_of(own_db, "SELECT count(*) AS n, count(DISTINCT utterance_id) AS ids, "
                    "var_pop(x) > var_pop(y) AS first_is_wider FROM emotion_map")  # fmt: skip
    assert shown == [{"n": 391, "ids": 391, "first_is_wider": True}]


@pytest.mark.parametrize(
    ("points", "method", "k", "said"),
    [
        (3, "kmeans", 5, "3 calls with vectors cannot make 5 clusters"),
        (10, "kmeans", 0, "k must be a number"),
        (10, "ward", 2, "method must be one of kmeans"),
        (40, "hdbscan", 2, "hdbscan finds no group"),
    ],
)
def test_what_cannot_be_clustered_is_told(points, method, k, said) -> None:
    drawn = np.random.default_rng(0).standard_normal((points, 40)).astype(np.float32)
    with pytest.raises(UsageError, match=said):
        find_clusters(drawn, method, k, seed=0)


def test_the_command_line_clusters_labels_lists_maps_and_removes(own_db) -> None:
    def run(*arguments: str) -> str:
        result = CliRunner().invoke(cli, ["--db", own_db.address.uri, *arguments])
        assert result.exit_code == 0, result.output
        return result.output

    said = run("cluster", "--k", "5", "--name", "anger", "--where", ANGRY)
    assert "391 calls in 5 clusters" in said
    run("cluster", "label", "anger", "2", "tired")
    run("map", "--name", "anger", "--method", "pca")
    run("cluster", "remove", "anger")
    assert rows_of(own_db, "FROM clusters") == []
    result = CliRunner().invoke(
        cli, ["--db", own_db.address.uri, "cluster", "--name", "x", "--where", "nonsense = 1"]
    )
    assert "nonsense" in str(result.exception)
