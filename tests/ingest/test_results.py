"""Every shape of result.json that has been seen gives one canonical result, or bad_json."""

import json
from datetime import datetime

import pytest
from build import EMOTIONS, frame_list, result_document, scores, write_json, write_output

from e2vdb.ingest.rejects import Unusable
from e2vdb.ingest.results import LIMIT, FrameResult, Result, read_result


def of(document: object, encoding: str = "utf-8") -> Result:
    raw = (
        document
        if isinstance(document, bytes)
        else json.dumps(document, ensure_ascii=False).encode(encoding)
    )
    return read_result(raw, "result.json")


def by_name(result: Result) -> dict[str, float | None]:
    return dict(zip(EMOTIONS, result.scores, strict=True))


NINE = scores("sad", 0.52)


def test_webui_result():
    result = of(result_document("sad", 0.52))
    assert (result.emotion, result.emotion_raw, result.confidence) == ("sad", "sad", 0.52)
    assert by_name(result) == NINE
    assert result.recognized_at == datetime(2024, 1, 4, 22, 31)
    assert result.warnings == ()


@pytest.mark.parametrize("encoding", ["utf-8", "utf-8-sig", "gbk", "gb18030"])
def test_encodings(encoding):
    document = {"emotion": "难过", "scores": {"难过": 0.7, "开心": 0.3}}
    result = of(document, encoding)
    assert (result.emotion, result.emotion_raw) == ("sad", "难过")
    assert result.text == json.dumps(document, ensure_ascii=False)


MODEL_LABELS = (
    "生气/angry 厌恶/disgusted 恐惧/fearful 开心/happy 中立/neutral 其他/other 难过/sad "
    "吃惊/surprised"
)
LABEL_SETS = {
    "model": [*MODEL_LABELS.split(), "<unk>"],
    "model, ninth empty": [*MODEL_LABELS.split(), ""],
    "webui": ["愤怒", "厌恶", "恐惧", "快乐", "中性", "其他", "悲伤", "惊讶", "未知"],
    "nouns": [
        "anger",
        "disgust",
        "fear",
        "happiness",
        *EMOTIONS[4:6],
        "sadness",
        "surprise",
        "unk",
    ],
    "capitals": [name.capitalize() for name in EMOTIONS],
    "emoji": [f"🙂 {name} ({name.upper()})" for name in EMOTIONS],
}


@pytest.mark.parametrize("labels", LABEL_SETS.values(), ids=LABEL_SETS)
@pytest.mark.parametrize("size", [5, 6, 9])
def test_label_sets_of_five_six_and_nine(labels, size):
    shares = [0.1] * (size - 1) + [1 - 0.1 * (size - 1)]
    given = dict(zip(labels[:size], shares, strict=True))
    result = of({"emotion": labels[size - 1], "scores": given})
    expected = dict(zip(EMOTIONS[:size], shares, strict=True))
    assert by_name(result) == {name: expected.get(name) for name in EMOTIONS}
    assert result.emotion == EMOTIONS[size - 1]
    assert result.confidence == shares[-1]
    assert result.warnings == ()


SHAPES = {
    "label": {"label": "sad", "scores": NINE},
    "top_emotion": {
        "top_emotion": "sad",
        "emotions": [{"label": name, "score": share} for name, share in NINE.items()],
    },
    "emotions with other keys": {
        "emotion": "sad",
        "emotions": [{"emotion": name, "confidence": share} for name, share in NINE.items()],
    },
    "funasr": [
        {"key": "utt1", "labels": list(NINE), "scores": list(NINE.values()), "feats": [1.5]}
    ],
    "funasr without list": {"key": "utt1", "labels": list(NINE), "scores": list(NINE.values())},
    "scores only": {"scores": NINE},
    "percent": {"emotion": "sad", "scores": {name: 100 * share for name, share in NINE.items()}},
    "percent text": {
        "emotion": "sad",
        "scores": {name: f"{100 * share}%" for name, share in NINE.items()},
    },
    "percent text, full width": {
        "emotion": "sad",
        "scores": {name: f" {100 * share} ％" for name, share in NINE.items()},
    },
    "numbers as text": {"emotion": "sad", "scores": {name: str(s) for name, s in NINE.items()}},
    "nulls": {"emotion": "sad", "scores": {**NINE, "宁静": None}, "timestamp": None},
}


@pytest.mark.parametrize("document", SHAPES.values(), ids=SHAPES)
def test_shapes(document):
    result = of(document)
    assert result.emotion == "sad"
    assert result.confidence == pytest.approx(0.52)
    assert by_name(result) == pytest.approx(NINE)
    assert result.warnings == ()


@pytest.mark.parametrize(
    ("written", "share"),
    [
        (0.853, 0.853),
        (85.3, 0.853),
        ("85.3%", 0.853),
        ("85.3 %", 0.853),
        ("0.8%", 0.008),
        ("0.853", 0.853),
        (1, 1.0),
        (1.00005, 1.0),
        (100, 1.0),
        ("100%", 1.0),
        (0, 0.0),
        (-1e-9, 0.0),
    ],
)
def test_confidence(written, share):
    assert of({"emotion": "sad", "confidence": written}).confidence == pytest.approx(share)
    assert of({"emotion": "sad", "scores": {"sad": written}}).confidence == pytest.approx(share)


def test_small_percent_texts_are_percent_even_without_a_large_one():
    result = of({"emotion": "sad", "scores": {"sad": "0.9%", "happy": "0.4%"}})
    assert by_name(result)["sad"] == pytest.approx(0.009)
    assert by_name(result)["happy"] == pytest.approx(0.004)


