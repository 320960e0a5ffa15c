"""What the watchdog raises on its own account: the type says whose fault it is.

Any other exception is a bug and ends the process.
"""


class WatchdogError(Exception):
    """The root of all of them; its text is one line for people, without secrets."""


class ProviderError(WatchdogError):
    """The provider or the path to it: expected, counted and survived."""


class OperatorError(WatchdogError):
    """Whoever runs the watchdog: the command line, the configuration, a file, the machine.

    The text may have several lines, one for each mistake.
    """


class ClientError(WatchdogError):
    """Whoever asks the web side."""
