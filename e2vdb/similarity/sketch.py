"""A few numbers a row from which an upper bound of every cosine follows.

Let x and q be unit vectors, m a point and B an orthonormal basis (d rows). With z = B (x - m)
and r the length of what B leaves out of x - m, Pythagoras and the triangle inequality give
    |x - q|^2 >= |z_x - z_q|^2 + (r_x - r_q)^2,
and since |x - q|^2 = 2 - 2 cos(x, q) and |x - m|^2 = |z|^2 + r^2,
    cos(x, q) <= z_x . z_q + r_x r_q - |x - m|^2 / 2 + 1 - |q - m|^2 / 2.
So with a = (z_x, r_x, |x - m|^2 / 2) kept a row and b = (z_q, r_q, -1) the bound for every row is
one matrix-vector product. Whatever B and m are, the bound holds; the better they fit, the
tighter it is, so they are the distiller's.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from e2vdb.distill.distiller import Distiller

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]

UNIT_ROUNDOFF = 2.0**-24
_ROWS = 4096


@dataclass(frozen=True, slots=True)
class Basis:
    """The point m (D,) and the orthonormal rows B (d, D), float64."""

    distiller_id: int
    point: Doubles
    rows: Doubles

    @property
    def name(self) -> str:
        """What tells one basis' files from another's."""
        return f"{self.distiller_id}-{len(self.rows)}"

    @property
    def row_bytes(self) -> int:
        """Bytes of sketch and norm a row."""
        return 4 * (len(self.rows) + 2) + 8

    def split(self, units: Doubles) -> tuple[Doubles, Doubles, Doubles]:
        """Return z (n, d), r (n,) and |x - m|^2 (n,) of unit vectors (n, D)."""
        centred = units - self.point
        inside = centred @ self.rows.T
        squares = np.einsum("ij,ij->i", centred, centred)
        outside = squares - np.einsum("ij,ij->i", inside, inside)
        return inside, np.sqrt(np.maximum(outside, 0)), squares


def make_basis(distiller: Distiller | None, dimension: int) -> Basis:
    """Return the distiller's subspace, orthonormal to double precision; nothing without one."""
    if distiller is None:
        return Basis(0, np.zeros(dimension), np.zeros((0, dimension)))
    rows, _ = np.linalg.qr(distiller.components.astype(np.float64).T)
    return Basis(distiller.distiller_id, distiller.mean.astype(np.float64), rows.T.copy())


def sketch_rows(vectors: Floats, norms: Doubles, basis: Basis) -> Floats:
    """Return the sketch (n, d + 2) of stored vectors, computed in double precision."""
    sketch = np.zeros((len(vectors), len(basis.rows) + 2), np.float32)
    for start in range(0, len(vectors), _ROWS):
        here = slice(start, start + _ROWS)
        lengths = np.where(norms[here] > 0, norms[here], 1)[:, None]
        inside, outside, squares = basis.split(vectors[here].astype(np.float64) / lengths)
        sketch[here, :-2], sketch[here, -2], sketch[here, -1] = inside, outside, squares / 2
    return sketch


def query_side(queries: Doubles, basis: Basis) -> tuple[Floats, Doubles]:
    """Return b (m, d + 2) float32 and the constants (m,) for unit queries (m, D)."""
    inside, outside, squares = basis.split(queries)
    right = np.column_stack([inside, outside, np.full(len(queries), -1.0)])
    return right.astype(np.float32), 1 - squares / 2


def rounding_slack(width: int, right: Floats) -> float:
    """Return by how much a bound evaluated in float32 may fall short of the true one.

    Each of the `width` products and sums is off by at most one unit roundoff of |a| |b|, and so
    are both factors; |a| <= 3 because |x - m| <= 2 for |m| <= 1.
    """
    largest = float(np.linalg.norm(right.astype(np.float64), axis=1).max(initial=1.0))
    return (width + 4) * UNIT_ROUNDOFF * 3.0 * largest
