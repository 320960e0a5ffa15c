"""What docs/performance.md says around the figures."""

INTRODUCTION = """\
What the watchdog costs and how exact it is, measured side by side with clients that only decode and count.
Recorded on {recorded}; made by `python -m benchmarks page`, not by hand.
"""

COST = """\
Updates of 2.4 kB, two a second for each game, evenly spread. CPU is user and system time of the whole
process; medians over the rounds, the spread is half the range. The ratio is taken pair by pair within a
round. The watchdog does all its checks and is scraped every 5 s; the other clients decode and count; the
floor only counts. signalrcore, with a thread for each connection, is not asked for 4,000. Games a core: as
many as would fill one if the next cost what these do.

![CPU for each update](performance-cost.svg)
"""

LADDER = """\
Each step is a process that does what the one before does, and one thing more. The last is none of them: it
is what receiving alone would cost if every message went through trio-websocket's task and channel.

![Where the CPU goes](performance-ladder.svg)
"""

EXACTNESS = """\
Stamps against the moment of sending, in absolute terms; silence against its deadline; how long the loop kept
a task waiting that wakes every 5 ms. The hub leaves updates out, so that games fall silent and recover. What
a stall of our own has hidden is booked as `unobserved` and shown apart.
"""

CORE = """\
A recording replayed in one process, hot. The parts overlap with the whole: `monitor` asks all checks.
"""

ALLOCATION = """\
Judging an update takes {bytes_median:,.0f} bytes for a moment, and leaves {blocks_left:.2f} blocks behind.
"""

MEMORY = """\
A game takes {kilobytes:.0f} KB of memory: the growth from 10 games to 1,000.
"""

REPEAT = """\
`make bench` measures all of it anew. It needs a C compiler, and for the other clients Node with npm, and pip;
what is missing is left out and named. `python -m benchmarks page FILE` makes this page of the recorded file.
`make bench-smoke` counts instructions and fails when an update costs a quarter more than was committed.

Measured with {options}, on: {machine}.
"""
