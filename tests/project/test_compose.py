"""compose.yaml, as far as it can be tried without an engine: its files, its promises, its configurations."""

import re
import shutil
import subprocess
import sys
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

from tests.acceptance.monitoring import alertmanager
from tests.acceptance.processes import eventually
from tests.support.tools import require_tool
from watchdog.simulator.games import GAMES

ROOT = Path(__file__).resolve().parents[2]
ALERTS = ROOT / "alerts"
PROVISIONING = ROOT / "grafana" / "provisioning"


def _yaml(path: Path) -> Any:
    return yaml.safe_load(path.read_text())


COMPOSE = _yaml(ROOT / "compose.yaml")
FEED = _yaml(ROOT / "compose.feed.yaml")
SERVICES: dict[str, dict[str, Any]] = COMPOSE["services"]

each_service = pytest.mark.parametrize("name", SERVICES)


def _mounts(service: dict[str, Any]) -> list[tuple[str, str, str]]:
    """Source, path in the container, and mode of each mount."""
    return [(*volume.split(":"), "rw")[:3] for volume in service.get("volumes", [])]


@pytest.fixture
def container(tmp_path) -> Callable[[str], Path]:
    """Makes a folder that holds a service's mounted files where the container has them."""

    def make(name: str) -> Path:
        for source, target, _ in _mounts(SERVICES[name]):
            if source.startswith("."):
                place = tmp_path / target.lstrip("/")
                place.parent.mkdir(parents=True, exist_ok=True)
                copy = shutil.copytree if (ROOT / source).is_dir() else shutil.copy
                copy(ROOT / source, place)
        return tmp_path

    return make


def _says(*command: str) -> str:
    result = subprocess.run(command, check=False, capture_output=True, text=True)
    assert result.returncode == 0, result.stdout + result.stderr
    return result.stdout


def test_the_whole_chain_is_there():
    assert SERVICES.keys() == {"simulator", "watchdog", "prometheus", "alertmanager", "pager", "grafana"}


@each_service
def test_a_service_is_built_here_or_pinned_to_an_exact_version(name):
    service = SERVICES[name]

    if "image" in service:
        assert re.fullmatch(r"[a-z]+/[a-z]+:v?\d+\.\d+\.\d+", service["image"])
    else:
        assert service["build"] == "."


@each_service
def test_a_service_can_write_nowhere_but_where_it_must(name):
    service = SERVICES[name]

    assert service["read_only"] is True
    for source, _, mode in _mounts(service):
        assert mode == ("ro" if source.startswith("./") else "rw")
        assert source.startswith("./") or source in COMPOSE["volumes"]


@each_service
def test_a_service_has_no_privileges(name):
    service = SERVICES[name]
    user, _ = service["user"].split(":")

    assert service["cap_drop"] == ["ALL"]
    assert service["security_opt"] == ["no-new-privileges:true"]
    assert service["pids_limit"] <= 256
    assert service["ulimits"] == {"core": 0}
    assert int(user) > 0
    assert service.keys().isdisjoint({"privileged", "cap_add", "devices", "pid", "ipc"})


@each_service
def test_a_service_is_published_on_loopback_only(name):
    for port in SERVICES[name].get("ports", []):
        assert re.fullmatch(r"127\.0\.0\.1:(\d+):\1", port)


@each_service
def test_a_service_says_whether_it_is_well(name):
    check = SERVICES[name]["healthcheck"]

    if name == "watchdog":
        assert "\nHEALTHCHECK " in (ROOT / "Dockerfile").read_text()
    else:
        assert check["test"][0] == "CMD"
    assert check["interval"] == "5s"


@each_service
def test_a_service_waits_until_what_it_needs_is_well(name):
    for needed, how in SERVICES[name].get("depends_on", {}).items():
        assert needed in SERVICES
        assert how["condition"] == "service_healthy"


def test_prometheus_does_not_wait_for_the_watchdog_whose_absence_it_tells():
    assert "watchdog" not in SERVICES["prometheus"]["depends_on"]


@each_service
def test_every_mounted_file_is_in_the_repository(name):
    for source, _, _ in _mounts(SERVICES[name]):
        assert not source.startswith("./") or (ROOT / source).exists(), source


def test_no_environment_holds_a_secret():
    secret = re.compile("password|secret|token|key", re.IGNORECASE)
    names = [name for service in SERVICES.values() for name in service.get("environment", {})]

    assert [name for name in names if secret.search(name)] == []


def test_prometheus_differs_from_the_example_in_its_addresses_only():
    ours, example = ((folder / "prometheus.yml").read_text() for folder in (ROOT / "compose", ALERTS))
    example = example.replace("127.0.0.1:9093", "alertmanager:9093").replace(
        "127.0.0.1:9877", "watchdog:9877"
    )
    example = example.replace('"*.rules.yml"', '"alerts/*.rules.yml"')

    assert yaml.safe_load(ours) == yaml.safe_load(example)


def test_the_addresses_that_prometheus_knows_are_those_of_the_services():
    config = _yaml(ROOT / "compose" / "prometheus.yml")
    watchdog = tomllib.loads((ROOT / "compose" / "simulator" / "watchdog.toml").read_text())
    (target,) = config["scrape_configs"][0]["static_configs"][0]["targets"]

    assert target == "watchdog:" + watchdog["web"]["listen"].split(":")[1]
    assert SERVICES["watchdog"]["ports"] == ["127.0.0.1:9877:9877"]
    assert SERVICES["grafana"]["environment"]["PROMETHEUS_URL"] == "http://prometheus:9090"


