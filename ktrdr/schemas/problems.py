"""How the backend tells what went wrong: RFC 9457, ``application/problem+json``."""

from ktrdr.schemas.document import Document


class ProblemItem(Document):
    """One thing wrong in what was sent.

    Attributes
    ----------
    path : str
        Where: in the strategy, such as ``fuzzy_sets.rsi.low``, or in the request,
        such as ``body.priority``.
    line : int or None
        Line of the strategy, counted from 1.
    hint : str or None
        What to do.
    """

    path: str
    message: str
    line: int | None = None
    hint: str | None = None


class ProblemDocument(Document):
    """Why a request was refused or failed.

    Attributes
    ----------
    type : str
        ``urn:ktrdr:problem:`` and the code.
    title : str
        The HTTP status in words.
    detail : str
        What was found, what was expected, what to do.
    code : str
        Stable name, as in the table of errors.
    problems : tuple of ProblemItem
        Every single thing wrong, where that is known.
    request_id : str
        Stands in the backend's log beside it.
    """

    type: str
    title: str
    status: int
    detail: str
    code: str
    problems: tuple[ProblemItem, ...] = ()
    request_id: str
