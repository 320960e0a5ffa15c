"""The faults that a test or a demo can ask for by name, each one small unit.

A fault changes what its name says and nothing else, neither while it lasts nor by its end: a timer that
froze goes on from where it stood, because the table itself stood still.
"""

from collections.abc import Mapping
from types import MappingProxyType

from watchdog.simulator.faults.base import Fault
from watchdog.simulator.faults.connections import (
    DroppedConnection,
    RefusedConnection,
    RejectedToken,
    ServerClose,
)
from watchdog.simulator.faults.flow import Duplicate, Gap, Late, Regression, Reset, Silence
from watchdog.simulator.faults.game import (
    ChangedResult,
    FrozenTimestamp,
    Maintenance,
    OverdueRound,
    RegressedRound,
    RegressedTimestamp,
    SkippedRound,
)
from watchdog.simulator.faults.records import InvalidJson, Oversize, SchemaBreak, WrongGameType, WrongProtocol
from watchdog.simulator.faults.timer import (
    ExpiredTimer,
    FrozenTimer,
    JumpedTimer,
    LingeringTimer,
    NegativeTimer,
    RewoundTimer,
)

__all__ = ["FAULTS", "Fault"]

FAULTS: Mapping[str, type[Fault]] = MappingProxyType(
    {
        fault.name: fault
        for fault in (
            *(Gap, Duplicate, Regression, Reset),
            *(Late, Silence),
            *(FrozenTimer, ExpiredTimer, LingeringTimer, RewoundTimer, JumpedTimer, NegativeTimer),
            *(FrozenTimestamp, RegressedTimestamp),
            *(ChangedResult, OverdueRound, RegressedRound, SkippedRound, Maintenance),
            *(InvalidJson, SchemaBreak, WrongGameType, WrongProtocol, Oversize),
            *(DroppedConnection, ServerClose, RejectedToken, RefusedConnection),
        )
    }
)
"""Name → fault, in an order of subject."""
