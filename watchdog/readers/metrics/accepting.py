"""What a client prefers among what there is: formats and codings, by their quality values.

RFC 9110, sections 12.4.2, 12.5.1 and 12.5.3. An element that can't be read is passed over.
"""

import re
from collections.abc import Iterator, Mapping

from msgspec import Struct
from prometheus_client.exposition import choose_encoder

_OPENMETRICS, _TEXT = "application/openmetrics-text", "text/plain"
_PARAMETERS = ("version", "escaping")
_QUALITY = re.compile(r"0?\.[0-9]{1,3}|0(\.[0-9]{0,3})?|1(\.0{0,3})?")
# Within a quoted text, a comma or a semicolon divides nothing.
_ELEMENT = re.compile(r'(?:[^,"]|"(?:[^"\\]|\\.)*"?)+')
_PARAMETER = re.compile(r'(?:[^;"]|"(?:[^"\\]|\\.)*"?)+')


class _Element(Struct, frozen=True):
    name: str
    quality: float
    parameters: Mapping[str, str]

    def for_library(self) -> str:
        given = (f";{key}={self.parameters[key]}" for key in _PARAMETERS if key in self.parameters)
        return self.name + "".join(given)


def preferred_format(accept: str) -> str:
    """The content type of the best of the formats that an `Accept` names, as the library has it.

    OpenMetrics is for those who name it and don't prefer text, or who want anything rather than text. Text
    serves everybody else, also those who want nothing of what there is.
    """
    elements = list(_elements(accept))
    known = [each for each in elements if each.name == _OPENMETRICS and _is_known(each)]
    opened = max(known, key=_quality, default=_Element(_OPENMETRICS, _of_ranges(elements, "application"), {}))
    if any(each.name == _OPENMETRICS for each in elements) and not known:
        opened = _Element(_OPENMETRICS, 0.0, {})
    texts = [each for each in elements if each.name == _TEXT]
    text = max(texts, key=_quality, default=_Element(_TEXT, _of_ranges(elements, "text"), {}))
    if opened.quality > text.quality or (known and opened.quality == text.quality > 0.0):
        return choose_encoder(opened.for_library())[1]
    return _content_type(text) or choose_encoder("")[1]


def accepts_gzip(accept_encoding: str) -> bool:
    """Whether an `Accept-Encoding` allows gzip, and prefers nothing to it."""
    given = {each.name: each.quality for each in _elements(accept_encoding)}
    gzip = given.get("gzip", given.get("x-gzip", given.get("*", 0.0)))
    return gzip > 0.0 and gzip >= given.get("identity", 0.0)


def _quality(element: _Element) -> float:
    return element.quality


def _of_ranges(elements: list[_Element], kind: str) -> float:
    """The quality of a type that is not named: that of the narrowest range around it."""
    given = {each.name: each.quality for each in elements}
    return given.get(f"{kind}/*", given.get("*/*", 0.0))


def _is_known(element: _Element) -> bool:
    return (_content_type(element) or "").startswith(_OPENMETRICS)


def _content_type(element: _Element) -> str | None:
    try:
        return choose_encoder(element.for_library())[1]
    except (TypeError, ValueError):
        # The library raises one of them for a version that is no number.
        return None


def _elements(header: str) -> Iterator[_Element]:
    for text in _ELEMENT.findall(header):
        name, _, rest = text.partition(";")
        parameters = {}
        for pair in _PARAMETER.findall(rest):
            key, _, value = pair.partition("=")
            parameters[key.strip().lower()] = value.strip().strip('"')
        quality = parameters.get("q", "1")
        if _QUALITY.fullmatch(quality):
            yield _Element(name.strip().lower(), float(quality), parameters)
