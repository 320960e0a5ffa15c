"""The fault matrix: all rows."""

from tests.acceptance.matrix import connecting, ending, framing, negotiating, updating
from tests.acceptance.matrix.row import Row

ROWS: tuple[Row, ...] = connecting.ROWS + negotiating.ROWS + ending.ROWS + framing.ROWS + updating.ROWS
