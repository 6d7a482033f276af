"""What many routes take."""

from typing import Annotated

from fastapi import Path, Query

from ktrdr.schemas import MOST_BARS, TimeframeName

MOST_LISTED = 10_000

Symbol = Annotated[
    str,
    Path(
        min_length=1,
        max_length=64,
        description="Such as EURUSD or BTC/USDT.",
        examples=["EURUSD"],
    ),
]
ModelName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        description="`name` for the newest, `name@version`, or at least 6 digits of "
        "the digest.",
        examples=["momentum@1"],
    ),
]
ResultName = Annotated[
    str,
    Path(
        min_length=1,
        max_length=128,
        description="`latest`, at least 6 digits of the digest, or a model for its "
        "newest result.",
        examples=["latest"],
    ),
]
Timeframe = Annotated[
    TimeframeName | None, Query(description="The shortest that is stored if not given.")
]
CalendarName = Annotated[
    str | None,
    Query(
        max_length=64,
        description="By which gaps are told apart: 24/7, weekdays, fx or an exchange "
        "such as XNYS; guessed if not given.",
    ),
]
Start = Annotated[
    str | None,
    Query(
        alias="from",
        max_length=40,
        description="First moment, UTC, ISO 8601.",
        examples=["2017-06-01"],
    ),
]
End = Annotated[
    str | None,
    Query(alias="to", max_length=40, description="Moment after the last, UTC."),
]
Last = Annotated[
    int | None,
    Query(ge=1, le=MOST_BARS, description="The newest of the range, instead of limit."),
]
Offset = Annotated[int, Query(ge=0, le=10**9, description="How many to pass over.")]
Limit = Annotated[int, Query(ge=1, le=MOST_LISTED, description="At most so many.")]
