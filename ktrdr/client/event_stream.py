"""Server-sent events: the text that comes, as events."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass


@dataclass(frozen=True, kw_only=True)
class ServerEvent:
    """One event as it came.

    Attributes
    ----------
    id : str or None
        Of the newest event that had one, this one included: where to go on.
    """

    type: str
    data: str
    id: str | None


def server_events(lines: Iterable[str]) -> Iterator[ServerEvent]:
    """Yield the events that ``lines``, without their ends, make up.

    An event that the end of the connection cuts off is left out.
    """
    newest_id: str | None = None
    type_, data = "message", list[str]()
    for line in lines:
        if not line:
            if data:
                yield ServerEvent(type=type_, data="\n".join(data), id=newest_id)
            type_, data = "message", []
            continue
        field, _, value = line.partition(":")
        value = value.removeprefix(" ")
        if field == "data":
            data.append(value)
        elif field == "event":
            type_ = value
        elif field == "id":
            newest_id = value
