"""What goes wrong between Django and Sentry: one function for each defect."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

from django.http import (
    Http404,
    HttpRequest,
    HttpResponse,
    HttpResponseServerError,
    JsonResponse,
    StreamingHttpResponse,
)
from django.urls import URLPattern, path
from sentry_sdk.integrations.django import DjangoIntegration
from sentry_sdk.integrations.logging import LoggingIntegration

from . import shop


def options(defect: str) -> dict[str, Any]:
    """What the defect changes in the set-up."""
    if defect == "integration-off":
        # Django logs what it answers with 500, and the SDK reports the log record: both have to be off.
        return {"disabled_integrations": [DjangoIntegration(), LoggingIntegration()]}
    return {}


def middleware(defect: str) -> list[str]:
    """The middleware that the defect adds."""
    return [f"{__name__}.ErrorsAsJson"] if defect == "error-middleware" else []


class ErrorsAsJson:
    """Answers errors of views: Django then sends no signal that an exception was not handled."""

    def __init__(self, get_response: Callable[[HttpRequest], HttpResponse]) -> None:
        self._get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        """Pass the request on."""
        return self._get_response(request)

    def process_exception(self, _request: HttpRequest, error: Exception) -> HttpResponse:
        """Django asks this of middleware when a view has failed."""
        return JsonResponse({"error": str(error)}, status=500)


def views(defect: str) -> list[URLPattern]:
    """The views that the defect puts before the sound ones."""
    planted = {"swallowed": swallowing, "not-found": not_found}.get(defect)
    if defect == "closer":
        return [path("export", closing)]
    return [path("orders", planted)] if planted else []


def swallowing(_request: HttpRequest) -> HttpResponse:
    """Answer 500 by hand."""
    try:
        return HttpResponse(str(shop.save(1)))
    except OSError:
        return HttpResponseServerError("try again")


def not_found(_request: HttpRequest) -> HttpResponse:
    """Say 404 for whatever happened: Django answers that by itself."""
    try:
        return HttpResponse(str(shop.save(1)))
    except OSError as error:
        raise Http404("no such order") from error


class Export:
    """A body that has something left to do when it is closed."""

    def __iter__(self) -> Iterator[str]:
        """Give the lines."""
        yield "order\n"

    def close(self) -> None:
        """Write the rest elsewhere: Django calls this in the end, and lets no error of it out."""
        list(shop.more_lines())


def closing(_request: HttpRequest) -> StreamingHttpResponse:
    """Send a body that fails when it is closed."""
    return StreamingHttpResponse(Export())
