import struct
import zlib
from functools import cache

import numpy as np
import pytest

from ktrdr.report import picture
from ktrdr.report.picture import HEIGHT, WIDTH, picture_svg
from ktrdr.strategy import BacktestSpec, FractionSizing
from tests.builders import random_bars
from tests.unit.report.results import eurusd, random_targets, result_of


def pixels(png):
    """Decode a PNG of 8-bit RGBA, as simply as the format allows."""
    assert png[:8] == b"\x89PNG\r\n\x1a\n"
    at, data, header = 8, b"", (0,) * 7
    while at < len(png):
        length, kind = struct.unpack(">I4s", png[at : at + 8])
        body = png[at + 8 : at + 8 + length]
        assert (
            zlib.crc32(kind + body)
            == struct.unpack(">I", png[at + 8 + length : at + 12 + length])[0]
        )
        header = struct.unpack(">IIBBBBB", body) if kind == b"IHDR" else header
        data += body if kind == b"IDAT" else b""
        at += 12 + length
    width, height, depth, colour, *_ = header
    assert (depth, colour) == (8, 6)
    rows = np.frombuffer(zlib.decompress(data), np.uint8).reshape(height, -1)
    return unfiltered(rows[:, 0].tolist(), rows[:, 1:]).reshape(height, width, 4)


def unfiltered(filters, rows):
    image, above = np.zeros_like(rows), np.zeros_like(rows[0])
    for i, kind in enumerate(filters):
        if kind == 1:
            above = np.cumsum(rows[i].reshape(-1, 4), axis=0, dtype=np.uint8).ravel()
        elif kind in (0, 2):
            above = rows[i] + (above if kind == 2 else 0)
        else:
            guess = average if kind == 3 else paeth
            above = predicted(rows[i].tolist(), above.tolist(), guess)
        image[i] = above
    return image


def predicted(row, above, guess):
    line = [0] * 4
    for at, byte in enumerate(row):
        corner = above[at - 4] if at >= 4 else 0
        line.append(byte + guess(line[at], above[at], corner) & 255)
    return np.array(line[4:], np.uint8)


def average(left, up, _):
    return (left + up) // 2


def paeth(left, up, corner):
    to_left, to_up = abs(up - corner), abs(left - corner)
    to_corner = abs(left + up - 2 * corner)
    if to_left <= to_up and to_left <= to_corner:
        return left
    return up if to_up <= to_corner else corner


@cache
def result():
    return result_of(eurusd(600), random_targets(600))


@cache
def image():
    return pixels(picture(result()))


def size_of(png):
    return struct.unpack(">II", png[16:24])


def test_the_picture_is_the_same_each_time():
    assert picture(result()) == picture(result())


def test_the_picture_shows_something_everywhere():
    assert image().shape == (HEIGHT, WIDTH, 4)
    assert (image()[..., 3] == 255).all()
    is_ink = (image()[..., :3] != 255).any(axis=2)
    assert 0.02 < is_ink.mean() < 0.5
    # Header, each chart, the panel of numbers and the footer.
    for top, bottom, left, right in (
        (20, 160, 40, 1500),
        (240, 480, 60, 1100),
        (600, 750, 60, 1100),
        (820, 920, 60, 1100),
        (210, 600, 1150, 1560),
        (970, 990, 40, 600),
    ):
        assert is_ink[top:bottom, left:right].mean() > 0.005


def test_letters_are_drawn_with_the_shipped_font():
    # Without a font resvg leaves text out, and the title's place stays white.
    title = image()[60:90, 44:400, :3]
    assert (title < 80).all(axis=2).mean() > 0.05


@pytest.mark.parametrize("n_bars", [1, 2, 50])
def test_without_trades(n_bars):
    empty = result_of(eurusd(n_bars), np.zeros(n_bars, np.int8))
    assert size_of(picture(empty)) == (WIDTH, HEIGHT)


def test_ruin_and_seen_bars_and_hostile_names():
    bars = random_bars(2000, volatility=0.02, seed=2)
    spec = BacktestSpec(sizing=FractionSizing(type="fraction", fraction=20.0))
    hostile = "<g>&\"'\x00\x1b\u202e\ud800]]>" * 20
    ruined = result_of(
        bars,
        random_targets(2000),
        spec,
        n_seen=500,
        strategy_name=hostile,
        symbol=hostile,
        rules=(hostile, hostile, hostile),
    )
    assert size_of(picture(ruined)) == (WIDTH, HEIGHT)
    assert "NOT OUT OF SAMPLE" in picture_svg(ruined)
    assert "<g>&" not in picture_svg(ruined)


def test_the_banner_is_only_for_bars_that_were_seen():
    assert "NOT OUT OF SAMPLE" not in picture_svg(result())
