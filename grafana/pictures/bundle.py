"""The page's script: Grafana's packages and our code in one file, which npm and esbuild keep up to date."""

import fcntl
import hashlib
import subprocess
from pathlib import Path

HERE = Path(__file__).resolve().parent
BUILD = HERE / "build"

_COMMANDS: tuple[tuple[tuple[str, ...], tuple[str, ...], Path, float], ...] = (
    # command, what it depends on, the file that marks it done, its limit in seconds
    (("npm", "ci"), ("package-lock.json", ".npmrc"), HERE / "node_modules" / ".installed", 600),
    (("npm", "run", "bundle"), ("src", "package.json", "package-lock.json"), BUILD / ".bundled", 120),
)


class BundleError(Exception):
    """npm or esbuild failed; the message says why."""


def bundle() -> Path:
    """The folder of the bundle, up to date. It takes a minute the first time, and then only a look.

    Raises BundleError; FileNotFoundError without npm.
    """
    BUILD.mkdir(exist_ok=True)
    with (BUILD / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)  # tests and a person may start this at the same time
        for command, sources, mark, limit_seconds in _COMMANDS:
            state = _digest(sources)
            if not mark.exists() or mark.read_text() != state:
                _run(command, limit_seconds)
                mark.write_text(state)
    return BUILD


def _digest(sources: tuple[str, ...]) -> str:
    digest = hashlib.sha256()
    for source in sources:
        path = HERE / source
        for file in sorted(path.iterdir()) if path.is_dir() else [path]:
            digest.update(f"{file.name}\0".encode() + file.read_bytes())
    return digest.hexdigest()


def _run(command: tuple[str, ...], limit_seconds: float) -> None:
    try:
        result = subprocess.run(  # noqa: S603 - the commands above
            command, cwd=HERE, check=False, capture_output=True, text=True, timeout=limit_seconds
        )
    except subprocess.TimeoutExpired as error:
        raise BundleError(f"{' '.join(command)}: not done after {limit_seconds} s") from error
    if result.returncode != 0:
        raise BundleError(f"{' '.join(command)} failed: {(result.stderr or result.stdout)[-2_000:]}")
