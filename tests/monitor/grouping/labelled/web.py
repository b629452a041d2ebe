"""The same shop behind FastAPI, Flask, Django and Celery."""

from __future__ import annotations

import celery
import django
import fastapi
import flask
from django.conf import settings
from django.http import HttpRequest, HttpResponse
from django.urls import path

from . import causes

if not settings.configured:
    settings.configure(ROOT_URLCONF=__name__, ALLOWED_HOSTS=["*"], SECRET_KEY="none", MIDDLEWARE=[])
    django.setup()

api = fastapi.FastAPI()
site = flask.Flask(__name__)
jobs = celery.Celery("shop", broker="memory://", backend="cache+memory://")
jobs.conf.task_always_eager = True


@api.get("/reserve/{wanted}")
def api_reserve(wanted: int) -> None:
    causes.reserve(3, wanted)


@api.get("/price/{article}")
async def api_price(article: str) -> int:
    return causes.price({}, article)


@api.get("/ratio/{part}")
async def api_ratio(part: int) -> float:
    return causes.ratio(part, 0)


@api.get("/share/{part}")
async def api_share(part: int) -> float:
    return causes.ratio(part, 0)


@site.get("/reserve/<int:wanted>")
def site_reserve(wanted: int) -> str:
    causes.reserve(3, wanted)
    return "done"


@site.get("/ship/<int:milliseconds>")
def site_ship(milliseconds: int) -> str:
    causes.ship(milliseconds)
    return "done"


def django_price(request: HttpRequest, article: str) -> HttpResponse:
    return HttpResponse(str(causes.price({}, article)))


def django_walk(request: HttpRequest, depth: int) -> HttpResponse:
    causes.walk(causes.nested(depth))
    return HttpResponse("done")


urlpatterns = [path("price/<str:article>", django_price), path("walk/<int:depth>", django_walk)]


@jobs.task
def deliver(address: str) -> None:
    causes.deliver(address)


@jobs.task
def settle(part: int) -> float:
    return causes.ratio(part, 0)
