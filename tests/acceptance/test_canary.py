"""No token, secret or URL query gets out: every failure at once, and a search for marked ones everywhere."""

import base64
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote, quote_plus

import httpx
import pytest

from tests.acceptance.leaky_provider import ENDPOINTS, HUBS, ISSUED, NEGOTIATIONS, leaky_provider
from tests.acceptance.processes import Watched, eventually, output_of, program
from watchdog.config import load as config
from watchdog.config.validation import ConfigError

QUERY = "partner-query-canary-5150"
ENDPOINT_QUERY = "endpoint-query-canary-8118"
SECRET = "client secret-canary/7331+ü&%"
OPAQUE = "opaque-token-canary/4711+x=="
VARIABLE, SECRET_VARIABLE = "BETCORE_CANARY_TOKEN", "BETCORE_CANARY_SECRET"

PATHS = (
    "/",
    "/metrics",
    "/healthz",
    "/readyz",
    "/api/v1/status",
    f"/nowhere?access_token={OPAQUE}",
    f"/{OPAQUE}",
)


def jwt() -> str:
    parts = ({"alg": "none", "kid": "canary-header"}, {"sub": "canary-payload", "exp": 4_000_000_000})
    encoded = [base64.urlsafe_b64encode(json.dumps(part).encode()).rstrip(b"=").decode() for part in parts]
    return ".".join([*encoded, "canary-signature-0123456789"])


JWT = jwt()


def needles() -> Iterator[str]:
    """Every form that a marked secret may come out in."""
    for canary in (QUERY, ENDPOINT_QUERY, SECRET, OPAQUE, ISSUED, JWT, *JWT.split(".")):
        yield from (
            canary,
            quote(canary, safe=""),
            quote(canary),
            quote_plus(canary),
            json.dumps(canary)[1:-1],
        )
        for encode in (base64.b64encode, base64.urlsafe_b64encode):
            # Without its last characters, which depend on what follows.
            yield encode(canary.encode()).decode().rstrip("=")[:-2]


def found_in(text: str) -> set[str]:
    return {needle for needle in needles() if needle in text}


def feed(name: str, url: str, token: str, *, negotiate: bool = False) -> str:
    return f"""
[[feeds]]
name = "{name}"
url = "{url}?partner={QUERY}"
partner_client_id = 42
negotiate = {str(negotiate).lower()}
token = {token}
games = [{{ type = 3 }}]
"""


TOP = """
[web]
listen = "127.0.0.1:0"
[log]
format = "json"
level = "debug"
[reconnect]
max_seconds = 0.5
"""


def written(folder: Path, port: int) -> Path:
    """A configuration with a feed for every failure, with each kind of token."""
    (folder / "jwt").write_text(f"Bearer {JWT}\n")
    (folder / "opaque").write_text(OPAQUE)
    (folder / "secret").write_text(SECRET)
    hub = f"ws://127.0.0.1:{port}"
    tokens = {"jwt": '{ file = "jwt" }', "opaque": '{ file = "opaque" }', "env": f'{{ env = "{VARIABLE}" }}'}
    feeds = []
    for kind, token in tokens.items():
        feeds += [feed(f"{name}.{kind}", f"{hub}/{name}", token) for name in HUBS]
        feeds += [feed(f"{name}.{kind}", f"{hub}/{name}", token, negotiate=True) for name in NEGOTIATIONS]
        feeds += [
            feed(f"dns.{kind}", "ws://nowhere.invalid/hub", token),
            feed(f"tls.{kind}", f"wss://127.0.0.1:{port}/hub-401", token),
            feed(f"refused.{kind}", "ws://127.0.0.1:1/hub", token),
        ]
    for name in ENDPOINTS:
        for kind, secret in (
            ("file", 'secret_file = "secret"'),
            ("env", f'secret_env = "{SECRET_VARIABLE}"'),
        ):
            url = f"http://127.0.0.1:{port}/{name}?key={ENDPOINT_QUERY}"
            feeds.append(feed(f"{name}.{kind}", f"{hub}/hub-401", f'{{ url = "{url}", {secret} }}'))
    path = folder / "watchdog.toml"
    path.write_text(TOP + "".join(feeds))
    return path


@pytest.fixture(scope="module")
def provider() -> Iterator[int]:
    with leaky_provider() as port:
        yield port


@pytest.fixture
def file(tmp_path, provider, monkeypatch) -> Path:
    monkeypatch.setenv(VARIABLE, JWT)
    monkeypatch.setenv(SECRET_VARIABLE, SECRET)
    for name in [name for name in os.environ if name.lower().endswith("_proxy")]:
        monkeypatch.delenv(name)
    return written(tmp_path, provider)


def names(file: Path) -> set[str]:
    return {each.name for each in config.load(file).feeds}


def troubled(watched: Watched) -> set[str]:
    """The feeds that something went wrong with."""
    return {str(each["feed"]) for each in watched.events() if each["level"] == "warning" and "feed" in each}


def answers(address: str) -> str:
    """All that the web side says, heads included, to a client that itself shows a token."""
    said = []
    with httpx.Client(base_url=address, trust_env=False) as http:
        for path in PATHS:
            for headers in (
                {},
                {"accept": "application/openmetrics-text", "authorization": f"Bearer {OPAQUE}"},
            ):
                response = http.get(path, headers=headers)
                said.append(f"{path} {response.status_code} {response.headers} {response.text}")
        said.append(http.post("/metrics", content=OPAQUE).text)
    # What was asked for is ours; what was answered to it is searched.
    return "\n".join(said).replace(PATHS[-1], "").replace(PATHS[-2], "")