def test_promtool_accepts_the_mounted_configuration_with_every_rule(container):
    config = container("prometheus") / "etc/prometheus/prometheus.yml"

    said = _says(require_tool("promtool"), "check", "config", str(config))

    assert "FAILED" not in said
    assert said.count(" rules found") == len(list(ALERTS.glob("*.rules.yml")))


def test_amtool_accepts_the_mounted_configuration_with_its_templates(container):
    config = container("alertmanager") / "etc/alertmanager/alertmanager.yml"

    said = _says(require_tool("amtool"), "check-config", str(config))

    assert "SUCCESS" in said
    assert "1 templates" in said


def test_the_watchdog_accepts_the_mounted_configuration(container):
    config = container("watchdog") / "etc/betcore-watchdog/watchdog.toml"
    command = re.findall(r"(?m)^CMD \[(.+)\]$", (ROOT / "Dockerfile").read_text())[-1]

    _says(sys.executable, "-m", "watchdog", "check-config", str(config))
    assert command.endswith('"/etc/betcore-watchdog/watchdog.toml"')


def test_the_simulated_feed_is_that_of_the_simulator():
    folder = ROOT / "compose" / "simulator"
    (feed,) = tomllib.loads((folder / "watchdog.toml").read_text())["feeds"]
    address = SERVICES["simulator"]["command"][2].replace("0.0.0.0", "simulator")  # noqa: S104 - a text

    assert feed["url"] == f"ws://{address}/hubs"
    assert feed["token"]["url"] == f"http://{address}/auth/token"
    assert (folder / feed["token"]["secret_file"]).is_file()
    assert {game["type"]: game["name"] for game in feed["games"]} == dict(GAMES)


def test_the_real_feed_takes_the_place_of_the_simulated_one():
    ((_, target, mode),) = _mounts(FEED["services"]["watchdog"])
    example = tomllib.loads((ROOT / "watchdog.example.toml").read_text())
    (secret,) = FEED["services"]["watchdog"]["secrets"]

    assert FEED["services"]["simulator"]["profiles"] == ["simulated"]
    assert SERVICES["watchdog"]["depends_on"]["simulator"]["required"] is False
    assert (target, mode) == (_mounts(SERVICES["watchdog"])[0][1], "ro")
    assert example["feeds"][0]["token"]["file"] == f"/run/secrets/{secret}"
    assert FEED["secrets"][secret].keys() == {"file"}


def test_grafana_finds_prometheus_and_knows_how_often_it_scrapes():
    (source,) = _yaml(PROVISIONING / "datasources" / "prometheus.yaml")["datasources"]
    scraped = _yaml(ALERTS / "prometheus.yml")["global"]["scrape_interval"]

    assert (source["uid"], source["type"], source["isDefault"]) == ("prometheus", "prometheus", True)
    assert source["editable"] is False
    assert source["url"].removeprefix("$") in SERVICES["grafana"]["environment"]
    assert source["jsonData"]["timeInterval"] == scraped


def test_grafana_finds_the_dashboards_and_opens_with_the_overview():
    (provider,) = _yaml(PROVISIONING / "dashboards" / "betcore.yaml")["providers"]
    mounted = {target: source for source, target, _ in _mounts(SERVICES["grafana"])}
    home = Path(SERVICES["grafana"]["environment"]["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"])

    assert (provider["type"], provider["folder"]) == ("file", "BETCORE")
    assert (provider["allowUiUpdates"], provider["disableDeletion"]) == (False, True)
    assert mounted[provider["options"]["path"]] == "./grafana/dashboards"
    assert mounted["/etc/grafana/provisioning"] == "./grafana/provisioning"
    assert home.parent == Path(provider["options"]["path"])
    assert (ROOT / "grafana" / "dashboards" / home.name).is_file()


def test_the_pager_stands_where_alertmanager_pages():
    (port,) = SERVICES["pager"]["command"]
    receivers = _yaml(ALERTS / "alertmanager.yml")["receivers"]
    urls = [hook["url"] for receiver in receivers for hook in receiver["webhook_configs"]]

    assert SERVICES["pager"]["network_mode"] == "service:alertmanager"
    assert all(url.startswith(f"http://127.0.0.1:{port}/") for url in urls)


def test_the_pager_prints_whom_a_real_alertmanager_pages(tmp_path):
    said = tmp_path / "pager.txt"
    with said.open("wb") as output:
        process = subprocess.Popen([sys.executable, ROOT / "compose" / "pager.py", "0"], stdout=output)
    try:
        port = eventually(lambda: re.findall(r"127\.0\.0\.1:(\d+)\n", said.read_text()))[0]
        assert httpx.get(f"http://127.0.0.1:{port}").status_code == 200
        alert = {
            "labels": {"alertname": "BetcoreFeedSilent", "severity": "critical", "feed": "betcore"},
            "annotations": {"summary": "Poker (betcore): no updates"},
        }
        with alertmanager(tmp_path, f"http://127.0.0.1:{port}") as manager:
            httpx.post(f"http://{manager}/api/v2/alerts", json=[alert]).raise_for_status()
            eventually(lambda: "\npage   firing   Poker (betcore): no updates\n" in said.read_text())
    finally:
        process.terminate()
        process.wait()
