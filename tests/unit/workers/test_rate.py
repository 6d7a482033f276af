import pytest

from ktrdr.workers.rate import Rate


def rate_of(*steps: tuple[float, int]) -> float | None:
    rate = Rate()
    for at_s, done in steps:
        rate.observe(done, at_s)
    return rate.per_second()


def test_one_step_tells_no_rate():
    assert rate_of() is None
    assert rate_of((0.0, 500)) is None


def test_a_resumed_phase_does_not_count_what_was_done_before():
    assert rate_of((0.1, 500), (2.1, 510)) == 5.0


def test_messages_within_a_step_do_not_slow_it():
    assert rate_of((0.0, 1), (0.5, 1), (1.0, 2), (1.9, 2)) == 1.0


def test_the_last_steps_count():
    slow = [(float(step), step) for step in range(30)]
    fast = [(30 + step / 10, 30 + step) for step in range(30)]
    assert rate_of(*slow, *fast) == pytest.approx(10.0)


def test_no_time_between_steps_tells_no_rate():
    assert rate_of((1.0, 1), (1.0, 2)) is None
