"""The text in a file that an operator wrote, on Windows too."""

_BYTE_ORDER_MARK = b"\xef\xbb\xbf"
_UTF_16 = (b"\xff\xfe", b"\xfe\xff")

_HEAD_BYTES = 8
_FEWEST_BYTES = 4


class Utf16Error(ValueError):
    """A text in UTF-16, which only its head tells from binary data."""

    def __init__(self) -> None:
        super().__init__('expected UTF-8, but this is UTF-16 (Windows says "Unicode"): save it as UTF-8')


def decode(content: bytes, errors: str = "strict") -> str:
    """The UTF-8 text of a file, without the byte order mark that editors put before it; `errors` as usual.

    Raises:
        Utf16Error: it is UTF-16; the words say what to do.
        UnicodeDecodeError: it is something else than UTF-8; the offset counts from the file's start.

    """
    head = content[:_HEAD_BYTES]
    # Without a mark, what is ASCII has a zero in every other place.
    every_other = len(head) >= _FEWEST_BYTES and not (any(head[::2]) and any(head[1::2]))
    if content.startswith(_UTF_16) or every_other:
        raise Utf16Error
    text = content.decode(errors=errors)
    return text.removeprefix(_BYTE_ORDER_MARK.decode())
