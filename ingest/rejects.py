"""Why an input directory could not become a row."""

from dataclasses import dataclass

CODES = {
    "unreadable_npy": "truncated, empty, zip, pickle or otherwise not a plain .npy file",
    "wrong_dtype": "complex, text, integer or structured numbers instead of floats",
    "wrong_dimension": "a vector of another length than the database's",
    "not_finite": "NaN or infinity among the values",
    "all_zero": "every value is zero: a broken file, not silence",
    "bad_json": "result.json cannot be read as a result",
    "empty_directory": "named like an output directory, but holds no output",
    "id_conflict": "the same id with other content came from another folder",
    "unreadable_file": "a file or folder vanished or may not be read",
}


@dataclass(frozen=True, slots=True)
class Reject:
    """One input directory that is not a row, and the reason in a code and a sentence."""

    utterance_id: str
    source_dir: str
    path: str
    code: str
    detail: str


class Unusable(Exception):
    """Raised by the readers; becomes a `Reject` with the same code and detail."""

    def __init__(self, code: str, path: str, detail: str) -> None:
        super().__init__(code, path, detail)
        self.code, self.path, self.detail = code, path, detail

    def __str__(self) -> str:
        return f"{self.code}: {self.path}: {self.detail}"
