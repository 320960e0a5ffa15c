"""The provider's token endpoint: one POST, and tolerance for how its answer is worded."""

from watchdog.config.schema import Feed, Token
from watchdog.config.values import HttpUrl
from watchdog.core.errors import ProviderError
from watchdog.runtime.http_client import (
    CREATED,
    MAX_ANSWER_BYTES,
    MAX_RETRY_AFTER_SECONDS,
    OK,
    Answer,
    Client,
    NoAnswerError,
)
from watchdog.runtime.redaction import register_query, register_secret
from watchdog.tokens.answer import (
    LIFE_NAMES,
    document_of,
    find,
    life_seconds,
    token_of,
)
from watchdog.tokens.sources import CredentialError, clean_secret, reader

_REDIRECTION = 3


class TokenEndpointError(ProviderError):
    """The endpoint gave no token; the words say why and hold nothing secret.

    `retry_after_seconds` is for how long it does not want to be asked again, if it said so.
    """

    def __init__(self, words: str, *, retry_after_seconds: float = 0.0) -> None:
        super().__init__(words)
        self.retry_after_seconds = retry_after_seconds


class TokenEndpoint:
    """Asks for one feed's tokens with the partner's secret, which is read again for each request."""

    def __init__(self, url: HttpUrl, feed: Feed, client: Client) -> None:
        self._url = url
        self._settings = feed.token
        self._partner_client_id = feed.partner_client_id
        self._client = client
        self._read_secret = reader(feed.token.secret_file, feed.token.secret_env, clean_secret)

    async def ask(self) -> tuple[str, float | None]:
        """A token, and its lifetime in seconds, if the answer states one.

        Raises:
            CredentialError: the secret can't be read.
            TokenEndpointError: the endpoint gives no token.

        """
        try:
            secret = self._read_secret()
        except CredentialError as problem:
            raise CredentialError(f"the secret is unavailable: {problem}") from None
        register_secret(secret)
        register_query(self._url.query)
        body = self._settings.request.fill(partner_client_id=self._partner_client_id, secret=secret)
        try:
            answer = await self._client.post(self._url.text, json=body)
        except NoAnswerError as error:
            raise TokenEndpointError(f"{error.reason}: {error}") from None
        return read_answer(answer, self._settings)


def read_answer(answer: Answer, settings: Token) -> tuple[str, float | None]:
    """The token in an answer, and its lifetime in seconds, if the answer states one.

    Raises:
        TokenEndpointError: the answer holds no token.

    """
    if answer.status not in (OK, CREATED):
        raise _refused(answer)
    try:
        document = document_of(answer.body, MAX_ANSWER_BYTES)
        token = token_of(document, settings.token_field)
    except ValueError as problem:
        raise TokenEndpointError(str(problem)) from None
    return token, life_seconds(find(document, settings.expires_field, LIFE_NAMES))


def _refused(answer: Answer) -> TokenEndpointError:
    words, wait = f"HTTP status {answer.status}", answer.retry_after_seconds
    if answer.status // 100 == _REDIRECTION:
        words += ": redirects are not followed, as the secret would go along"
    if wait is None:
        return TokenEndpointError(words)
    wait = min(wait, MAX_RETRY_AFTER_SECONDS)
    return TokenEndpointError(f"{words}, to be asked again after {wait:g} s", retry_after_seconds=wait)
