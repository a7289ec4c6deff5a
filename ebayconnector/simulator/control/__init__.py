"""The control API at `/_sim/`: tests and the demo steer the simulator with it."""

from ebayconnector.simulator.control import faults, orders, overview, people, stock, traffic, truth

routes = [
    *overview.routes,
    *faults.routes,
    *orders.routes,
    *people.routes,
    *stock.routes,
    *traffic.routes,
    *truth.routes,
]
