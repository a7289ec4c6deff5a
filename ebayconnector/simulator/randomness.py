"""Randomness that depends on the seed and on what is asked, never on the order of asking."""

from random import Random

_MASK = (1 << 64) - 1


def mix(*parts: int) -> int:
    """A 64-bit number from integers (splitmix64 over them); equal parts give equal numbers."""
    state = 0x9E3779B97F4A7C15
    for part in parts:
        state = (state + (part & _MASK) + 0x9E3779B97F4A7C15) & _MASK
        state = ((state ^ (state >> 30)) * 0xBF58476D1CE4E5B9) & _MASK
        state = ((state ^ (state >> 27)) * 0x94D049BB133111EB) & _MASK
        state ^= state >> 31
    return state


def unit(*parts: int) -> float:
    """A number in [0, 1) from integers."""
    return mix(*parts) / (_MASK + 1)


def rng(*parts: int) -> Random:
    return Random(mix(*parts))


_USER_ID_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def immutable_user_id(source: Random) -> str:
    """Eleven characters in the manner of eBay's immutable user ids (03 §2)."""
    return "".join(source.choices(_USER_ID_ALPHABET, k=11))
