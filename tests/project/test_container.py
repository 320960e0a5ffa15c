"""What the image promises, tried without an engine: the wheel on a read-only root, as nobody."""

import json
import re
import signal
import subprocess
import sys
import sysconfig
import zipfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import httpx
import pytest

from tests.acceptance.processes import eventually, output_of
from tests.support.tools import require_tool

ROOT = Path(__file__).resolve().parents[2]
NOBODY = 65532
INSTALLED, CONFIG = "/opt/betcore-watchdog", "/etc/betcore-watchdog"
DEVICES = {"/dev/null", "/dev/urandom"}
# Where Trio looks a library up; without it Python tries to write a temporary file.
LOADER = "/etc/ld.so.cache"

# Builds a root like the image's out of what is here, in a mount namespace of its own: the system, Python, the
# installed package and the configuration, all of it read-only. There is no /tmp and no /dev/shm.
ENTER = f"""
set -eu
show() {{ mount --bind "$1" ".$2"; mount -o remount,bind,ro ".$2"; }}
mount -t tmpfs -o mode=755 tmpfs "$ROOTFS"
cd "$ROOTFS"
mkdir -p usr dev proc ".$PYTHON" .{INSTALLED} .{CONFIG}
touch .{LOADER} {" ".join("." + device for device in DEVICES)}
ln -s usr/bin usr/sbin usr/lib usr/lib64 .
show /usr /usr
show "$PYTHON" "$PYTHON"
show "$PACKAGE" {INSTALLED}
show "$LIBRARIES" {INSTALLED}/libraries
show "$SETTINGS" {CONFIG}
show {LOADER} {LOADER}
for device in {" ".join(DEVICES)}; do mount --bind $device .$device; done
mount -t proc -o ro proc proc
mount -o remount,ro .
exec chroot . setpriv --reuid {NOBODY} --regid {NOBODY} --clear-groups --no-new-privs \
  --bounding-set=-all --inh-caps=-all --ambient-caps=-all "$@"
"""


@pytest.fixture(scope="module", autouse=True)
def _permitted(tmp_path_factory):
    for tool in ("unshare", "setpriv", "chroot"):
        require_tool(tool)
    mount = ["unshare", "--mount", "mount", "-t", "tmpfs", "tmpfs", str(tmp_path_factory.mktemp("mount"))]
    attempt = subprocess.run(mount, check=False, capture_output=True, text=True)
    if attempt.returncode != 0:
        pytest.skip(f"only with the privilege to mount: {attempt.stderr.strip()}")


@pytest.fixture(scope="module")
def package(tmp_path_factory) -> Path:
    """A folder with the content of the wheel."""
    folder = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "--target", "wheel", "--directory", str(folder)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    (wheel,) = folder.glob("*.whl")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder / "package")
    (folder / "package" / "libraries").mkdir()
    return folder / "package"


