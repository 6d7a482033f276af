"""Symbols in file names, as platforms and exchanges write them."""

import re

from ktrdr.data.symbol import parse_symbol
from ktrdr.errors import InputError

# Parts of file names that are no symbol.
_NOISE = frozenset(
    "ASK BID MID FOREX FX STOCK STOCKS CRYPTO DATA OHLC OHLCV HIST HISTORY HISTORICAL "
    "HISTORICALDATA DAT ASCII MT MT4 MT5 CANDLES CANDLESTICK KLINES BARS PRICES DAILY "
    "HOURLY WEEKLY MINUTE HOUR DAY SPOT PERP FUTURES BINANCE COINBASE KRAKEN BITSTAMP "
    "BITFINEX BYBIT OKX GEMINI DUKASCOPY YAHOO IBKR NASDAQ NYSE AMEX OANDA "
    "FXCM TEST SAMPLE EXPORT DOWNLOAD".split()
)
_TIMEFRAME = re.compile(r"\d+(MIN|[SMHDW])|[MHDW]\d+|D|W|MN|D1|\d+", re.IGNORECASE)
# What follows a symbol after a hyphen: BTCUSDT-1h-2024-01.
_TAIL = re.compile(r"-(\d+[smhdwSMHDW]|\d{4})\b.*$")
# MetaTrader 4 appends the minutes of a bar: EURUSD60.
_MINUTES = re.compile(r"([A-Z]{6})(1|5|15|30|60|240|1440|10080)")


def symbol_from_name(file_name: str) -> str:
    """Return the symbol that ``file_name`` seems to hold.

    The first part between underscores or spaces that is neither a timeframe nor a
    common word such as ASK; raise InputError if there is none.
    """
    stem = re.sub(r"\.(csv|txt|tsv|parquet|pq|gz)", "", file_name, flags=re.IGNORECASE)
    for part in re.split(r"[_\s,()]+", stem):
        word = _TAIL.sub("", part)
        if not word or word.upper() in _NOISE or _TIMEFRAME.fullmatch(word):
            continue
        minutes = _MINUTES.fullmatch(word)
        try:
            return parse_symbol(minutes[1] if minutes else word)
        except InputError:
            continue
    raise InputError(
        f"can't tell the symbol from the file name {file_name!r}: --symbol"
    )
