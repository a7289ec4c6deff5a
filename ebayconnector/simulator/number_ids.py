"""Ids made of digits that say nothing: unique among all sellers of a world, and read back without a table."""

from dataclasses import dataclass

PLACES_PER_SELLER = 10_000_000

_SEED_STEP = 7_919_000_003


@dataclass(frozen=True, slots=True)
class Numbering:
    """Ids of `digits` digits that begin with `first`; `factor` is odd and no multiple of five: invertible."""

    first: str
    digits: int
    factor: int

    @property
    def _space(self) -> int:
        return int(10 ** (self.digits - len(self.first)))

    def id_of(self, *, seed: int, seller_number: int, place: int) -> str:
        number = (seller_number * PLACES_PER_SELLER + place) * self.factor + seed * _SEED_STEP
        return f"{self.first}{number % self._space:0{self.digits - len(self.first)}d}"

    def place_of(self, text: str, *, seed: int, seller_number: int) -> int | None:
        """None for an id that is not one of this seller; the place may be one that was never used."""
        if len(text) != self.digits or not (text.isascii() and text.isdigit()):
            return None
        if not text.startswith(self.first):
            return None
        inverse = pow(self.factor, -1, self._space)
        number = (int(text[len(self.first) :]) - seed * _SEED_STEP) * inverse % self._space
        owner, place = divmod(number, PLACES_PER_SELLER)
        return place if owner == seller_number else None
