"""Draws the README's pictures: `python -m tests.acceptance.pictures`, with the demo and a real Prometheus."""

import tempfile
import time
from pathlib import Path

import httpx

from grafana.pictures.draw import main as draw
from tests.acceptance.monitoring import prometheus
from tests.acceptance.processes import address_in, eventually, output_of, program

ROOT = Path(__file__).resolve().parents[2]
WATCHED_SECONDS = 8 * 60.0
IN_TROUBLE = 'sum(betcore_feed_state{state!~"fresh|maintenance"})'
PICTURES = {"overview": (), "game": ("--variable", "game=Poker")}


def main() -> None:
    """Watch the demo for some minutes, and draw when a few games are in trouble."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        with program("demo", stderr=folder / "demo.log") as demo:
            metrics = next(address_in(line) for line in output_of(demo) if line.startswith(b"metrics"))
            with prometheus(folder, metrics, alertmanager="127.0.0.1:1") as server:
                started = time.monotonic()
                eventually(lambda: time.monotonic() - started > WATCHED_SECONDS, within=WATCHED_SECONDS + 5)
                for board, choice in PICTURES.items():
                    eventually(lambda: 2 <= _in_trouble(server) <= 4, within=200)
                    arguments = [
                        "--prometheus",
                        f"http://{server}",
                        "--scrape-interval",
                        "1s",
                        "--range",
                        "5m",
                    ]
                    arguments += [
                        "--dashboard",
                        str(ROOT / f"grafana/dashboards/betcore-{board}.json"),
                        *choice,
                    ]
                    if draw([*arguments, "--output", str(ROOT / f"docs/dashboard-{board}.png")]):
                        raise SystemExit(1)


def _in_trouble(server: str) -> float:
    answer = httpx.get(f"http://{server}/api/v1/query", params={"query": IN_TROUBLE}).json()
    return float(answer["data"]["result"][0]["value"][1])


if __name__ == "__main__":
    main()
