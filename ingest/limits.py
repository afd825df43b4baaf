"""Rules of thumb about healthy vectors: they warn, they never drop a row."""

from dataclasses import dataclass

WARNINGS = {
    "no_embedding": "a result without a vector",
    "embedding_from_frames": "the vector is the mean of the frame vectors",
    "out_of_range": "a value beyond `max_abs` (5)",
    "norm_outlier": "a length outside `norm_min`..`norm_max` (15..25)",
    "frames_mismatch": "the vector is not the mean of the frame vectors (`frames_tolerance`)",
    "label_mismatch": "the emotion is not the one with the largest score",
    "unknown_label": "an emotion that is none of the nine; see emotion_raw",
    "duplicate": "the same content as another id that came before it",
    "unparsed_time": "no time in the directory's name, or a result's time stamp that is none",
}


@dataclass(frozen=True, slots=True)
class Limits:
    """Past which values a row carries a warning; settings of the database."""

    max_abs: float = 5.0
    norm_min: float = 15.0
    norm_max: float = 25.0
    frames_tolerance: float = 1e-3
