"""The repository itself: the image, the lock files, the commands, and nothing of anyone's machine."""

import re
import socket
import subprocess
import tomllib
from pathlib import Path

import pytest
import trio

from tests.support.tools import require_tool

ROOT = Path(__file__).resolve().parents[2]
RUNTIME, DEVELOPMENT = "requirements.lock", "requirements-dev.lock"
FUZZING = "requirements-fuzz.lock"

# Joined here, so that this file does not find itself.
PLACES = re.compile(
    "|".join(
        "".join(parts)
        for parts in [
            ("/work", "/"),
            ("/opt/", "pypi"),
            ("/root", "/"),
            (r"pypi\.", "org"),
            (r"files\.", "pythonhosted"),
            (r"registry\.", "npmjs"),
        ]
    )
)


def canonical(requirement: str) -> str:
    """The normalised name in a requirement, as lock files write it."""
    name = re.match(r"[\w.-]+", requirement)
    assert name is not None, requirement
    return re.sub(r"[-_.]+", "-", name[0]).lower()


def locked(lock_file: str) -> dict[str, str]:
    lines = (ROOT / lock_file).read_text().splitlines()
    return dict(re.findall(r"^([\w.-]+)==(\S+)", "\n".join(lines), re.MULTILINE))


def declared() -> tuple[set[str], set[str]]:
    """The names that pyproject.toml asks for: at run time, and by the dependency groups."""
    document = tomllib.loads((ROOT / "pyproject.toml").read_text())
    groups = {name: group for name, group in document["dependency-groups"].items() if name != "fuzz"}
    entries = [entry for group in groups.values() for entry in group]
    return (
        {canonical(requirement) for requirement in document["project"]["dependencies"]},
        {canonical(entry) for entry in entries if isinstance(entry, str)},
    )


def committed_files() -> list[Path]:
    git = require_tool("git")
    listing = subprocess.run([git, "ls-files", "-z"], cwd=ROOT, check=True, capture_output=True, text=True)
    return [ROOT / name for name in listing.stdout.split("\0") if name]


def test_every_declared_dependency_is_locked():
    runtime, groups = declared()
    assert runtime <= locked(RUNTIME).keys()
    assert runtime | groups <= locked(DEVELOPMENT).keys()


def test_development_runs_the_very_versions_of_production():
    assert locked(RUNTIME).items() <= locked(DEVELOPMENT).items()


@pytest.mark.parametrize("lock_file", [RUNTIME, DEVELOPMENT, FUZZING])
def test_every_locked_package_has_hashes_and_no_address(lock_file):
    text = (ROOT / lock_file).read_text()
    requirements = re.split(r"^(?=[\w.-]+==)", text, flags=re.MULTILINE)[1:]
    assert len(requirements) == len(locked(lock_file))
    assert [text for text in requirements if "--hash=sha256:" not in text] == []
    assert re.findall(r"\w+://\S*|^--?\w*(?:index|find-links).*", text, re.MULTILINE) == []


def test_no_committed_file_names_a_machine_path_or_a_package_registry():
    named = [
        f"{path.relative_to(ROOT)}: {found[0]}"
        for path in committed_files()
        if path.is_file() and (found := PLACES.search(path.read_bytes().decode(errors="replace")))
    ]
    assert named == []


def test_hadolint_has_nothing_to_say_about_the_dockerfile():
    hadolint = require_tool("hadolint")
    result = subprocess.run([hadolint, "Dockerfile"], cwd=ROOT, check=False, capture_output=True, text=True)
    assert (result.returncode, result.stdout) == (0, "")


def test_make_help_explains_every_target():
    text = subprocess.run(
        [require_tool("make"), "help"], cwd=ROOT, check=True, capture_output=True, text=True
    ).stdout
    targets = re.findall(r"(?m)^([a-z-]+):", (ROOT / "Makefile").read_text())

    assert len(targets) > 10
    assert [target for target in targets if not re.search(rf"(?m)^  make {target} +\w", text)] == []


@pytest.mark.parametrize("address", [("192.0.2.1", 80), ("::ffff:192.0.2.1", 80), ("example.com", 80)])
def test_a_test_that_connects_beyond_loopback_fails(address):
    family = socket.AF_INET6 if ":" in address[0] else socket.AF_INET
    with socket.socket(family) as sock, pytest.raises(AssertionError, match="loopback addresses only"):
        sock.connect(address)


async def test_a_test_that_listens_beyond_loopback_fails_under_trio_too():
    with pytest.raises(AssertionError, match="loopback addresses only"):
        await trio.open_tcp_listeners(0, host="0.0.0.0")  # noqa: S104


async def test_a_test_may_talk_to_itself_over_loopback():
    (listener,) = await trio.open_tcp_listeners(0, host="127.0.0.1")
    async with listener, await trio.open_tcp_stream(*listener.socket.getsockname()) as client:
        server = await listener.accept()
        async with server:
            await client.send_all(b"update")
            assert await server.receive_some() == b"update"


def test_a_missing_tool_skips_a_test_but_fails_it_in_ci(monkeypatch):
    monkeypatch.delenv("CI", raising=False)
    with pytest.raises(pytest.skip.Exception, match="missing tool: no-such-tool"):
        require_tool("no-such-tool")
    monkeypatch.setenv("CI", "true")
    with pytest.raises(pytest.fail.Exception, match="missing tool: no-such-tool"):
        require_tool("no-such-tool")
