"""The HTML of a statement as PDF, by WeasyPrint, which the extra `pdf` installs."""

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
        import weasyprint  # noqa: PLC0415 - an extra, and slow to import
    except (ImportError, OSError) as error:
        # OSError: Pango can't be loaded.
        raise PdfError(_MISSING if isinstance(error, ImportError) else f"{_MISSING}, and Pango") from None
    nothing = weasyprint.urls.URLFetcher(allowed_protocols=())
    pages: bytes = weasyprint.HTML(string=html, url_fetcher=nothing).write_pdf()
    return pages
