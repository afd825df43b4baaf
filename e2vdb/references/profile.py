"""What a reference set sounds like: its unit vectors and their mean."""

import hashlib
from dataclasses import dataclass

import lance
import numpy as np
import pyarrow as pa

from e2vdb.errors import UsageError
from e2vdb.references.sets import check_known, members
from e2vdb.store.vectors import Doubles, Floats, read_vectors, unit_rows


@dataclass(frozen=True, slots=True)
class Profile:
    """A set's calls in the order of their ids: `units` (m, D), and `mean` (D,) of these.

    The mean is not brought to length 1 again: a unit vector's dot product with it is then the
    mean of the cosines to all m calls, for (u·r1 + … + u·rm) / m = u·mean.
    """

    name: str
    ids: pa.StringArray
    units: Floats
    mean: Doubles
    digest: bytes

    @property
    def similarity(self) -> float:
        """The mean cosine of the set's calls to the set itself: |mean|²."""
        return float(self.mean @ self.mean)


def read_profile(sets: lance.LanceDataset, utterances: lance.LanceDataset, name: str) -> Profile:
    """Return the profile of a set, from the vectors its calls have now.

    Raises `UsageError` for an unknown set and for one whose calls have no vectors any more.
    """
    wanted = members(sets, name)
    check_known(sets, name, wanted)
    ids = pa.array(wanted, pa.string())
    found, vectors = read_vectors(utterances, ids)
    if not found.any():
        raise UsageError(f"No call of the reference set {name!r} has an embedding any more.")
    ids, units = ids.filter(pa.array(found)), unit_rows(vectors[found])
    digest = hashlib.blake2b(units.tobytes(), digest_size=16)
    digest.update("\n".join(ids.to_pylist()).encode())
    mean = units.mean(axis=0, dtype=np.float64)
    return Profile(name, ids, units, mean, digest.digest())
