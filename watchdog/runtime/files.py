"""Whether files have changed, for the price of looking at their names."""

from pathlib import Path

_Stamp = tuple[int, int, int, int] | None


class FileWatch:
    """Notices when files are written or replaced; of a symbolic link, the file that it leads to counts."""

    def __init__(self, *paths: Path) -> None:
        self._paths = paths
        self._seen = self._look()

    def changed(self) -> bool:
        """Whether any of them is another than at the last look; never while one is missing."""
        before, now = self._seen, self._look()
        if now == before or None in now:
            return False
        self._seen = now
        return True

    def _look(self) -> list[_Stamp]:
        return [_stamp(path) for path in self._paths]


def _stamp(path: Path) -> _Stamp:
    try:
        status = path.stat()
    except OSError:
        return None
    return status.st_dev, status.st_ino, status.st_mtime_ns, status.st_size
