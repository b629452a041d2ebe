"""Sends e-mails over SMTP."""

from __future__ import annotations

import smtplib
import socket
import ssl
from contextlib import suppress

from .. import clock
from ..model.notified import Delivery, Outcome
from ..monitor.notifications import Channel
from .allowed import Redactor
from .bodies.mail import mail
from .cut_off import CutOff
from .sender import failed

_MOST_ERROR = 300


class SmtpSender:
    """One connection for each message."""

    def __init__(self, channel: Channel) -> None:
        self._channel = channel
        self._redact = Redactor(channel)

    def send(self, delivery: Delivery) -> Outcome:
        """One message. Delivered is what was taken for all recipients; replies 4yz and silence are worth another try."""
        begun = clock.perf()
        try:
            code, refused = self._try(delivery)
        except smtplib.SMTPResponseException as error:
            return self._refused(error.smtp_code, error.smtp_error, clock.perf() - begun)
        except smtplib.SMTPRecipientsRefused as error:
            code, text = next(iter(error.recipients.values()))
            return self._refused(code, text, clock.perf() - begun)
        except (OSError, smtplib.SMTPException) as error:
            return failed(error, self._redact, clock.perf() - begun)
        seconds = clock.perf() - begun
        if refused:
            # Some have it: another try would tell them twice.
            said = f"{refused} of {len(self._channel.recipients)} recipients were refused"
            return Outcome(delivered=False, status=code, error=said, seconds=seconds, retry=False)
        return Outcome(delivered=True, status=code, seconds=seconds)

    def _try(self, delivery: Delivery) -> tuple[int, int]:
        """Reply code, and how many recipients were refused."""
        channel = self._channel
        own = socket.gethostname()  # smtplib would ask the DNS
        connection = (
            smtplib.SMTP_SSL(
                local_hostname=own, timeout=channel.timeout, context=ssl.create_default_context()
            )
            if channel.tls == "tls"
            else smtplib.SMTP(local_hostname=own, timeout=channel.timeout)
        )
        # smtplib checks the certificate against this name.
        connection._host = channel.host  # type: ignore[attr-defined]
        message = mail(delivery, channel, clock.wall())
        try:
            with CutOff(channel.timeout, lambda: connection.sock):
                code, text = connection.connect(channel.host, channel.port)
                if code != 220:
                    raise smtplib.SMTPConnectError(code, text)
                if channel.tls == "starttls":
                    connection.starttls(context=ssl.create_default_context())
                if channel.username:
                    connection.login(channel.username, channel.secret)
                refused = connection.send_message(message, channel.sender, list(channel.recipients))
            # The message is taken: what becomes of the goodbye does not matter.
            with suppress(OSError, smtplib.SMTPException):
                connection.quit()
        finally:
            connection.close()
        return 250, len(refused)

    def _refused(self, code: int, text: bytes | str, seconds: float) -> Outcome:
        said = text.decode("utf-8", "replace") if isinstance(text, bytes) else str(text)
        return Outcome(
            delivered=False,
            # smtplib has -1 for an answer that is none.
            status=code if code > 0 else None,
            error=f"answered {code}: {self._redact(said)[:_MOST_ERROR]}",
            seconds=seconds,
            # RFC 5321, 4.2.1: 4yz may do better later, 5yz will not.
            retry=code < 500,
        )
