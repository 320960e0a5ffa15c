"""The tables of the configuration: their keys, types, defaults, and the rules between keys."""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Annotated, ClassVar, Literal

from msgspec import Meta
from msgspec.structs import replace

from watchdog.config.rules import ca_mistake, duplicates, exactly_one, pair_mistake, tables, unreadable
from watchdog.config.users import Users
from watchdog.config.validation import Mistake, Section, Table
from watchdog.config.values import ExternalUrl, HttpUrl, Listen, Proxy, RequestTemplate, WebSocketUrl
from watchdog.core.checks.settings import DEFAULT_OBJECTIVE, CheckSettings

_MOST_GAMES = 5000
_INT64_BITS = 64

Label = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_.:-]{1,64}\Z",
        description='1 to 64 letters, digits and "_", "-", ".", ":"',
    ),
]
Name = Annotated[str, Meta(min_length=1, max_length=64, description="1 to 64 printable characters")]
GameType = Annotated[int, Meta(ge=1, le=2**31 - 1)]
ClientId = Annotated[int, Meta(ge=0, le=2**63 - 1)]
EnvironmentName = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z_][A-Za-z0-9_]{0,127}\Z",
        description="the name of an environment variable: letters, digits and underscores",
    ),
]
FieldPath = Annotated[
    str,
    Meta(
        pattern=r"^[A-Za-z0-9_-]{1,64}(\.[A-Za-z0-9_-]{1,64}){0,7}\Z",
        description='the path of a field in the answer, such as "data.access_token"',
    ),
]
RefreshLead = Annotated[float, Meta(ge=0.001, le=86_400.0)]
KeepDays = Annotated[float, Meta(ge=1.0, le=10_000.0)]
BackoffSeconds = Annotated[float, Meta(ge=0.001, le=3_600.0)]
SocketSeconds = Annotated[float, Meta(ge=0.1, le=3_600.0)]
Objective = Annotated[
    float,
    # With 1 there would be no budget to use, and nothing to divide by.
    Meta(ge=0.001, le=0.999999, description="a share from 0.001 to 0.999999, such as 0.999"),
]


class Web(Section, frozen=True, kw_only=True):
    """Where metrics, health and the status page are served, and how they are protected.

    `external_url` is where people reach them; None means the address listened on.
    """

    listen: Listen = Listen("127.0.0.1:9877")
    tls_cert_file: Path | None = None
    tls_key_file: Path | None = None
    basic_auth_file: Path | None = None
    external_url: ExternalUrl | None = None

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Mistakes in the files for TLS: both or neither, and usable now."""
        pair = ("tls_cert_file", "tls_key_file")
        missing = [key for key in pair if key not in given]
        if len(missing) == 1:
            yield missing[0], f"missing, expected {pair[0]} and {pair[1]} both or neither"
        mistakes = {key: why for key in pair if (why := unreadable(valid.get(key)))}
        cert, key = valid.get(pair[0]), valid.get(pair[1])
        if cert and key and not mistakes and (why := pair_mistake(cert, key)):
            mistakes[pair[0]] = why
        yield from mistakes.items()


class Log(Section, frozen=True, kw_only=True):
    """What is logged and how; without a format it is console on a terminal, JSON elsewhere."""

    format: Literal["json", "console"] | None = None
    level: Literal["debug", "info", "warning", "error"] = "info"


class Token(Section, frozen=True, kw_only=True):
    """Where a feed's access token comes from: exactly one of `file`, `env` and `url`.

    All other keys belong to `url`, an endpoint that is sent the client's secret. Only names stand here,
    never a secret. `refresh_before_seconds` is 0.001 to 86400 before the token's expiry; `token_field`
    and `expires_field` are dotted paths in the endpoint's answer, None means the usual names.
    """

    # Somebody may have put the token itself where its name belongs.
    echo: ClassVar[bool] = False

    file: Path | None = None
    env: EnvironmentName | None = None
    url: HttpUrl | None = None
    secret_file: Path | None = None
    secret_env: EnvironmentName | None = None
    refresh_before_seconds: RefreshLead = 300.0
    request: RequestTemplate = RequestTemplate(
        {"PartnerClientId": "{partner_client_id}", "Secret": "{secret}"}
    )
    token_field: FieldPath | None = None
    expires_field: FieldPath | None = None

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Mistakes in the choice: one source, and the endpoint's keys only with the endpoint."""
        del valid
        sources = ("file", "env", "url")
        yield from exactly_one(given, sources, "exactly one of file, env, url")
        if "url" in given:
            secrets = ("secret_file", "secret_env")
            yield from exactly_one(given, secrets, "exactly one of secret_file, secret_env with url")
            return
        for key in Token.__struct_fields__:
            if key in given and key not in sources:
                yield key, "only allowed together with url"


