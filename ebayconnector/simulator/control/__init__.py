"""The control API at `/_sim/`: tests and the demo steer the simulator with it."""

from ebayconnector.simulator.control import (
    auctions,
    bids,
    faults,
    listings,
    mail,
    money,
    orders,
    overview,
    people,
    purchases,
    signing,
    stock,
    trading,
    traffic,
    troubles,
    truth,
)

routes = [
    *overview.routes,
    *auctions.routes,
    *bids.routes,
    *faults.routes,
    *listings.routes,
    *mail.routes,
    *money.routes,
    *orders.routes,
    *people.routes,
    *purchases.routes,
    *signing.routes,
    *stock.routes,
    *trading.routes,
    *traffic.routes,
    *troubles.routes,
    *truth.routes,
]
