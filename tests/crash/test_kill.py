"""kill -9 at random moments under load."""

import random
import time

from harness.emulator import Emulator
from harness.load import Load
from harness.poll import until
from harness.server import Hogflare

KILLS = 20
KILLS_WITH_PIPELINE = 8


def kill_repeatedly(server: Hogflare, times: int) -> None:
    """Lets the server work for a moment, kills it, starts it again; it runs at the end."""
    for _ in range(times):
        time.sleep(random.uniform(0.05, 0.9))
        server.restart()


def test_random_kills_lose_and_double_nothing(hogflare: Hogflare, assert_nothing_lost) -> None:
    with Load(hogflare) as load:
        kill_repeatedly(hogflare, KILLS)
        until(lambda: len(load.ledger.acknowledged) > 500, what="a load worth checking")
    ledger = load.ledger
    assert ledger.in_doubt() or len(ledger.acknowledged) == len(ledger.attempted)
    assert_nothing_lost(hogflare, ledger)


def test_random_kills_while_the_pipeline_fails_deliver_at_least_once(
    piped: Hogflare, emulator: Emulator, assert_nothing_lost
) -> None:
    orders = [{"mode": "status", "status": 500}, {"mode": "reset"}, {"mode": "commit_then_timeout"}, {"mode": "ok"}]
    with Load(piped) as load:
        for order in orders * (KILLS_WITH_PIPELINE // len(orders)):
            emulator.fault(**order)
            kill_repeatedly(piped, 1)
            time.sleep(random.uniform(0.2, 0.8))
    emulator.fault("ok")
    ledger = load.ledger
    assert_nothing_lost(piped, ledger)
    stored = {row["uuid"] for row in piped.query("select uuid from events")}
    until(lambda: stored <= {row["uuid"] for row in emulator.events()}, timeout=120, every=1, what="every row")
    assert {row["uuid"] for row in emulator.events()} <= ledger.attempted


def test_kill_during_start_is_survived(hogflare: Hogflare, assert_nothing_lost) -> None:
    with Load(hogflare) as load:
        until(lambda: len(load.ledger.acknowledged) > 200, what="some events")
        for _ in range(6):
            hogflare.kill9()
            hogflare.start(wait=False)
            time.sleep(random.uniform(0.0, 0.15))
        hogflare.restart()
    assert_nothing_lost(hogflare, load.ledger)
