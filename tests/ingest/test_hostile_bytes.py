"""Mutated bytes: a reader returns a right value or raises Unusable with a known code, ever."""

import io
import json
import warnings

import numpy as np
from build import frame_list, npy_bytes, result_document, vector
from hypothesis import example, given, settings
from hypothesis import strategies as st

from e2vdb.ingest.labels import EMOTIONS
from e2vdb.ingest.npy import parse_header, read_vector
from e2vdb.ingest.rejects import CODES, Unusable
from e2vdb.ingest.results import Result, read_result

ARRAYS = [
    npy_bytes(vector(dimension=8)),
    npy_bytes(vector(dimension=8).reshape(1, 8).astype(">f8")),
    npy_bytes(np.asfortranarray(vector(dimension=8).reshape(4, 2), np.float16)),
    npy_bytes(np.array(["a", {}], object), allow_pickle=True),
    npy_bytes(np.zeros(3, [("a", "f4"), ("b", "i2")])),
]
DOCUMENTS = [
    json.dumps(document, ensure_ascii=False).encode(encoding)
    for document, encoding in [
        (result_document(), "utf-8"),
        (result_document("难过", confidence="85.3%"), "gbk"),
        (
            [{"key": "a", "labels": ["生气/angry", "<unk>"], "scores": [0.25, 75], "feats": []}],
            "utf-8",
        ),
        ({"top_emotion": "sad", "emotions": [{"label": "😊 快乐", "score": 1e-7}]}, "utf-8-sig"),
        ({"granularity": "frame", "frames": frame_list("happy", "angry")}, "utf-8"),
    ]
]


@st.composite
def mutated(draw: st.DrawFn, originals: list[bytes]) -> bytes:
    """One of these, with some bytes replaced, inserted, dropped or cut off."""
    data = bytearray(draw(st.sampled_from(originals)))
    for _ in range(draw(st.integers(0, 4))):
        at = draw(st.integers(0, max(len(data) - 1, 0)))
        new = draw(
            st.binary(max_size=3)
            | st.sampled_from(
                [b"9" * 30, b"0x", b"[", b"{", b'"', b"-", b"(", b"True", b"null", b"1e308"]
            )
        )
        data[at : at + draw(st.integers(0, 3))] = new
    return bytes(data[: draw(st.none() | st.integers(0, len(data)))])


@settings(max_examples=600, deadline=None)
@given(
    mutated(ARRAYS)
    | st.binary(max_size=200)
    | st.binary(max_size=60).map(lambda b: b"\x93NUMPY\x01\x00" + b)
)
@example(b"\x93NUMPY\x02\x00\xff\xff\xff\xff")
def test_npy(data):
    try:
        header = parse_header(data, "x.npy")
        values = read_vector(data, header, "x.npy") if header.is_vector else None
    except Unusable as error:
        assert error.code in CODES
        assert error.path == "x.npy"
        assert error.detail
        return
    if values is not None:
        with warnings.catch_warnings(), np.errstate(all="ignore"):
            warnings.simplefilter("ignore")
            expected = np.load(io.BytesIO(data), allow_pickle=False)
            expected = expected.reshape(-1).astype(np.float32)
        np.testing.assert_array_equal(values, expected)


@settings(max_examples=300, deadline=None)
@given(mutated(ARRAYS))
def test_npy_that_numpy_reads_as_one_float_vector_is_never_refused(data):
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            expected = np.load(io.BytesIO(data), allow_pickle=False)
    except Exception:
        return
    if not isinstance(expected, np.ndarray) or expected.dtype.kind != "f" or expected.itemsize > 8:
        return
    if (expected.ndim == 1 and expected.size) or (
        expected.ndim == 2 and len(expected) == 1 and expected.size
    ):
        header = parse_header(data, "x.npy")
        assert read_vector(data, header, "x.npy").size == expected.size


def check(result: Result) -> None:
    assert isinstance(result.text, str)
    assert result.emotion is None or result.emotion in EMOTIONS
    assert result.emotion_raw is None or isinstance(result.emotion_raw, str)
    for share in (result.confidence, *result.scores, *(s for f in result.frames for s in f.scores)):
        assert share is None or 0.0 <= share <= 1.0
    for frame in result.frames:
        assert frame.emotion is None or frame.emotion in EMOTIONS
        assert frame.start_s is None or isinstance(frame.start_s, float)
    result.text.encode()
    (result.emotion_raw or "").encode()
    (result.granularity or "").encode()


def read(data: bytes) -> None:
    try:
        result = read_result(data, "result.json")
    except Unusable as error:
        assert error.code == "bad_json"
        assert error.path == "result.json"
        assert error.detail
        return
    check(result)


@settings(max_examples=600, deadline=None)
@given(mutated(DOCUMENTS) | st.binary(max_size=200))
def test_json_bytes(data):
    read(data)


KEYS = st.sampled_from(
    [
        *["emotion", "label", "top_emotion", "confidence", "score", "scores", "labels"],
        *["emotions", "granularity", "timestamp", "frames", "results", "time", "start"],
        *["happy", "sad"],
    ]
)
VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=9)
    | st.sampled_from(
        ["happy", "85.3%", "生气/angry", "nan", "1e999", "2024-01-04 22:31:00", 1e308, 2**63, -1]
    ),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=5),
    max_leaves=12,
)


@settings(max_examples=600, deadline=None)
@given(
    st.dictionaries(KEYS, VALUES, max_size=6)
    | st.lists(st.dictionaries(KEYS, VALUES, max_size=6), max_size=3)
)
def test_json_of_the_right_keys_and_the_wrong_values(document):
    read(json.dumps(document).encode())
