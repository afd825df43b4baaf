"""Every spelling of the nine emotions in the notes has one canonical name."""

import pytest
from build import EMOTIONS

from e2vdb.ingest.labels import CHINESE, canonical
from e2vdb.ingest.labels import EMOTIONS as OURS

MODEL = (
    "生气/angry 厌恶/disgusted 恐惧/fearful 开心/happy 中立/neutral 其他/other 难过/sad "
    "吃惊/surprised <unk>"
)
SPELLINGS = {
    **dict(zip(MODEL.split(), EMOTIONS, strict=True)),
    "快乐": "happy",
    "愤怒": "angry",
    "悲伤": "sad",
    "惊讶": "surprised",
    "中性": "neutral",
    "未知": "unknown",
    "厌恶": "disgusted",
    "恐惧": "fearful",
    "其他": "other",
    "anger": "angry",
    "disgust": "disgusted",
    "fear": "fearful",
    "happiness": "happy",
    "sadness": "sad",
    "surprise": "surprised",
    "": "unknown",
    "''": "unknown",
    "😊 快乐 (Happy)": "happy",
    "😡 愤怒 (Angry)": "angry",
    "😢 悲伤": "sad",
    "Neutral 😐": "neutral",
    "  HAPPY \n": "happy",
    "<UNK>": "unknown",
}


@pytest.mark.parametrize(("label", "emotion"), SPELLINGS.items())
def test_spelling(label, emotion):
    assert canonical(label) == emotion


def test_the_nine_names_and_their_order():
    assert list(OURS) == EMOTIONS
    assert [canonical(emotion) for emotion in EMOTIONS] == EMOTIONS
    assert [canonical(CHINESE[emotion]) for emotion in EMOTIONS] == EMOTIONS


@pytest.mark.parametrize(
    "label", ["bored", "开心/sad", "happy or angry", "unhappy", "😊", "happy" * 99]
)
def test_what_names_no_emotion_or_two_is_none(label):
    assert canonical(label) is None
