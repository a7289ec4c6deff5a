"""PostgreSQL dies hard in the middle of backfills: everything reconnects by itself and goes on."""

from __future__ import annotations

import os
import signal
from datetime import UTC, datetime, timedelta

import psycopg
import pytest
import requests

from ebayconnector import demo, embedded_postgres
from tests.waiting import eventually

pytestmark = [pytest.mark.slow, pytest.mark.soak]

_NOT_DONE = "SELECT count(*) FROM ebay_worker_run WHERE status IN ('queued', 'running')"


@pytest.mark.timeout(300)
def test_everything_goes_on_after_postgresql_was_killed(public_folder):
    home = public_folder / "postgres"
    server, lock = embedded_postgres.start(home, database="ebayconnector", durable=True)
    stage = a_stage(public_folder, server)
    try:
        demo._start_services(stage, ["--orders=2500"])
        requests.post(
            f"{stage.simulator_url}/_sim/latency",
            json={"path": "/sell/fulfillment", "seconds": 0.2},
            timeout=10,
        )
        stage.run("demo_people")
        eventually(lambda: answer(server, "SELECT count(*) FROM ebay_orders") > 400, within_s=60)
        server.stop(how=signal.SIGQUIT)
        lock.close()
        server, lock = embedded_postgres.start(home, database="ebayconnector", durable=True, port=server.port)
        assert stage.dead_child() is None
        eventually(lambda: all_done(server), within_s=150, what="all runs have ended")
        assert requests.get(f"{stage.web_url}/admin/login/", timeout=10).ok
        assert stage.dead_child() is None
        for username in stored_accounts(server):
            stored, truth = stored_orders(server, username), true_orders(stage, username)
            assert truth <= stored
            assert len(truth) > 1500
    finally:
        stage.stop()
        server.stop()
        lock.close()


def a_stage(folder, server) -> demo.Stage:
    web, simulator = demo.free_port(), demo.free_port()
    urls = {"web_url": f"http://127.0.0.1:{web}", "simulator_url": f"http://127.0.0.1:{simulator}"}
    env = {
        **{name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ},
        **demo._settings(folder / "postgres", server),
        "DATABASE_URL": server.url,
        "PUBLIC_URL": urls["web_url"],
        "EBAY_SIMULATOR_URL": urls["simulator_url"],
        "EBAY_NOTIFICATION_ENDPOINT": f"{urls['web_url']}/webhooks/ebay/events",
    }
    return demo.Stage(folder, env, **urls)


def all_done(server) -> bool:
    """Retries wait a minute and silence counts after ten: both are aged instead of waited for."""
    with psycopg.connect(server.url, autocommit=True) as connection:
        connection.execute("UPDATE ebay_worker_run SET not_before = now() WHERE status = 'queued'")
        connection.execute(
            "UPDATE ebay_worker_run SET heartbeat_at = now() - interval '11 min' "
            "WHERE status = 'running' AND heartbeat_at < now() - interval '20 s'"
        )
        left = connection.execute(_NOT_DONE).fetchone()[0]
        complete = connection.execute(
            "SELECT count(*) FROM ebay_sync_state "
            "WHERE api_family = 'orders' "
            "AND covered @> tstzrange(now() - interval '89 days', now() - interval '5 min')"
        ).fetchone()[0]
    return left == 0 and complete == 3


def answer(server, sql: str):
    with psycopg.connect(server.url, autocommit=True) as connection:
        return connection.execute(sql).fetchone()[0]


def stored_accounts(server) -> list[str]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        return [row[0] for row in connection.execute("SELECT username FROM ebay_accounts").fetchall()]


def stored_orders(server, username: str) -> set[str]:
    with psycopg.connect(server.url, autocommit=True) as connection:
        rows = connection.execute(
            "SELECT order_id FROM ebay_orders o JOIN ebay_accounts a ON a.id = o.account_id "
            "WHERE a.username = %s",
            [username],
        ).fetchall()
    return {row[0] for row in rows}


def true_orders(stage: demo.Stage, username: str) -> set[str]:
    since = (datetime.now(UTC) - timedelta(days=89)).strftime("%Y-%m-%dT%H:%M:%S.000Z")
    url = f"{stage.simulator_url}/_sim/truth/orders/ids"
    pairs = requests.get(url, params={"seller": username}, timeout=30).json()
    return {order_id for order_id, modified in pairs if modified >= since}
