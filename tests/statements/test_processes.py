"""The commands about what was, as real processes, and the signature of a statement."""

import subprocess
import sys
from pathlib import Path

from tests.support.statement_commands import PERIOD
from tests.support.tools import require_tool


def run(*arguments, **options):
    return subprocess.run(
        [sys.executable, "-m", "watchdog", *map(str, arguments)],
        capture_output=True,
        timeout=60,
        check=False,
        **options,
    )


def test_the_commands_work_as_processes(file, tmp_path):
    listed = run("incidents", "--history", file, "--to", "2026-12-01")
    assert (listed.returncode, listed.stdout.count(b"\n")) == (0, 3)
    path = tmp_path / "statement.json"
    made_ = run("report", "--history", file, *PERIOD, "--format", "json", "--output", path)
    assert (made_.returncode, made_.stdout, made_.stderr) == (0, b"", b"")
    assert run("verify", path, "--history", file).returncode == 0
    path.write_text(path.read_text().replace('"lost_seconds": 110.5', '"lost_seconds": 0.5'))
    differs = run("verify", path, "--history", file)
    assert differs.returncode == 1
    assert b"lost_seconds: stated 0.5, expected 110.5" in differs.stdout
    assert run("verify", tmp_path / "none.json").returncode == 2


README = (Path(__file__).parents[2] / "README.md").read_text()


def test_a_statement_is_signed_and_checked_with_the_two_commands_of_the_readme(stated, tmp_path):
    require_tool("ssh-keygen")
    subprocess.run(
        ["ssh-keygen", "-q", "-t", "ed25519", "-N", "", "-f", "key"], cwd=tmp_path, check=True, timeout=60
    )
    kind, key, *_ = (tmp_path / "key.pub").read_text().split()
    (tmp_path / "allowed_signers").write_text(f"sla@example.com {kind} {key}\n")
    sign, check = (line for line in README.splitlines() if line.startswith("ssh-keygen -Y "))

    def shell(command):
        return subprocess.run(  # noqa: S602 - as the README has it
            command, shell=True, cwd=tmp_path, capture_output=True, text=True, timeout=60, check=False
        )

    signed = shell(sign)
    assert signed.returncode == 0, signed.stderr
    checked = shell(check)
    assert checked.returncode == 0, checked.stderr
    assert 'Good "betcore-statement" signature for sla@example.com' in checked.stdout
    stated.write_text(stated.read_text() + " ")
    assert shell(check).returncode != 0
