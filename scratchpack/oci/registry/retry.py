"""Trying again, within bounds: one attempt goes in, its answer comes out, or that of a later attempt where it may be a better one."""

from __future__ import annotations

import contextlib
import email.utils
import random
import time
from typing import TYPE_CHECKING

from scratchpack.oci.registry.faults import BrokenError
from scratchpack.oci.registry.transport import finish

if TYPE_CHECKING:
    from collections.abc import Callable

    from urllib3.response import BaseHTTPResponse

    from scratchpack.oci.registry.policy import Policy

RETRIED = frozenset({408, 429, 500, 502, 503, 504})


def with_retries(policy: Policy, attempt: Callable[[], BaseHTTPResponse]) -> BaseHTTPResponse:
    """Try until there is an answer that another try would not better, within the policy's bounds.

    Raises:
        BrokenError: the last try had no answer either.
    """
    for count in range(1, policy.tries + 1):
        try:
            response = attempt()
        except BrokenError as error:
            if count == policy.tries:
                again = f", tried {count} times" if count > 1 else ""
                raise type(error)(error.message + again, hint=error.hint) from None
            pause = _pause(policy, count, None)
        else:
            if response.status not in RETRIED or count == policy.tries:
                return response
            pause = _pause(policy, count, response.headers.get("Retry-After"))
            finish(response)
        policy.sleep(pause)
    raise AssertionError("a policy has at least one try")


def _pause(policy: Policy, count: int, asked: str | None) -> float:
    pause: float = policy.pause * 2.0 ** (count - 1) * random.uniform(0.8, 1.2)  # noqa: S311 - spreads clients, hides nothing
    if asked and asked.isascii() and asked.isdigit():
        pause = float(asked[:6])
    elif asked:
        with contextlib.suppress(ValueError, OverflowError):
            pause = email.utils.parsedate_to_datetime(asked).timestamp() - time.time()
    return min(max(pause, 0.0), policy.longest_pause)
