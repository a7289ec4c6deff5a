import http.client
import signal
import socket
import subprocess
import sys
import time

import pytest
import requests

from ebayconnector.simulator.config import SimulatorConfig
from ebayconnector.simulator.server import SimulatorServer

COMMAND = [sys.executable, "-m", "ebayconnector.simulator", "--port", "0"]


@pytest.fixture
def start():
    running = []

    def begin(*options):
        process = subprocess.Popen(
            [*COMMAND, *options], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
        )
        running.append(process)
        line = process.stdout.readline()
        assert line.startswith("simulator listening on http://127.0.0.1:"), process.stderr.read()
        return process, line.rsplit(" ", 1)[1].strip()

    yield begin
    for process in running:
        process.kill()
        process.communicate()


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_process_serves_and_ends_at_a_signal(start, number):
    process, url = start("--seed", "7", "--orders", "5")
    assert requests.get(f"{url}/_sim/state", timeout=10).json()["seed"] == 7
    process.send_signal(number)
    assert process.wait(timeout=15) == 0
    assert process.stderr.read() == ""


def test_process_ends_with_open_and_busy_connections(start):
    process, url = start("--orders", "5")
    requests.post(f"{url}/_sim/faults", json={"path": "/sell", "kind": "slow", "delay_s": 60}, timeout=10)
    host = url.removeprefix("http://")
    idle, busy = http.client.HTTPConnection(host), http.client.HTTPConnection(host)
    idle.request("GET", "/_sim/state")
    assert idle.getresponse().read()
    busy.request("GET", "/sell/fulfillment/v1/order")
    started = time.monotonic()
    process.terminate()
    assert process.wait(timeout=10) == 0
    assert time.monotonic() - started < 4
    idle.close()
    busy.close()


@pytest.mark.skipif(sys.platform != "linux", reason="PR_SET_PDEATHSIG exists on Linux only")
def test_process_dies_with_its_parent():
    program = (
        "import subprocess, sys\n"
        f"child = subprocess.Popen({[*COMMAND, '--die-with-parent']!r}, stdout=subprocess.PIPE, text=True)\n"
        "print(child.stdout.readline().split()[-1], flush=True)\n"
    )
    parent = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=30)
    port = int(parent.stdout.strip().rsplit(":", 1)[1])
    deadline = time.monotonic() + 10
    while _is_open(port):
        assert time.monotonic() < deadline, "the simulator outlived its parent"


def _is_open(port: int) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", port)) == 0


def test_taken_port_is_an_error_in_words():
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])
        done = subprocess.run([*COMMAND, "--port", port], capture_output=True, text=True, timeout=30)
    assert done.returncode == 1
    assert "cannot listen on 127.0.0.1" in done.stderr


def test_many_orders_start_quickly():
    started = time.perf_counter()
    with SimulatorServer(SimulatorConfig(orders=20_000)) as server:
        assert requests.get(f"{server.url}/_sim/state", timeout=10).status_code == 200
        assert time.perf_counter() - started < 2


def test_two_simulators_in_one_process_know_nothing_of_each_other():
    with SimulatorServer() as one, SimulatorServer() as two:
        requests.post(f"{one.url}/_sim/reset", json={"seed": 42}, timeout=10)
        assert requests.get(f"{two.url}/_sim/state", timeout=10).json()["seed"] == 1


def test_answers_on_a_kept_connection_do_not_wait_for_acknowledgements():
    with SimulatorServer() as server, requests.Session() as session:
        session.get(f"{server.url}/_sim/clock", timeout=10)
        started = time.perf_counter()
        for _ in range(20):
            session.get(f"{server.url}/_sim/clock", timeout=10)
        assert time.perf_counter() - started < 20 * 0.03  # 40 ms each with Nagle's algorithm


@pytest.mark.parametrize("moved_s", [-3600, 3600])
def test_it_ends_though_somebody_moved_the_monotonic_clock_meanwhile(monkeypatch, moved_s):
    server = SimulatorServer(SimulatorConfig(orders=5)).start()
    moved = time.monotonic() + moved_s
    with monkeypatch.context() as clock:
        clock.setattr(time, "monotonic", lambda: moved)
        assert requests.get(f"{server.url}/_sim/state", timeout=10).ok
        assert requests.get(f"{server.url}/_sim/state", timeout=10).ok
    started = time.monotonic()
    server.stop()
    assert time.monotonic() - started < 4