class Slo(Section, frozen=True, kw_only=True):
    """The objective: the share of the accountable time in which a game is to be fresh."""

    freshness: Objective = DEFAULT_OBJECTIVE


class Game(Section, frozen=True, kw_only=True):
    """A game type to watch, with its final check settings and objective; the name defaults to the number."""

    type: GameType
    name: Name = ""
    checks: CheckSettings = CheckSettings()
    slo: Slo = Slo()

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """A mistake for a name that nobody could read."""
        del given
        name = valid.get("name", "")
        if not name.isprintable() or (name and not name.strip()):
            yield "name", "expected 1 to 64 printable characters"


class Feed(Section, frozen=True, kw_only=True):
    """One hub and the games watched there; `checks` and `slo` are what its games inherit.

    `proxy` is for every request and connection of the feed. We ping the hub every `keep_alive_seconds`, and
    give a connection up after `server_timeout_seconds` without a record; each is 0.1 to 3600.
    """

    name: Label
    url: WebSocketUrl
    partner_client_id: ClientId
    token: Token
    games: Annotated[tuple[Game, ...], Meta(min_length=1)]
    negotiate: bool = False
    ca_file: Path | None = None
    proxy: Proxy = Proxy("env")
    keep_alive_seconds: SocketSeconds = 15.0
    server_timeout_seconds: SocketSeconds = 30.0
    checks: CheckSettings = CheckSettings()
    slo: Slo = Slo()

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Mistakes in what tells the games apart, and in the private CA, which must be usable now."""
        games = tables(given, "games")
        yield from duplicates("games", "type", [game.get("type") for game in games])
        yield from duplicates(
            "games", "name", [game.get("name", _numeral(game.get("type"))) for game in games]
        )
        if (ca_file := valid.get("ca_file")) and (why := unreadable(ca_file) or ca_mistake(ca_file)):
            yield "ca_file", why


def _numeral(game_type: object) -> str | None:
    # Python refuses to write an integer of thousands of digits.
    return str(game_type) if isinstance(game_type, int) and game_type.bit_length() < _INT64_BITS else None


class Reconnect(Section, frozen=True, kw_only=True):
    """The bounds of the backoff between two attempts to connect, 0.001 to 3600 seconds."""

    initial_seconds: BackoffSeconds = 0.25
    max_seconds: BackoffSeconds = 30.0

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """A mistake if the bounds are in the wrong order."""
        low, high = valid.get("initial_seconds"), valid.get("max_seconds")
        if low is not None and high is not None and high < low:
            key = "max_seconds" if "max_seconds" in given else "initial_seconds"
            yield key, f"expected max_seconds ({high:g}) to be at least initial_seconds ({low:g})"


class History(Section, frozen=True, kw_only=True):
    """Where what happened is kept, and for how long: 1 to 10,000 days."""

    file: Path
    keep_days: KeepDays = 400

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """A mistake if the file can't be one."""
        del given
        if (file := valid.get("file")) and file.is_dir():
            yield "file", "expected the path of a file, got a directory"


class Document(Section, frozen=True, kw_only=True):
    """What may stand at the top of the file."""

    web: Web = Web()
    log: Log = Log()
    feeds: Annotated[tuple[Feed, ...], Meta(min_length=1)]
    checks: CheckSettings = CheckSettings()
    slo: Slo = Slo()
    reconnect: Reconnect = Reconnect()
    history: History | None = None

    @staticmethod
    def rules(given: Table, valid: Table) -> Iterator[Mistake]:
        """Mistakes in what tells the feeds apart, and in the number of games."""
        del valid
        feeds = tables(given, "feeds")
        yield from duplicates("feeds", "name", [feed.get("name") for feed in feeds])
        count = sum(len(tables(feed, "games")) for feed in feeds)
        if count > _MOST_GAMES:
            yield "feeds", f"expected at most {_MOST_GAMES} games in all feeds together, got {count}"


class Config(Document, frozen=True, kw_only=True):
    """The whole configuration, valid and complete, the file it came from, and who may see the web side."""

    source: Path
    users: Users | None = None

    @property
    def digest(self) -> str:
        """What tells this configuration from others: of its values, not of the file's text or any secret."""
        return sha256(repr(replace(self, source=Path(), users=None)).encode()).hexdigest()[:16]
