"""What sends the notifications of one channel, over HTTP; the contract for all that send."""

from __future__ import annotations

import http.client
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol

from .. import clock
from ..model.notified import Delivery, Outcome
from ..monitor.notifications import Channel
from .allowed import Redactor
from .bodies.pagerduty import pagerduty
from .bodies.sentry import hook, legacy, request_id, signature
from .bodies.slack import slack
from .http_post import post

DELIVERY_HEADER = "X-Sentry-Harness-Delivery"
"""Names the delivery to our own receivers; others pass it over."""
_AGAIN = frozenset((408, 425, 429))
_MOST_ERROR = 300


class Sender(Protocol):
    """Sends to one channel. ``send`` never raises for what a receiver or the network does."""

    def send(self, delivery: Delivery) -> Outcome:
        """One try, within the channel's time-out."""
        ...


@dataclass(frozen=True, slots=True)
class Request:
    """What is posted."""

    body: bytes
    headers: Mapping[str, str]


Render = Callable[[Delivery, Channel], Request]


class HttpSender:
    """Posts what ``render`` makes of a delivery."""

    def __init__(self, channel: Channel, render: Render) -> None:
        self._channel, self._render = channel, render
        self._redact = Redactor(channel)

    def send(self, delivery: Delivery) -> Outcome:
        """One POST. Delivered is what is answered with 2xx; 408, 425, 429, 5xx and silence are worth another try."""
        request = self._render(delivery, self._channel)
        headers = {
            "Content-Type": "application/json",
            DELIVERY_HEADER: delivery.delivery_id,
            **request.headers,
        }
        begun = clock.perf()
        try:
            answer = post(self._channel.url, request.body, headers, self._channel.timeout)
        except (OSError, http.client.HTTPException) as error:
            return failed(error, self._redact, clock.perf() - begun)
        seconds = clock.perf() - begun
        if 200 <= answer.status < 300:
            return Outcome(delivered=True, status=answer.status, seconds=seconds)
        said = f"answered {answer.status}: {self._redact(answer.text)[:_MOST_ERROR]}"
        if 300 <= answer.status < 400:
            said = f"answered {answer.status}: redirects are not followed"
        return Outcome(
            delivered=False,
            status=answer.status,
            error=said,
            seconds=seconds,
            retry=answer.status >= 500 or answer.status in _AGAIN,
            retry_after=answer.retry_after,
        )


def failed(error: BaseException, redact: Redactor, seconds: float) -> Outcome:
    """The outcome when there was no answer."""
    text = redact(f"{type(error).__name__}: {error}")[:_MOST_ERROR]
    return Outcome(delivered=False, error=text, seconds=seconds)


def render_webhook(delivery: Delivery, channel: Channel) -> Request:
    """Sentry docs, "Integration Platform: Webhooks"."""
    resource, content = hook(delivery)
    body = _json(content)
    return Request(
        body,
        {
            "Request-ID": request_id(delivery.delivery_id),
            "Sentry-Hook-Resource": resource,
            "Sentry-Hook-Timestamp": str(int(clock.wall())),
            "Sentry-Hook-Signature": signature(channel.secret, body),
        },
    )


def render_legacy(delivery: Delivery, _: Channel) -> Request:
    """The older WebHooks plugin."""
    return Request(_json(legacy(delivery)), {"User-Agent": "sentry-webhooks/1.0"})


def render_slack(delivery: Delivery, _: Channel) -> Request:
    """Slack's incoming webhooks."""
    return Request(_json(slack(delivery)), {})


def render_pagerduty(delivery: Delivery, channel: Channel) -> Request:
    """PagerDuty's Events API v2."""
    return Request(_json(pagerduty(delivery, channel.secret)), {})


def _json(content: object) -> bytes:
    return json.dumps(content, separators=(",", ":"), allow_nan=False).encode()
