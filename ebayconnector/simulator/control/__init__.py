"""The control API at `/_sim/`: tests and the demo steer the simulator with it."""

from ebayconnector.simulator.control import (
    faults,
    money,
    orders,
    overview,
    people,
    signing,
    stock,
    traffic,
    truth,
)

routes = [
    *overview.routes,
    *faults.routes,
    *money.routes,
    *orders.routes,
    *people.routes,
    *signing.routes,
    *stock.routes,
    *traffic.routes,
    *truth.routes,
]
