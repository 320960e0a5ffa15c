"""Write the dashboards: `python -m grafana`."""

from pathlib import Path

from grafana.game import game
from grafana.overview import overview
from grafana.sla import sla
from grafana.watchdog import watchdog

FOLDER = Path(__file__).parent / "dashboards"


def dashboards() -> dict[str, str]:
    """The JSON of every dashboard, by file name."""
    return {
        "betcore-game.json": game(),
        "betcore-overview.json": overview(),
        "betcore-sla.json": sla(),
        "betcore-watchdog.json": watchdog(),
    }


def main() -> None:
    """Write what has changed or is missing, and delete what no longer exists."""
    made = dashboards()
    for path in FOLDER.glob("*.json"):
        if path.name not in made:
            path.unlink()
    FOLDER.mkdir(exist_ok=True)
    for name, text in made.items():
        (FOLDER / name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main()
