"""Programs under measurement: started, asked, measured and ended, each by its own process id."""

import contextlib
import json
import os
import re
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Literal

import trustme

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent
BUILD = HERE / "build"
LOAD = BUILD / "load"
TEMPLATE = HERE / "load" / "update.json"

_CFLAGS = ("-O2", "-std=gnu11", "-Wall", "-Wextra", "-Wshadow", "-Werror")
_LIBRARIES = ("-lm", "-lssl", "-lcrypto")
_END_SECONDS = 20.0
_ERROR_CHARACTERS = 2_000
_POLL_SECONDS = 0.05


class BenchmarkError(Exception):
    """A measurement that can't be taken; the message says why."""


@dataclass(frozen=True, slots=True)
class Memory:
    """What a process holds, in bytes: resident, and its share where pages are shared."""

    resident: int
    proportional: int


class Program:
    """A process that answers each line on stdin with one line of JSON, and ends with stdin."""

    def __init__(self, command: Sequence[str | Path], *, env: Mapping[str, str] | None = None) -> None:
        self.started_ns = time.monotonic_ns()
        self._command = [str(word) for word in command]
        self._stderr = tempfile.TemporaryFile()  # noqa: SIM115 - it lives as long as the process
        self._process = subprocess.Popen(  # noqa: S603 - commands of this package
            self._command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=self._stderr,
            text=True,
            cwd=ROOT,
            env={**os.environ, **(env or {})},
        )
        self.pid = self._process.pid

    def line(self) -> str:
        """The next line of its stdout. Raises BenchmarkError if it has ended."""
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        if line := self._process.stdout.readline():
            return line
        raise self._ended()

    def ask(self) -> dict[str, Any]:
        """Its answer to a line. Raises BenchmarkError if it has ended."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        try:
            self._process.stdin.write("?\n")
            self._process.stdin.flush()
        except BrokenPipeError:
            raise self._ended() from None
        answer: dict[str, Any] = json.loads(self.line())
        return answer

    def cpu_seconds(self) -> float:
        """User and system time of all its threads so far, including those that have ended."""
        # clock_getcpuclockid(3), which Python does not have: the clock of another process, in nanoseconds.
        return time.clock_gettime(~self.pid << 3 | 2)

    def memory(self) -> Memory:
        """What it holds now."""
        text = Path(f"/proc/{self.pid}/smaps_rollup").read_text()
        sizes = {name: int(kib) * 1024 for name, kib in re.findall(r"^(\w+): +(\d+) kB", text, re.MULTILINE)}
        return Memory(sizes["Rss"], sizes["Pss"])

    def errors(self) -> str:
        """What it has written to stderr so far."""
        return os.pread(self._stderr.fileno(), os.fstat(self._stderr.fileno()).st_size, 0).decode(
            errors="replace"
        )

    def _ended(self) -> BenchmarkError:
        return BenchmarkError(f"{' '.join(self._command)}: ended\n{self.errors()[-_ERROR_CHARACTERS:]}")

    def end(self) -> None:
        """Let it end by itself, and soon."""
        assert self._process.stdin is not None  # noqa: S101 - it is a pipe
        assert self._process.stdout is not None  # noqa: S101 - it is a pipe
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        # The watchdog does not read stdin.
        self._process.terminate()
        try:
            self._process.wait(_END_SECONDS)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        self._process.stdout.close()
        self._stderr.close()


@contextmanager
def running(program: Program) -> Iterator[Program]:
    """The program, ended on leaving."""
    try:
        yield program
    finally:
        program.end()


@dataclass(frozen=True, slots=True)
class Hub:
    """Where the load generator listens; over TLS, `authority` is the file that a client has to trust."""

    port: int
    authority: Path | None = None

    def url(self, scheme: Literal["http", "ws"]) -> str:
        """Its URL; over TLS the scheme is the secure one."""
        return f"{scheme}{'s' if self.authority else ''}://127.0.0.1:{self.port}/hubs"

    @property
    def trust(self) -> dict[str, str]:
        """The variables by which Node's and Python's own defaults trust it."""
        if self.authority is None:
            return {}
        return {"NODE_EXTRA_CA_CERTS": str(self.authority), "SSL_CERT_FILE": str(self.authority)}


@contextmanager
def hub(*options: str, tls: bool = False) -> Iterator[tuple[Program, Hub]]:
    """The load generator, and where it listens."""
    with ExitStack() as stack:
        words: list[str | Path] = [LOAD, "hub", "--template", TEMPLATE, *options]
        authority = None
        if tls:
            folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="benchmark-")))
            authority, certificate, key = _certificates(folder)
            words += ["--certificate", certificate, "--key", key]
        program = stack.enter_context(running(Program(words)))
        yield program, Hub(int(program.line().split()[1]), authority)


def _certificates(folder: Path) -> tuple[Path, Path, Path]:
    """An authority, and a certificate of it with its key, as files."""
    authority = trustme.CA()
    issued = authority.issue_cert("127.0.0.1")
    paths = folder / "authority.pem", folder / "certificate.pem", folder / "key.pem"
    authority.cert_pem.write_to_path(str(paths[0]))
    for blob in issued.cert_chain_pems:
        blob.write_to_path(str(paths[1]), append=True)
    issued.private_key_pem.write_to_path(str(paths[2]))
    return paths


def until(look: Callable[[], bool], *, within_seconds: float, what: str) -> None:
    """Wait until `look` is true. Raises BenchmarkError when it takes too long."""
    limit = time.monotonic() + within_seconds
    while not look():
        if time.monotonic() > limit:
            raise BenchmarkError(f"{what}: not within {within_seconds:g} s")
        time.sleep(_POLL_SECONDS)


def run(command: Sequence[str | Path], *, limit_seconds: float, cwd: Path = ROOT) -> str:
    """The stdout of a command. Raises BenchmarkError with its message if it fails."""
    words = [str(word) for word in command]
    try:
        result = subprocess.run(  # noqa: S603 - commands of this package
            words, cwd=cwd, check=False, capture_output=True, text=True, timeout=limit_seconds
        )
    except FileNotFoundError:
        raise BenchmarkError(f"{words[0]} is not installed") from None
    except subprocess.TimeoutExpired:
        raise BenchmarkError(f"{' '.join(words)}: not done after {limit_seconds:g} s") from None
    if result.returncode != 0:
        raise BenchmarkError(
            f"{' '.join(words)} failed: {(result.stderr or result.stdout)[-_ERROR_CHARACTERS:]}"
        )
    return result.stdout


def build_load() -> None:
    """Compile the load generator if its sources are newer. Raises BenchmarkError without a C compiler."""
    sources = sorted((HERE / "load").glob("*.[ch]"))
    if LOAD.exists() and LOAD.stat().st_mtime > max(source.stat().st_mtime for source in sources):
        return
    BUILD.mkdir(exist_ok=True)
    fresh = LOAD.with_suffix(f".{os.getpid()}")
    code = [source for source in sources if source.suffix == ".c"]
    run(["cc", *_CFLAGS, "-o", fresh, *code, *_LIBRARIES], limit_seconds=120)
    fresh.rename(LOAD)
