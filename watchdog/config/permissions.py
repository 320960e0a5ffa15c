"""Which files that hold secrets everybody may read or write."""

import stat
from collections.abc import Iterator
from pathlib import Path

from watchdog.config.schema import Config
from watchdog.core.findings import Detail, Finding

_OTHERS = stat.S_IROTH | stat.S_IWOTH


class ExposedFiles:
    """Tells of secret files that everybody here may read or write, once until their mode changes."""

    def __init__(self) -> None:
        self._told: dict[Path, int] = {}

    def look(self, settings: Config) -> list[Finding]:
        """What is to be told of the files of a configuration; those that can't be looked at are left out."""
        told, self._told = self._told, {}
        findings = []
        for key, path in _secret_files(settings):
            try:
                mode = stat.S_IMODE(path.stat().st_mode)
            except OSError:
                continue
            if mode & _OTHERS:
                self._told[path] = mode
                if told.get(path) != mode:
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
