"""The SKUs of a stock: plain ones, ones that must be encoded with care, and ones from before eBay's rules."""

SKU_MAX = 50  # characters (03 §6.1)

# Each breaks a client that encodes too little, too much or twice.
_ODD = (
    "SP {n} blue",
    "A/B/{n}",
    "C++ {n}",
    "R&D-{n}",
    "50%-{n}",
    "Größe {n} – weiß",
    "LONG-{n}-",  # filled up to fifty characters
    "a%2Fb-{n}",
    "#{n};v=1?x=2",
    "日本 {n} 🎸",
)


def odd_sku(nth: int, number: int) -> str:
    """The SKU of the nth item that has an odd one; `number` is the item's own and makes it unique."""
    pattern = _ODD[nth % len(_ODD)]
    sku = pattern.format(n=number)
    return sku.ljust(SKU_MAX, "X") if pattern.startswith("LONG") else sku


def legacy_sku(number: int) -> str:
    return f"OLD#{number}*"


def variation_sku(site_key: str, number: int, size: str) -> str:
    return f"{site_key}-V{number:04d}-{size}"
