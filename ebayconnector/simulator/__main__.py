"""`python -m ebayconnector.simulator`: a small eBay in a process of its own."""

import argparse
import ctypes
import signal
import sys

from ebayconnector.simulator.app import create_app
from ebayconnector.simulator.config import SORT_ORDERS, SimulatorConfig
from ebayconnector.simulator.server import listen, serve

_PR_SET_PDEATHSIG = 1


def _arguments(argv: list[str] | None) -> argparse.Namespace:
    defaults = SimulatorConfig()
    parser = argparse.ArgumentParser(prog="python -m ebayconnector.simulator", description=__doc__)
    parser.add_argument("--host", default="127.0.0.1")
    parser.add_argument("--port", type=int, default=8900, help="0 picks a free port")
    parser.add_argument("--seed", type=int, default=defaults.seed)
    parser.add_argument("--orders", type=int, default=defaults.orders, help="orders per seller")
    parser.add_argument("--accept-url", default=defaults.accept_url)
    parser.add_argument("--reject-url", help="default: the accept URL")
    parser.add_argument("--arrivals-per-minute", type=float, default=0.0, help="new orders per seller")
    parser.add_argument("--changes-per-minute", type=float, default=0.0, help="changed orders per seller")
    parser.add_argument("--stock", type=int, default=defaults.stock, help="inventory items per seller")
    parser.add_argument("--stock-changes-per-minute", type=float, default=0.0, help="sales, prices")
    parser.add_argument("--messages", type=int, default=defaults.messages, help="received, per seller")
    parser.add_argument("--messages-per-minute", type=float, default=0.0, help="new messages per seller")
    parser.add_argument("--own-folders", type=int, choices=(0, 1), default=1, help="mailboxes have some")
    parser.add_argument("--listings", type=int, default=defaults.listings, help="beside the stock")
    parser.add_argument("--listing-changes-per-minute", type=float, default=0.0, help="sales, prices, ends")
    parser.add_argument("--purchases", type=int, default=defaults.purchases, help="per seller, as a buyer")
    parser.add_argument("--purchases-per-minute", type=float, default=0.0, help="new purchases per seller")
    parser.add_argument("--trouble-share", type=float, default=defaults.trouble_share, help="part of orders")
    parser.add_argument("--trouble-changes-per-minute", type=float, default=0.0, help="returns, cases")
    parser.add_argument("--bodies-kept", type=int, default=0, help="orders per seller kept as JSON")
    parser.add_argument("--sort", choices=SORT_ORDERS, default=defaults.sort)
    parser.add_argument("--die-with-parent", action="store_true", help="Linux: end when the parent ends")
    return parser.parse_args(argv)


def _die_with_parent() -> None:
    """Ask the kernel for SIGTERM when the thread that started this process ends."""
    if sys.platform == "linux":
        ctypes.CDLL(None, use_errno=True).prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def main(argv: list[str] | None = None) -> int:
    args = _arguments(argv)
    if args.die_with_parent:
        _die_with_parent()
    config = SimulatorConfig(
        seed=args.seed,
        orders=args.orders,
        accept_url=args.accept_url,
        reject_url=args.reject_url,
        arrivals_per_minute=args.arrivals_per_minute,
        changes_per_minute=args.changes_per_minute,
        sort=args.sort,
        stock=args.stock,
        stock_changes_per_minute=args.stock_changes_per_minute,
        trouble_share=args.trouble_share,
        trouble_changes_per_minute=args.trouble_changes_per_minute,
        messages=args.messages,
        messages_per_minute=args.messages_per_minute,
        own_folders=bool(args.own_folders),
        listings=args.listings,
        listing_changes_per_minute=args.listing_changes_per_minute,
        purchases=args.purchases,
        purchases_per_minute=args.purchases_per_minute,
        bodies_kept=args.bodies_kept,
    )
    try:
        listener = listen(args.host, args.port)
    except OSError as problem:
        print(f"cannot listen on {args.host}:{args.port}: {problem.strerror}", file=sys.stderr)
        return 1
    serve(create_app(config), listener)
    return 0


if __name__ == "__main__":
    sys.exit(main())
