"""How long and how often a registry is asked: the values that requests and retries go by."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable


@dataclass(frozen=True, slots=True)
class Policy:
    """How long and how often to try. Times are seconds."""

    tries: int = 3
    pause: float = 0.5  # before the second try; doubled before each further one
    longest_pause: float = 10.0  # also the most that a Retry-After is obeyed
    connect: float = 10.0
    answer: float = 30.0  # silence after which a request is given up
    sleep: Callable[[float], object] = field(default=time.sleep)
