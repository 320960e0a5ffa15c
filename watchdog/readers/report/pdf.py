"""The HTML of a statement as PDF, by WeasyPrint, which the extra `pdf` installs."""

from importlib import import_module

from watchdog.core.errors import OperatorError

_MISSING = "a PDF needs WeasyPrint: pip install 'betcore-watchdog[pdf]'"


class PdfError(OperatorError):
    """No PDF can be made here; the text says what to do."""


def as_pdf(html: str) -> bytes:
    """The pages of an HTML document that loads nothing.

    Raises:
        PdfError: WeasyPrint, or a library of the system that it needs, isn't installed.

    """
    try:
        weasyprint = import_module("weasyprint")
    except (ImportError, OSError) as error:
        # OSError: Pango can't be loaded.
        raise PdfError(_MISSING if isinstance(error, ImportError) else f"{_MISSING}, and Pango") from None
    pages: bytes = weasyprint.HTML(string=html, url_fetcher=_refuse).write_pdf()
    return pages


def _refuse(url: str, *_: object, **__: object) -> None:
    raise ValueError(f"a statement loads nothing, also not {url}")
