"""Text files as rows of cells: packed or not, in whatever encoding and separator."""

import codecs
import csv
import gzip
import io
import zlib
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from ktrdr.errors import DataError

_MAX_LINE_CHARACTERS = 10_000
_HEAD_ROWS = 60
_LEAST_COLUMNS = 5
_SEPARATORS = {"\t": "tab", ";": "semicolon", "|": "bar", ",": "comma"}
_KNOWN_BINARIES = (
    (b"PK\x03\x04", "a zip archive; unpack it first"),
    (b"\xd0\xcf\x11\xe0", "an old Excel workbook; save it as CSV"),
    (b"\x28\xb5\x2f\xfd", "a zstandard archive; unpack it first"),
    (b"BZh", "a bzip2 archive; unpack it first"),
    (b"\xfd7zXZ", "an xz archive; unpack it first"),
    (b"\x89HDF", "an HDF5 file; save it as CSV or Parquet"),
    (b"ARROW1", "an Arrow file; save it as Parquet"),
)

# A row's number, counted from 1 with the header and empty rows, and its cells.
Row = tuple[int, list[str]]


@dataclass(frozen=True, kw_only=True)
class TextTable:
    """A text file as rows of cells.

    Attributes
    ----------
    text : bytes
        The whole file, unpacked, UTF-8.
    separator : str
        Between cells.
    n_columns : int
        Cells of most rows.
    head : tuple of (int, list of str)
        First rows that are not empty, with their numbers.
    """

    text: bytes
    separator: str
    n_columns: int
    head: tuple[Row, ...]

    @property
    def separator_name(self) -> str:
        """Such as ``comma``."""
        return _SEPARATORS[self.separator]

    def blocks(self, n_rows: int) -> Iterator[list[Row]]:
        """Return all rows that are not empty, at most ``n_rows`` at a time."""
        return _blocks(self.text, self.separator, n_rows)


def unpack(data: bytes, most_bytes: int) -> bytes:
    """Return ``data`` unpacked where gzip has packed it, else as it is.

    Raises
    ------
    DataError
        If it is damaged, or would unpack to more than ``most_bytes``.
    """
    if data[:2] != b"\x1f\x8b":
        return data
    try:
        unpacked = gzip.GzipFile(fileobj=io.BytesIO(data)).read(most_bytes + 1)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise DataError(f"the gzip file is damaged: {error}") from None
    if len(unpacked) > most_bytes:
        raise DataError(f"the file unpacks to more than {most_bytes:,} bytes")
    return unpacked


def open_text(data: bytes) -> TextTable:
    """Return ``data``, a text file, as a table.

    Raises
    ------
    DataError
        If it is empty, no text, or has no separator that makes five columns or more.
    """
    for magic, what in _KNOWN_BINARIES:
        if data.startswith(magic):
            raise DataError(f"the file is {what}")
    text = _utf8(data)
    _refuse_binary(text)
    for separator in _SEPARATORS:
        head = next(_blocks(text, separator, _HEAD_ROWS), [])
        if not head:
            raise DataError("the file is empty")
        n_columns = Counter(len(cells) for _, cells in head).most_common(1)[0][0]
        # The comma is tried last: beside another separator it is a decimal comma.
        if n_columns >= _LEAST_COLUMNS:
            return TextTable(
                text=text, separator=separator, n_columns=n_columns, head=tuple(head)
            )
    first_line = ",".join(head[0][1])
    raise DataError(
        "found no table: expected at least time, open, high, low and close, "
        f"separated by {', '.join(_SEPARATORS.values())}; the first line is "
        f"{first_line[:120]!r}"
    )


def counted(number: int, what: str) -> str:
    """Return such as ``1 row`` or ``2 rows``."""
    return f"{number:,} {what}" if number == 1 else f"{number:,} {what}s"


def _blocks(text: bytes, separator: str, n_rows: int) -> Iterator[list[Row]]:
    reader = csv.reader(_lines(text), delimiter=separator, skipinitialspace=True)
    number = 0
    try:
        while read := list(islice(reader, n_rows)):
            numbered = enumerate(read, start=number + 1)
            if rows := [(at, cells) for at, cells in numbered if any(cells)]:
                yield rows
            number += len(read)
    except csv.Error as error:
        raise DataError(f"row {reader.line_num}: {error}") from None


def _lines(text: bytes) -> io.TextIOWrapper:
    return io.TextIOWrapper(io.BytesIO(text), encoding="utf-8", newline="")


def _refuse_binary(text: bytes) -> None:
    if b"\0" in text:
        raise DataError("the file holds zero bytes: this is no text")
    try:
        longest = max(map(len, _lines(text)), default=0)
    except UnicodeDecodeError as error:
        raise DataError(f"this is no UTF-8 text ({error}); save it as UTF-8") from None
    if longest > _MAX_LINE_CHARACTERS:
        raise DataError(
            f"a line has {longest:,} characters: this is no table of prices"
        )


def _utf8(data: bytes) -> bytes:
    if not data.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)):
        return data.removeprefix(codecs.BOM_UTF8)
    try:
        return data.decode("utf-16").encode()
    except UnicodeError as error:
        raise DataError(f"this is no UTF-16 text ({error}); save it as UTF-8") from None
