"""A Django project in one file, served as WSGI (``wsgi``) and as ASGI (``asgi``). ``DEFECT`` spoils it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import django
from django.conf import settings
from django.core.handlers.asgi import ASGIHandler
from django.core.handlers.wsgi import WSGIHandler
from django.core.signals import request_finished
from django.http import HttpRequest, HttpResponse, StreamingHttpResponse
from django.urls import path

from . import django_defects, monitoring, shop
from .monitoring import DEFECT

settings.configure(
    ALLOWED_HOSTS=["*"],
    DEBUG=DEFECT == "debug",
    ROOT_URLCONF=__name__,
    SECRET_KEY="only for this scenario",
    MIDDLEWARE=[f"{__name__}.authorisation", *django_defects.middleware(DEFECT)],
)
monitoring.start(**django_defects.options(DEFECT))
django.setup()


def authorisation(
    get_response: Callable[[HttpRequest], HttpResponse],
) -> Callable[[HttpRequest], HttpResponse]:
    """Fail in a middleware, before the view."""

    def middleware(request: HttpRequest) -> HttpResponse:
        shop.authorise(request.path)
        return get_response(request)

    return middleware


def ready(_request: HttpRequest) -> HttpResponse:
    """Tell that requests are served."""
    return HttpResponse("ready")


def order(_request: HttpRequest) -> HttpResponse:
    """Fail in a view."""
    return HttpResponse(str(shop.save(1)))


async def stock(_request: HttpRequest) -> HttpResponse:
    """Fail in an asynchronous view."""
    return HttpResponse(str(shop.check(1)))


def export(_request: HttpRequest) -> StreamingHttpResponse:
    """Fail in the middle of a body that is being sent."""
    return StreamingHttpResponse(shop.lines())


def tidy(**_: Any) -> None:
    """Fail when the response has been sent and is closed."""
    shop.tidy()


urlpatterns: list[Any] = [
    *django_defects.views(DEFECT),  # of two patterns for one path, the first counts
    path("ready", ready),
    path("orders", order),
    path("stock", stock),
    path("export", export),
]
request_finished.connect(tidy)
wsgi, asgi = WSGIHandler(), ASGIHandler()
