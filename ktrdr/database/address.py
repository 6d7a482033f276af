"""Where a database is: its URL, taken apart and told without its password."""

from urllib.parse import quote

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from ktrdr.errors import InputError

_FORM = "postgresql://user:password@host:port/name"
_SCHEMES = ("postgresql://", "postgres://")


def parts_of(url: str) -> dict[str, str]:
    """Return what ``url`` says, by the names that PostgreSQL's own programs use.

    Raises
    ------
    InputError
        If it can't be read; the message does not repeat it, as it holds a password.
    """
    if not url.startswith(_SCHEMES):
        raise InputError(f"the URL of the database must look like {_FORM}")
    try:
        parts = conninfo_to_dict(url)
    except ProgrammingError:
        raise InputError(
            f"the URL of the database can't be read; it must look like {_FORM}, "
            "special characters in it written as %XX"
        ) from None
    return {name: str(value) for name, value in parts.items() if value is not None}


def name_of(url: str) -> str:
    """Return the name of the database at ``url``; that of the user by default."""
    parts = parts_of(url)
    return parts.get("dbname", parts.get("user", ""))


def place_of(url: str) -> str:
    """Return host, port and name of the database at ``url``, without the password."""
    parts = parts_of(url)
    host = parts.get("host", "localhost")
    return f"{host}:{parts.get('port', '5432')}/{name_of(url)}"


def with_name(url: str, name: str) -> str:
    """Return the URL of another database on the same server."""
    base, mark, options = url.partition("?")
    scheme, _, rest = base.partition("://")
    server = rest.partition("/")[0]
    return f"{scheme}://{server}/{quote(name, safe='')}{mark}{options}"


def without_password(error: BaseException, url: str) -> str:
    """Return what PostgreSQL says, on one line and without the password of ``url``."""
    words = " ".join(str(error).split())
    password = parts_of(url).get("password")
    return words.replace(password, "***") if password else words
