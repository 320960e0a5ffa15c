"""The texts of docs/performance.md around the figures."""

INTRODUCTION = """\
What the watchdog costs and how exact it is, measured side by side with clients that only decode and count.
Recorded on {recorded}. `python -m benchmarks page` writes this page.
"""

COST = """\
Updates have 2.4 kB and come twice a second for each game, evenly spread. CPU is user and system time of the
whole process. The figures are medians over the rounds, and the spread is half the range. The ratio is taken
pair by pair within a round. The watchdog does all its checks and is scraped every 5 s. The other clients
decode and count, and the floor only counts. Over TLS all speak TLS 1.3 with OpenSSL, and verify the hub's
certificate. "Games per core" is how many would fill a core if each further one cost the same.

![CPU for each update](performance-cost.svg)
"""

LADDER = """\
Each step adds one thing to the step before. The last row is not a step. It
shows what receiving alone would cost if every message went through trio-websocket's task and channel.

![Where the CPU goes](performance-ladder.svg)
"""

EXACTNESS = """\
Stamps are compared with the moment of sending, in absolute terms, and silence with its deadline. "Loop
held" is how long the loop kept a task waiting that wakes every 5 ms. The hub leaves updates out, so games
fall silent and recover. What a stall of our own has hidden is booked as `unobserved`, and shown separately.
"""

CORE = """\
One process replays a recording, hot. The parts overlap with the whole, because `monitor` asks all checks.
"""

ALLOCATION = """\
Judging an update takes {bytes_median:,.0f} bytes for a moment and leaves {blocks_left:.2f} blocks behind.
"""

MEMORY = """\
A game takes {plain:.0f} KB of memory, and {tls:.0f} KB over TLS: what memory grows by from 10 games to
1,000, divided by 990.
"""

REPEAT = """\
`make bench` measures all of it again, in an hour or more. It needs a C compiler and OpenSSL's headers, and
for the other clients Node with npm, and pip. It leaves out what is missing, and says so. It measures in
pieces of two minutes at most: after an interruption, `python -m benchmarks run --resume` goes on with the
next one, and `--pieces N` stops after so many. `python -m benchmarks page FILE` writes this page from the
recorded file. `make bench-smoke` counts instructions, and fails when an update costs a quarter more than
was committed.

Measured with {options}, on: {machine}.
"""

HISTORY = """The loop's part is measured alone and hot, the thread's in a running watchdog, by the kernel's
account. A beat writes what all games have counted, every 3.5 s. Stays and anomalies are too few to matter.
"""
