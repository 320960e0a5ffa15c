"""Which proxy leads where: the environment as HTTP clients read it, or an address."""

from base64 import b64decode

import httpx
import pytest

from tests.support.raw_server import without_proxies
from watchdog.runtime.proxies import Proxy, ProxyError, proxy_for
from watchdog.runtime.redaction import redact

PROXY = "http://proxy.example:3128"
THERE = Proxy("proxy.example", 3128)


@pytest.fixture
def environment(monkeypatch):
    """Sets variables, of which there are none before."""
    without_proxies(monkeypatch)
    monkeypatch.delenv("REQUEST_METHOD", raising=False)

    def set_to(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(name, value)

    return set_to


@pytest.mark.parametrize(
    ("variable", "ways"),
    [
        ("HTTPS_PROXY", {"https", "wss"}),
        ("https_proxy", {"https", "wss"}),
        ("HTTP_PROXY", {"http", "ws"}),
        ("http_proxy", {"http", "ws"}),
        ("ALL_PROXY", {"http", "ws", "https", "wss"}),
        ("all_proxy", {"http", "ws", "https", "wss"}),
        ("FTP_PROXY", set()),
    ],
)
def test_each_variable_is_for_requests_and_websockets_alike(environment, variable, ways):
    environment(**{variable: PROXY})
    found = {
        scheme: proxy_for(f"{scheme}://hub.example/x", "env") for scheme in ("http", "ws", "https", "wss")
    }
    assert {scheme for scheme, proxy in found.items() if proxy == THERE} == ways
    assert {proxy for proxy in found.values() if proxy != THERE} <= {None}


def test_small_letters_win_and_can_take_a_proxy_away(environment):
    environment(HTTPS_PROXY="http://other:1", https_proxy=PROXY)
    assert proxy_for("wss://hub.example/", "env") == THERE
    environment(https_proxy="")
    assert proxy_for("wss://hub.example/", "env") is None


def test_none_is_none_and_an_address_is_for_everything(environment):
    environment(HTTPS_PROXY=PROXY, NO_PROXY="*")
    assert proxy_for("wss://hub.example/", "none") is None
    for url in ("wss://hub.example/", "http://localhost/"):
        assert proxy_for(url, "http://10.0.0.1") == Proxy("10.0.0.1", 80)
        assert proxy_for(url, "squid:3128") == Proxy("squid", 3128)
        assert proxy_for(url, "http://[::1]:8080/") == Proxy("::1", 8080)


RULES = [
    *("hub.example", "HUB.example", "example", ".example", ".hub.example", "ub.example", "hub.example:8443"),
    *(
        "https://hub.example",
        "http://hub.example",
        "all://hub.example",
        "https://example",
        "other, hub.example",
    ),
    *("*", "x,*", "localhost", "127.0.0.1", "127.0.0.2", "127.0.0.1:8443", "::1", ",", " "),
]
TARGETS = [
    *("https://hub.example/x", "http://hub.example/", "https://hub.example:8443/", "https://a.hub.example/"),
    *(
        "https://localhost/",
        "https://127.0.0.1:8443/",
        "http://127.0.0.1/",
        "https://[::1]/",
        "https://example/",
    ),
]


@pytest.mark.parametrize("rule", RULES)
async def test_no_proxy_means_what_it_means_to_the_http_client(environment, rule):
    environment(ALL_PROXY=PROXY, NO_PROXY=rule)
    async with httpx.AsyncClient() as client:
        theirs = [client._transport_for_url(httpx.URL(url)) is client._transport for url in TARGETS]
    assert [proxy_for(url, "env") is None for url in TARGETS] == theirs


@pytest.mark.parametrize(
    ("rule", "direct"),
    [
        ("10.0.0.0/8", True),
        ("10.1.2.0/255.255.255.0", True),
        ("10.1.2.3/32", True),
        ("11.0.0.0/8", False),
        ("fd00::/8", False),
        ("10.0.0.0/99", False),
        ("[::", False),
    ],
)
def test_no_proxy_may_name_a_network(environment, rule, direct):
    environment(ALL_PROXY=PROXY, NO_PROXY=rule)
    assert (proxy_for("wss://10.1.2.3/", "env") is None) is direct


@pytest.mark.parametrize(
    ("rule", "direct"),
    [
        ("hub.example:443", True),
        ("hub.example:80", False),
        ("[::1]", True),
        ("[::1]:443", True),
        ("[::1]:80", False),
        ("https://*", True),
    ],
)
def test_no_proxy_knows_the_ports_that_go_without_saying(environment, rule, direct):
    """The HTTP client doesn't: it drops the port of a URL and keeps that of the rule."""
    environment(ALL_PROXY=PROXY, NO_PROXY=rule)
    url = "wss://[::1]/" if "[" in rule else "wss://hub.example/"
    assert (proxy_for(url, "env") is None) is direct


@pytest.mark.parametrize("rule", ["*.hub.example", "a.hub.example.", "HUB.EXAMPLE"])
def test_no_proxy_forgives_stars_and_final_dots(environment, rule):
    environment(ALL_PROXY=PROXY, NO_PROXY=rule)
    assert proxy_for("wss://a.hub.example./", "env") is None


def test_user_and_password_are_sent_as_basic_auth_and_shown_nowhere(environment):
    environment(HTTPS_PROXY="http://us%40er:pass%3Aword%20here@proxy.example:3128")
    proxy = proxy_for("wss://hub.example/", "env")
    assert proxy is not None
    assert proxy.authorization is not None
    scheme, credentials = proxy.authorization.split()
    assert (scheme, b64decode(credentials)) == (b"Basic", b"us@er:pass:word here")
    shown = f"{proxy} {proxy!r} {redact(f'pass:word here {credentials.decode()}')}"
    assert "pass" not in shown
    assert credentials.decode() not in shown
    assert THERE.authorization is None


@pytest.mark.parametrize(
    "address",
    [
        *("https://user:hidden@x:1", "socks5://user:hidden@x:1", "http://user:hidden@[::1", "http://x:99999"),
        *("http://", "http://:80", "http://x:0", "nonsense://user:hidden@x", "http://user:hidden@a\tb\x00:1"),
    ],
)
def test_what_is_no_http_proxy_is_refused_without_its_url(environment, address):
    if "\x00" not in address:
        environment(HTTPS_PROXY=address)
        with pytest.raises(ProxyError) as refused:
            proxy_for("wss://hub.example/", "env")
        assert "hidden" not in str(refused.value)
    with pytest.raises(ProxyError, match=r"^(only proxies|the proxy's address)"):
        proxy_for("wss://hub.example/", address)
