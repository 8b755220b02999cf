"""The ingest rate."""

from emulator.rate import TokenBucket


class Clock:
    """A clock that stands still until it is moved."""

    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


def test_one_second_goes_at_once_and_the_rest_waits() -> None:
    clock = Clock()
    bucket = TokenBucket(100, clock)
    assert [bucket.seconds_to_wait(60) for _ in range(3)] == [0, 0, 1]
    clock.seconds = 0.3
    assert bucket.seconds_to_wait(60) == 0


def test_a_body_above_the_rate_passes_and_is_paid_back() -> None:
    clock = Clock()
    bucket = TokenBucket(100, clock)
    assert bucket.seconds_to_wait(450) == 0
    assert bucket.seconds_to_wait(1) == 4
    clock.seconds = 3.6
    assert bucket.seconds_to_wait(1) == 0


def test_zero_is_no_limit() -> None:
    bucket = TokenBucket(0, Clock())
    assert {bucket.seconds_to_wait(10**9) for _ in range(5)} == {0}
