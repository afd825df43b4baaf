"""The nine canonical emotions and every spelling of them that has been seen."""

import re
from functools import lru_cache

EMOTIONS = (
    "angry",
    "disgusted",
    "fearful",
    "happy",
    "neutral",
    "other",
    "sad",
    "surprised",
    "unknown",
)
NEGATIVE = ("angry", "disgusted", "fearful", "sad")

CHINESE = {
    "angry": "生气",
    "disgusted": "厌恶",
    "fearful": "恐惧",
    "happy": "开心",
    "neutral": "中立",
    "other": "其他",
    "sad": "难过",
    "surprised": "吃惊",
    "unknown": "未知",
}

_SPELLINGS = {
    "angry": ("anger", "生气", "愤怒", "ang"),
    "disgusted": ("disgust", "厌恶", "dis"),
    "fearful": ("fear", "恐惧", "害怕", "fea"),
    "happy": ("happiness", "joy", "开心", "快乐", "高兴", "hap"),
    "neutral": ("中立", "中性", "neu"),
    "other": ("others", "其他", "其它", "oth"),
    "sad": ("sadness", "难过", "悲伤", "伤心"),
    "surprised": ("surprise", "吃惊", "惊讶", "sur"),
    "unknown": ("<unk>", "unk", "未知", ""),
}
_CANONICAL = {
    spelling: emotion
    for emotion, spellings in _SPELLINGS.items()
    for spelling in (emotion, *spellings)
}
_WORDS = re.compile(r"<unk>|[a-z]+|[\u4e00-\u9fff]+")


LONGEST = 200
"""Characters past which a text is no label, and not worth remembering."""


def canonical(label: str) -> str | None:
    """Return the canonical name of a label such as `生气/angry` or `😊 快乐 (Happy)`, else None."""
    return _canonical(label) if len(label) <= LONGEST else None


@lru_cache(maxsize=4096)
def _canonical(label: str) -> str | None:
    text = label.strip(" \t\r\n'\"").lower()
    if text in _CANONICAL:
        return _CANONICAL[text]
    named = {_CANONICAL[word] for word in _WORDS.findall(text) if word in _CANONICAL}
    return named.pop() if len(named) == 1 else None
