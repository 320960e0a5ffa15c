"""Secret files that everybody on the machine may read or write."""

import stat
from collections.abc import Iterator
from pathlib import Path

from watchdog.config.schema import Config
from watchdog.core.findings import Detail, Finding

_OTHERS = stat.S_IROTH | stat.S_IWOTH


class ExposedFiles:
    """Finds secret files that everybody on the machine may use, each once until its mode changes."""

    def __init__(self) -> None:
        self._modes: dict[Path, int] = {}

    def look(self, settings: Config) -> list[Finding]:
        """A finding for each exposed file of a configuration; one that can't be looked at is left out."""
        before, self._modes = self._modes, {}
        findings = []
        for key, path in _secret_files(settings):
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
            except OSError:
                continue
            if mode & _OTHERS:
                self._modes[path] = mode
                if before.get(path) != mode:
                    detail: Detail = {"key": key, "path": str(path), "mode": f"{mode:04o}"}
                    findings.append(Finding("config.file_exposed", "warning", detail))
        return findings


def _secret_files(settings: Config) -> Iterator[tuple[str, Path]]:
    files: dict[str, Path | None] = {
        "web.tls_key_file": settings.web.tls_key_file,
        "web.basic_auth_file": settings.web.basic_auth_file,
    }
    for index, feed in enumerate(settings.feeds):
        files[f"feeds[{index}].token.file"] = feed.token.file
        files[f"feeds[{index}].token.secret_file"] = feed.token.secret_file
    return ((key, path) for key, path in files.items() if path is not None)