def of_process(process: int, name: str) -> str:
    return Path(f"/proc/{process}/{name}").read_bytes().decode(errors="replace")


def children_of(process: int) -> list[int]:
    tasks = [each.name for each in Path(f"/proc/{process}/task").iterdir()]
    return [int(each) for task in tasks for each in of_process(process, f"task/{task}/children").split()]


def test_nothing_leaks_from_a_run_through_every_failure(file, tmp_path):
    log = tmp_path / "stderr"
    with program("run", "--config", str(file), stderr=log) as process:
        watched = Watched(process, log)
        # Those that need a name server have to be waited for as long as it takes.
        expected = {name for name in names(file) if not name.startswith("dns")}
        eventually(lambda: troubled(watched) >= expected, within=60)
        eventually(
            lambda: (
                {"schema", "json", "protocol", "tls", "handshake", "server_close"}
                <= {each.get("reason") for each in watched.events()}
            )
        )
        said = answers(watched.address)
        file.write_text(f'token = "{OPAQUE}"\n[web]\nlisten = "{JWT}"\n{SECRET}')
        process.send_signal(signal.SIGHUP)
        eventually(lambda: watched.events("config.reload_failed"))
        file.write_text(f'[[feeds]]\nurl = "ws://x/?access_token={OPAQUE}"\ntoken = {{ env = "{JWT}" }}\n')
        process.send_signal(signal.SIGHUP)
        eventually(lambda: len(watched.events("config.reload_failed")) > 1)
        said += answers(watched.address)
        arguments = of_process(process.pid, "cmdline")
        # Nobody whose environment could hold the secrets.
        assert children_of(process.pid) == []
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
        said += output_of(process).read().decode()
    assert len(said) > 10_000
    assert found_in(said) == set()
    assert found_in(log.read_text()) == set()
    assert found_in(arguments) == set()


def test_nothing_leaks_from_a_demo_with_a_secret_of_ones_own(tmp_path):
    log = tmp_path / "stderr"
    with program("demo", stderr=log, env={"BETCORE_DEMO_SECRET": SECRET}) as process:
        said = [output_of(process).readline().decode() for _ in range(3)]
        address = said[1].split()[2].rstrip("/")
        eventually(lambda: 'betcore_token_refreshes_total{feed="demo",outcome="ok"} 1' in answers(address))
        said.append(answers(address))
        children = children_of(process.pid)
        said += [of_process(each, "cmdline") for each in (process.pid, *children)]
    assert len(children) == 1
    assert found_in("".join(said) + log.read_text()) == set()


@pytest.mark.parametrize("options", [["--json"], []])
def test_nothing_leaks_from_a_probe_through_every_failure(file, options):
    done = command("probe", "--config", str(file), "--duration", "2", *options)
    assert done.returncode == 2
    assert len(done.stdout.splitlines()) >= len(names(file))
    assert found_in(done.stdout + done.stderr) == set()


@pytest.mark.parametrize(
    "wrong",
    [
        'token = {{ env = "{token}" }}', 'token = {{ jwt = "{token}" }}', 'token = "{token}"',
        'token = {{ url = "https://user:{token}@x/" }}', 'access_token = "{token}"',
        'token = {{ url = "https://x/?access_token={token}", secret_env = "{token}" }}',
    ],
)  # fmt: skip
@pytest.mark.parametrize("canary", [JWT, OPAQUE])
def test_nothing_leaks_from_a_configuration_that_holds_a_secret_by_mistake(tmp_path, wrong, canary):
    path = tmp_path / "watchdog.toml"
    text = '[[feeds]]\nname = "betcore"\nurl = "ws://x/"\npartner_client_id = 1\ngames = [{ type = 3 }]\n'
    path.write_text(text + wrong.format(token=canary) + "\n")
    with pytest.raises(ConfigError) as raised:
        config.load(path)
    assert found_in(f"{raised.value!s} {raised.value!r}") == set()


def test_nothing_leaks_from_the_settings_however_they_are_shown(file):
    settings = config.load(file)
    shown = [f"{settings!r} {settings!s} {settings}"]
    for each in settings.feeds:
        shown += [f"{each!r} {each.url!r} {each.url!s} {each.url} {each.token!r} {each.token.url!r}"]
        shown += [f"{each.token.request!r} {each.token.request}"]
    assert "partner_client_id=42" in shown[0]
    assert found_in("".join(shown)) == set()


BUG = """
import sys
from watchdog.hub import connector
from watchdog.runtime import redaction
from watchdog import cli
def broken(to, *rest):
    raise LookupError(f"{to.url} {to.token} {rest}", {"token": to.token})
connector.endpoint_of = broken
if sys.argv.pop(1) == "unredacted":
    redaction.redact = cli.redact = lambda text: text
sys.exit(cli.main())
"""


def crashed(redacted: str, file: Path) -> subprocess.CompletedProcess[str]:
    return _completed("-c", BUG, redacted, "run", "--config", str(file))


def command(*arguments: str) -> subprocess.CompletedProcess[str]:
    return _completed("-m", "watchdog", *arguments)


def _completed(*arguments: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, *arguments], capture_output=True, text=True, timeout=60, check=False
    )


def test_nothing_leaks_from_the_traceback_of_a_mistake_of_ours(file):
    done = crashed("redacted", file)
    assert done.returncode == 70
    assert "LookupError" in done.stderr
    assert found_in(done.stdout + done.stderr) == set()


def test_the_search_finds_what_is_not_redacted(file):
    done = crashed("unredacted", file)
    assert {QUERY, OPAQUE} & found_in(done.stderr) or {QUERY, JWT} & found_in(done.stderr)
