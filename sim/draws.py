"""Chance by name: eight even numbers for a seed and a key, the same whatever was drawn before.

Never keeps a state that grows with use: the order in which people act cannot change what another one draws.
"""

from __future__ import annotations

from hashlib import blake2b
from math import exp, log, sqrt
from statistics import NormalDist
from struct import Struct
from typing import Final, Literal

from pydantic import Field, model_validator

from dialerd.model.policies import Policy

_words = Struct("<8Q").unpack
_STEP: Final = 2.0**-53
_normal = NormalDist().inv_cdf
_LEAST: Final = 1e-12  # keeps log and the normal's tail finite


class Chance:
    """The one source of chance of a street."""

    __slots__ = ("_prefix",)

    def __init__(self, seed: int) -> None:
        self._prefix = f"{seed}|".encode()

    def of(self, key: str) -> tuple[float, float, float, float, float, float, float, float]:
        """Eight numbers, each even in [0, 1), that belong to `key`."""
        a, b, c, d, e, f, g, h = _words(blake2b(self._prefix + key.encode(), digest_size=64).digest())
        return (
            (a >> 11) * _STEP,
            (b >> 11) * _STEP,
            (c >> 11) * _STEP,
            (d >> 11) * _STEP,
            (e >> 11) * _STEP,
            (f >> 11) * _STEP,
            (g >> 11) * _STEP,
            (h >> 11) * _STEP,
        )


class Spread(Policy):
    """A length of time in seconds that differs from one to the next."""

    shape: Literal["lognormal", "exponential", "even", "fixed"] = "lognormal"
    """even: from 0 to twice the mean; fixed: always the mean."""
    mean_s: float = Field(ge=0, le=864000)
    cv: float = Field(default=0.5, ge=0, le=10)
    """Standard deviation as a share of the mean; only for lognormal."""
    least_s: float = Field(default=0.0, ge=0, le=864000)
    """Shorter draws are made this long."""

    @model_validator(mode="after")
    def _cv_fits(self) -> Spread:
        if self.shape != "lognormal" and "cv" in self.model_fields_set:
            raise ValueError(f"cv is for shape lognormal, found shape {self.shape}")
        return self

    def sampler(self) -> Sampler:
        """The same, ready to be drawn from often."""
        return Sampler(self)


class Sampler:
    """A spread with its constants worked out."""

    __slots__ = ("_least", "_mean", "_mu", "_shape", "_sigma")

    def __init__(self, spread: Spread) -> None:
        self._shape = spread.shape if spread.mean_s > 0 else "fixed"
        if self._shape == "lognormal" and spread.cv == 0:
            self._shape = "fixed"
        self._mean = spread.mean_s
        self._least = spread.least_s
        self._sigma = self._mu = 0.0
        if self._shape == "lognormal":
            variance = log(1 + spread.cv * spread.cv)
            self._sigma = sqrt(variance)
            self._mu = log(spread.mean_s) - variance / 2

    def at(self, even: float) -> float:
        """The length in seconds below which a share of `even` of all lengths lies."""
        if self._shape == "lognormal":
            length = exp(self._mu + self._sigma * _normal(even if even > _LEAST else _LEAST))
        elif self._shape == "exponential":
            length = -self._mean * log(1 - even)
        elif self._shape == "even":
            length = 2 * self._mean * even
        else:
            length = self._mean
        return length if length > self._least else self._least
