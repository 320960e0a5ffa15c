"""Where the work of a command goes, and what a terminal shows meanwhile."""

import io
import os
import stat
import subprocess
import sys
import time
from pathlib import Path

from tests.support.statement_commands import PERIOD, made, refused, statement_of
from watchdog.cli import progress as progress_module
from watchdog.cli.progress import Progress


def test_a_file_that_is_there_keeps_its_mode_and_is_whole_or_as_it_was(capsys, file, now, tmp_path):
    output = tmp_path / "s.json"
    output.write_text("before")
    output.chmod(0o640)
    report = ("report", "--history", file, *PERIOD, "--format", "json", "--output")
    assert "no game" in refused(capsys, *report, output, "--feed", "another")
    assert output.read_text() == "before"
    link = tmp_path / "link.json"
    link.symlink_to(output)
    assert made(capsys, *report, link) == ""
    assert link.is_symlink()
    assert statement_of(output.read_bytes()).games
    assert stat.S_IMODE(output.stat().st_mode) == 0o640
    assert {path.name for path in tmp_path.iterdir()} >= {"s.json", "link.json"}
    assert not list(tmp_path.glob(".*"))


def test_a_write_that_fails_leaves_nothing_behind(capsys, file, now, tmp_path, monkeypatch):
    folder = tmp_path / "out"
    folder.mkdir()

    def full(descriptor):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    line = refused(capsys, "report", "--history", file, *PERIOD, "--output", folder / "s.html")
    assert line.endswith("No space left on device")
    assert list(folder.iterdir()) == []


def test_a_device_is_written_to_and_not_replaced(capsys, file, now, tmp_path):
    os.mkfifo(tmp_path / "pipe")
    report = (sys.executable, "-m", "watchdog", "report", "--history", str(file), *PERIOD, "--format", "json")
    with subprocess.Popen([*report, "--output", str(tmp_path / "pipe")]) as process:
        assert statement_of((tmp_path / "pipe").read_bytes()).games
        assert process.wait(60) == 0
    assert (tmp_path / "pipe").is_fifo()


def test_standard_output_that_takes_nothing_is_one_line(file):
    with Path("/dev/full").open("wb") as full:
        done = subprocess.run(
            [sys.executable, "-m", "watchdog", "report", "--history", str(file), *PERIOD],
            stdout=full,
            stderr=subprocess.PIPE,
            timeout=60,
            check=False,
        )
    assert (done.returncode, done.stderr.decode()) == (
        2,
        "betcore-watchdog: standard output: No space left on device\n",
    )


def test_a_pdf_is_not_written_to_a_terminal(capsys, file, now, monkeypatch):
    monkeypatch.setattr("sys.stdout.isatty", lambda: True, raising=False)
    assert refused(capsys, "report", "--history", file, *PERIOD, "--format", "pdf").startswith("--output")


class Screen(io.StringIO):
    """A stream that is a terminal, or isn't."""

    def __init__(self, *, terminal, error=None):
        super().__init__()
        self.terminal, self.error = terminal, error

    def isatty(self):
        return self.terminal

    def write(self, text):
        if self.error:
            raise self.error
        return super().write(text)


def wait_until(holds):
    deadline = time.monotonic() + 30
    while not holds():
        assert time.monotonic() < deadline
        time.sleep(0.005)


def test_a_bar_shows_the_steps_on_a_terminal_and_is_gone_at_the_end(monkeypatch):
    monkeypatch.setattr(progress_module, "SHOWN_AFTER_SECONDS", 0.0)
    monkeypatch.setattr(progress_module, "_REDRAW_SECONDS", 0.001)
    screen = Screen(terminal=True)
    with Progress(2, screen) as progress:
        progress.step("reading history.db")
        wait_until(lambda: f"[{'.' * 24}] reading history.db" in screen.getvalue())
        progress.step("writing html")
        wait_until(lambda: f"[{'#' * 12}{'.' * 12}] writing html" in screen.getvalue())
    assert screen.getvalue().endswith("\r\x1b[K")


def test_no_bar_is_drawn_for_a_moment_nor_where_nobody_looks(monkeypatch):
    quick = Screen(terminal=True)
    with Progress(1, quick) as progress:
        progress.step("reading")
    monkeypatch.setattr(progress_module, "SHOWN_AFTER_SECONDS", 0.0)
    file = Screen(terminal=False)
    with Progress(1, file) as progress:
        progress.step("reading")
        time.sleep(0.01)
    assert (quick.getvalue(), file.getvalue()) == ("", "")


def test_a_terminal_that_is_gone_ends_nothing(monkeypatch):
    monkeypatch.setattr(progress_module, "SHOWN_AFTER_SECONDS", 0.0)
    with Progress(1, Screen(terminal=True, error=OSError(5, "gone"))) as progress:
        wait_until(progress._over.is_set)
        progress.step("reading")
