"""Libraries that ask other services, and the SDK's integration that makes spans of it. Standard library only."""

from __future__ import annotations

from typing import Literal, NamedTuple


class Client(NamedTuple):
    """A library by which a program asks a database or another service."""

    module: str
    """The module that does it, as it is imported; what lies below it counts as well."""
    kind: Literal["http", "sql"]
    integration: str
    """Identifier of the integration; empty: the SDK has none."""
    name: str
    """Class of the integration."""
    on_by: Literal["default", "auto", "hand"] = "auto"


CLIENTS: dict[str, Client] = {
    client.module: client
    for client in (
        Client("httpx", "http", "httpx", "HttpxIntegration"),
        Client("httpx2", "http", "httpx2", "Httpx2Integration"),
        Client("aiohttp", "http", "aiohttp", "AioHttpIntegration"),
        Client("botocore", "http", "boto3", "Boto3Integration"),
        Client("boto3", "http", "boto3", "Boto3Integration"),
        Client("pyreqwest", "http", "pyreqwest", "PyreqwestIntegration", "hand"),
        Client("grpc", "http", "grpc", "GRPCIntegration", "hand"),
        # These send through the standard library's http.client, which one integration watches.
        Client("requests", "http", "stdlib", "StdlibIntegration", "default"),
        Client("urllib3", "http", "stdlib", "StdlibIntegration", "default"),
        Client("urllib.request", "http", "stdlib", "StdlibIntegration", "default"),
        Client("http.client", "http", "stdlib", "StdlibIntegration", "default"),
        Client("sqlalchemy", "sql", "sqlalchemy", "SqlalchemyIntegration"),
        Client("django", "sql", "django", "DjangoIntegration"),
        Client("asyncpg", "sql", "asyncpg", "AsyncPGIntegration"),
        Client("aiomysql", "sql", "aiomysql", "AioMySQLIntegration", "hand"),
        Client("pymongo", "sql", "pymongo", "PyMongoIntegration"),
        Client("redis", "sql", "redis", "RedisIntegration"),
        Client("clickhouse_driver", "sql", "clickhouse_driver", "ClickhouseDriverIntegration"),
        Client("sqlite3", "sql", "", ""),
        Client("psycopg", "sql", "", ""),
        Client("psycopg2", "sql", "", ""),
        Client("pymysql", "sql", "", ""),
        Client("MySQLdb", "sql", "", ""),
        Client("aiosqlite", "sql", "", ""),
    )
}


def client_of(module: str) -> Client | None:
    """The library that ``module`` (``httpx._client``) belongs to; None for any other."""
    while module:
        if module in CLIENTS:
            return CLIENTS[module]
        module = module.rpartition(".")[0]
    return None