class Cage:
    """Starts the installed program in the root file system that `ENTER` builds."""

    def __init__(self, folder: Path, package: Path) -> None:
        self.log = folder / "stderr.txt"
        self.settings = folder / "settings"
        rootfs = folder / "rootfs"
        for place in (self.settings, rootfs):
            place.mkdir(mode=0o755)
        self._places = {
            "ROOTFS": rootfs,
            "PYTHON": sys.base_prefix,
            "PACKAGE": package,
            "LIBRARIES": sysconfig.get_path("purelib"),
            "SETTINGS": self.settings,
        }

    @contextmanager
    def program(self, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
        """`betcore-watchdog` with these arguments; terminated on leaving."""
        python = Path(sys.executable).resolve()
        enter = ["unshare", "--mount", "sh", "-c", ENTER, "sh"]
        environment = {
            "PATH": "/usr/sbin:/usr/bin:/sbin:/bin",
            "PYTHONPATH": f"{INSTALLED}:{INSTALLED}/libraries",
            "PYTHONDONTWRITEBYTECODE": "1",
        }
        with self.log.open("ab") as log:
            process = subprocess.Popen(
                [*enter, str(python), "-m", "watchdog", *arguments],
                stdout=subprocess.PIPE,
                stderr=log,
                env=environment | {name: str(place) for name, place in self._places.items()},
            )
        try:
            yield process
        finally:
            process.kill()
            process.wait()
            output_of(process).close()


@pytest.fixture
def cage(tmp_path, package) -> Cage:
    return Cage(tmp_path, package)


@contextmanager
def _watching(cage: Cage) -> Iterator[tuple[subprocess.Popen[bytes], str]]:
    """The caged watchdog on the caged simulator; yields it and its address."""
    with cage.program("simulate", "--listen", "127.0.0.1:0", "--games", "1") as simulator:
        hub = re.search(rb"ws://\S+", output_of(simulator).readline())
        assert hub is not None, cage.log.read_text()
        token = output_of(simulator).readline().split()[1].decode()
        (cage.settings / "secret").write_text("any-secret")
        (cage.settings / "watchdog.toml").write_text(
            f'[web]\nlisten = "127.0.0.1:0"\n[[feeds]]\nname = "betcore"\nurl = "{hub[0].decode()}"\n'
            f'partner_client_id = 1\ntoken.url = "{token}"\ntoken.secret_file = "secret"\n'
            "[[feeds.games]]\ntype = 1\n"
        )
        with cage.program("run", "--config", f"{CONFIG}/watchdog.toml") as watchdog:
            yield watchdog, eventually(lambda: _address(cage, watchdog))


def _address(cage: Cage, process: subprocess.Popen[bytes]) -> str | None:
    text = cage.log.read_text()
    assert process.poll() is None, text
    events = [json.loads(line) for line in text.splitlines() if line.endswith("}")]
    return next((event["address"] for event in events if event["event"] == "watchdog.started"), None)


def _status(process: subprocess.Popen[bytes]) -> Mapping[str, list[str]]:
    lines = Path(f"/proc/{process.pid}/status").read_text().splitlines()
    return {name: value.split() for name, _, value in (line.partition(":") for line in lines)}


def _writable(process: subprocess.Popen[bytes]) -> set[str]:
    """The mounts that the process sees and that are not read-only."""
    mounts = [line.split() for line in Path(f"/proc/{process.pid}/mountinfo").read_text().splitlines()]
    return {mount[4] for mount in mounts if "ro" not in mount[5].split(",")}


def test_the_installed_watchdog_watches_where_nothing_can_be_written(cage):
    with _watching(cage) as (watchdog, address):
        eventually(
            lambda: httpx.get(f"{address}/api/v1/status").json()["feeds"][0]["games"][0]["messages"] > 2
        )

        assert _writable(watchdog) == DEVICES
        assert 'betcore_feed_connected{feed="betcore",game="1",game_type="1"} 1.0' in (
            httpx.get(f"{address}/metrics").text
        )
        for path in ("/", "/static/page.css", "/static/page.js", "/healthz", "/readyz"):
            assert httpx.get(address + path).status_code == 200


def test_it_runs_as_nobody_and_without_any_privilege(cage):
    with _watching(cage) as (watchdog, _):
        status = _status(watchdog)

    assert status["Uid"] == status["Gid"] == [str(NOBODY)] * 4
    assert status["Groups"] == []
    assert {int(status[f"Cap{kind}"][0], 16) for kind in ("Inh", "Prm", "Eff", "Bnd", "Amb")} == {0}
    assert status["NoNewPrivs"] == ["1"]


def test_it_still_ends_in_order_when_asked_to(cage):
    with _watching(cage) as (watchdog, _):
        watchdog.send_signal(signal.SIGTERM)

        assert watchdog.wait(10) == 0
    assert "Traceback" not in cage.log.read_text()


def test_the_user_of_the_image_is_the_one_of_these_tests():
    assert f"USER {NOBODY}:{NOBODY}" in (ROOT / "Dockerfile").read_text()
