"""What may be a symbol, and how it is written in the artifact store."""

import re

from ktrdr.errors import InputError

# Exchanges and vendors write BTC/USDT, BRK.B, ^GSPC, EUR=X, NASDAQ:AAPL, ES#F, $SPX.
_SYMBOL = re.compile(r"[A-Z0-9^.$#@][A-Z0-9^.$#@/:=_&+-]{0,31}")
_PLAIN = re.compile(r"[A-Z0-9_-]")


def parse_symbol(text: str) -> str:
    """Return ``text`` as a symbol, in capitals; raise InputError if it can't be one.

    Capitals throughout, because some file systems can't tell ``eurusd`` from
    ``EURUSD``.
    """
    symbol = text.strip().upper()
    if not _SYMBOL.fullmatch(symbol):
        raise InputError(
            f"not a symbol: {text[:80]!r}; expected 1 to 32 letters, digits or "
            "^.$#@/:=_&+- without spaces, such as EURUSD, BTC/USDT or BRK.B"
        )
    return symbol


def symbol_key(symbol: str) -> str:
    """Return ``symbol`` as part of a record's key: other characters as ``=`` and hex.

    ``BTC/USDT`` becomes ``BTC=2FUSDT``. No two symbols share a key.
    """
    return "".join(
        character if _PLAIN.fullmatch(character) else f"={ord(character):02X}"
        for character in parse_symbol(symbol)
    )