def test_of_two_spellings_of_one_emotion_the_larger_counts():
    assert by_name(of({"scores": {"sad": 0.7, "sadness": 0.1, "开心": 0.2}}))["sad"] == 0.7


@pytest.mark.parametrize(
    ("document", "warnings"),
    [
        (result_document("sad", scores=scores("happy")), ("label_mismatch",)),
        ({"emotion": "sad", "scores": {"happy": 0.6, "angry": 0.4}}, ("label_mismatch",)),
        ({"emotion": "sad", "scores": {"sad": 0.5, "happy": 0.5}}, ()),
        ({"emotion": "bored"}, ("unknown_label",)),
        ({"scores": {"bored": 1.0}}, ("unknown_label",)),
        ({"emotion": "sad", "timestamp": "soon"}, ("unparsed_time",)),
        ({"emotion": "sad", "timestamp": 1704378600}, ("unparsed_time",)),
        ({"emotion": "sad"}, ()),
        ({}, ()),
    ],
)
def test_warnings(document, warnings):
    assert of(document).warnings == warnings


FRAME_SHAPES = {
    "result.json in frame mode": {"granularity": "frame", "frames": frame_list("happy", "angry")},
    "list": frame_list("happy", "angry"),
    "results": {"granularity": "frame", "results": frame_list("happy", "angry")},
    "start": {
        "frames": [
            {"start": 0, "label": "happy", "scores": scores("happy")},
            {"start": 0.02, "label": "angry", "scores": scores("angry")},
        ]
    },
    "no emotion named": {
        "frames": [
            {"time": 0, "scores": scores("happy")},
            {"time": 0.02, "scores": scores("angry")},
        ]
    },
}


@pytest.mark.parametrize("document", FRAME_SHAPES.values(), ids=FRAME_SHAPES)
def test_frame_shapes(document):
    expected = (
        FrameResult(0.0, "happy", tuple(scores("happy").values())),
        FrameResult(0.02, "angry", tuple(scores("angry").values())),
    )
    assert of(document).frames == expected


def test_frames_without_times_keep_their_places():
    frames = of(
        {"frames": [{"emotion": "sad"}, 7, {"emotion": 7}, {"scores": 7}, {"emotion": "angry"}]}
    ).frames
    assert [one.emotion for one in frames] == ["sad", None, None, None, "angry"]
    assert of({"frames": 250}).frames == ()


@pytest.mark.parametrize("where", ["result.json", "result_frame.json", "both"])
def test_frame_results_may_stand_in_either_file(root, read, where):
    by_frame = {"granularity": "frame", "frames": frame_list("happy", "angry")}
    folder = write_output(root, "call", result=None if where == "result_frame.json" else by_frame)
    if where != "result.json":
        write_json(folder / "result_frame.json", by_frame)
    if where == "both":
        write_json(folder / "result.json", result_document("sad"))
    row = read(root).rows["call"]
    assert row["granularity"] == ("utterance" if where == "both" else "frame")
    assert row["emotion"] == ("sad" if where == "both" else None)


BROKEN = {
    "empty": b"",
    "blank": b" \n",
    "cut off": b'{"emotion": "happy", "sco',
    "binary": bytes(range(256)),
    "number": b"7",
    "null": b"null",
    "text": b'"happy"',
    "empty list": b"[]",
    "list of numbers": b"[1, 2]",
    "NaN": b'{"confidence": NaN}',
    "deep": b"[" * 100_000 + b"]" * 100_000,
    "deep object": b'{"a":' * 100_000,
    "deep in a place that is read": b'{"emotion":' + b"[" * 900 + b"]" * 900 + b"}",
    "lone surrogate": b'{"emotion": "\\ud800"}',
    "emotion is a number": {"emotion": 3},
    "emotion is a list": {"emotion": ["happy"]},
    "confidence is an object": {"confidence": {}},
    "confidence is true": {"confidence": True},
    "confidence is a word": {"confidence": "high"},
    "confidence is nan": {"confidence": "nan"},
    "a score is nan": {"scores": {"sad": 0.5, "happy": "nan"}},
    "a score is infinite": {"scores": {"sad": 0.5, "happy": "-inf"}},
    "a score is huge": {"scores": {"sad": 1e300}},
    "a huge integer": b'{"confidence": ' + b"9" * 5000 + b"}",
    "a long number as text": {"confidence": "9" * 5000},
    "a score is negative": {"scores": {"sad": -0.5}},
    "scores and labels differ": {"labels": ["sad"], "scores": [0.5, 0.5]},
    "scores without labels": {"scores": [0.5, 0.5]},
    "scores are a number": {"scores": 7},
    "emotions are numbers": {"emotions": [1, 2]},
}


@pytest.mark.parametrize("document", BROKEN.values(), ids=BROKEN)
def test_bad_json(document):
    with pytest.raises(Unusable) as caught:
        of(document)
    assert (caught.value.code, caught.value.path) == ("bad_json", "result.json")
    assert 0 < len(caught.value.detail) < 300


def test_a_giant_file_is_not_parsed():
    with pytest.raises(Unusable, match=r"bad_json.*64 MB"):
        read_result(b" " * (LIMIT + 1), "result.json")


def test_of_duplicate_keys_the_last_counts_as_in_json():
    text = b'{"emotion": "happy", "emotion": "sad"}'
    assert of(text).emotion == json.loads(text)["emotion"]


def test_the_raw_text_is_kept_whole(root, read):
    text = '{ "emotion" : "happy",\n "note": "\\u0000 📞", "emotion_model": {"deep": [1, null]} }\n'
    write_output(root, "call", result=text.encode())
    assert read(root).rows["call"]["result"] == text
