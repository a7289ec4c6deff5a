"""What a simulator is started with."""

from dataclasses import dataclass
from typing import Literal, get_args

from ebayconnector.simulator.auction_settings import BiddingSettings
from ebayconnector.simulator.money_settings import FinancesSettings
from ebayconnector.simulator.trading_settings import TradingSettings
from ebayconnector.simulator.trouble_settings import PostOrderSettings

SortOrder = Literal["newest_first", "oldest_first", "by_id"]
SORT_ORDERS: tuple[str, ...] = get_args(SortOrder)
StockSort = Literal["oldest_first", "newest_first", "by_sku", "shuffled"]
STOCK_SORTS: tuple[str, ...] = get_args(StockSort)
InventoryOffset = Literal["page", "row"]
INVENTORY_OFFSETS: tuple[str, ...] = get_args(InventoryOffset)
InventoryLinks = Literal["absolute", "relative"]
INVENTORY_LINKS: tuple[str, ...] = get_args(InventoryLinks)


@dataclass(frozen=True, slots=True)
class SimulatorConfig:
    """`orders` is the number per seller; the two rates are per seller and minute of the simulator's clock.

    `sort` is the order of getOrders' rows, which eBay does not promise (03 §4.1). Without `reject_url` a
    declined consent goes to `accept_url`.

    `stock` is the number of inventory items per seller, its rate the like of the other two. What `offset`
    counts in the Inventory API and whether its links are absolute differs between document and record
    (03 §6.1): a client must survive both.

    `messages`, `listings` and `purchases` are numbers per seller for the Trading API, their rates the like of
    the others. `messages` counts what was received; `listings` those that no inventory item stands for.
    Without `own_folders` nobody made a folder of their own, each of which costs a reader another call.

    `trouble_share` is the part of the orders that bring an inquiry or a return, its rate the like of the
    others.

    `bodies_kept`: so many orders of each seller are kept as JSON, for whoever measures a client and not the
    simulator; 4 KB each.

    `auctions` is the number of items with bids in the whole world, all sold by strangers.
    """

    seed: int = 1
    orders: int = 400
    accept_url: str = "http://127.0.0.1:8000/ebay/connect/callback"
    reject_url: str | None = None
    arrivals_per_minute: float = 0.0
    changes_per_minute: float = 0.0
    sort: SortOrder = "newest_first"
    stock: int = 40
    stock_changes_per_minute: float = 0.0
    stock_sort: StockSort = "oldest_first"
    inventory_offset: InventoryOffset = "page"
    inventory_links: InventoryLinks = "absolute"
    finances: FinancesSettings = FinancesSettings()
    messages: int = 60
    messages_per_minute: float = 0.0
    own_folders: bool = True
    listings: int = 60
    listing_changes_per_minute: float = 0.0
    purchases: int = 24
    purchases_per_minute: float = 0.0
    trading: TradingSettings = TradingSettings()
    trouble_share: float = 0.12
    trouble_changes_per_minute: float = 0.0
    post_order: PostOrderSettings = PostOrderSettings()
    auctions: int = 12
    bidding: BiddingSettings = BiddingSettings()
    request_log_size: int = 10_000
    bodies_kept: int = 0
