"""Which exception types of which libraries mean what.

An event has the type's name and module, not its base classes; so each library is a family: what its types mean unless the
table of types, the status it reports, or (where ``named``) the words of the name say more. Names were taken from each library's public
documentation of its exceptions. A family of a longer prefix hides that of a shorter one.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Literal, cast

from ...model.classified import Category


@dataclass(frozen=True, slots=True)
class Family:
    """What the exceptions of one library mean."""

    default: Category | None
    """None: the type itself says nothing; look at its words and causes."""
    named: bool = False
    """Whether words of the name are asked before the default is taken."""
    status: Literal["", "answered", "upstream"] = ""
    """Whether the text may hold an HTTP status: our own answer, or that of another service."""
    codes: Literal["", "grpc", "aws"] = ""
    types: Mapping[str, Category | None] = field(default_factory=dict)


def words(text: str) -> list[str]:
    """The names in ``text``, which blanks separate."""
    return text.split()


def types(**categories: str) -> dict[str, Category | None]:
    """``validation="A B"``: A and B mean validation."""
    return {
        name: cast("Category", category) for category, names in categories.items() for name in words(names)
    }


_DATABASES = words(
    "sqlalchemy alembic psycopg psycopg2 psycopg_pool asyncpg sqlite3 aiosqlite pymysql MySQLdb mysql aiomysql asyncmy pymongo motor "
    "mongoengine redis aioredis valkey pymemcache pylibmc cassandra elasticsearch elastic_transport opensearchpy oracledb cx_Oracle pyodbc "
    "pymssql peewee tortoise neo4j influxdb clickhouse_driver clickhouse_connect snowflake django.db kombu amqp pika aio_pika aiormq kafka "
    "aiokafka confluent_kafka java.sql javax.persistence org.hibernate org.postgresql com.mongodb redis.clients ActiveRecord"
)
_HTTP_CLIENTS = words(
    "httpx httpcore requests urllib3 urllib.error http.client aiohttp niquests h11 h2 tornado.httpclient geventhttpclient"
)
_NETWORK = words(
    "socket ssl select OpenSSL websockets websocket wsproto dns pycurl anyio trio paramiko ftplib socketio engineio java.net zmq asyncssh"
)
_SERVICES = words(
    "boto3 s3transfer google.cloud azure openai anthropic slack_sdk twilio sendgrid github gitlab jira hvac zeep suds docker "
    "kubernetes xmlrpc smtplib aiosmtplib imaplib poplib pybreaker aiobreaker firebase_admin pusher shopify paypalrestsdk"
)
_AUTHENTICATION = words(
    "jwt jose authlib oauthlib requests_oauthlib itsdangerous passlib ldap ldap3 social_core allauth flask_login "
    "cryptography google.auth rest_framework_simplejwt flask_jwt_extended nacl argon2"
)
_VALIDATION = words(
    "pydantic pydantic_core marshmallow jsonschema cerberus voluptuous attr attrs cattrs msgspec wtforms webargs colander json simplejson "
    "orjson ujson yaml tomllib xml lxml csv email dateutil binascii zlib gzip bz2 lzma zipfile tarfile phonenumbers PIL multipart "
    "python_multipart graphql isodate idna uuid argparse click com.fasterxml.jackson"
)
_CONFIGURATION = words(
    "configparser importlib pkg_resources dotenv environ dynaconf decouple omegaconf hydra pydantic_settings zoneinfo locale pytz"
)
_OWN_CODE = words("decimal fractions statistics pickle copy copyreg")
_GATEWAYS = words(
    "starlette fastapi werkzeug flask django rest_framework sanic falcon bottle litestar connexion tornado pyramid quart aiohttp.web_exceptions"
)

_CLIENT_TYPES = types(
    configuration="MissingSchema InvalidSchema InvalidURL URLRequired InvalidHeader InvalidProxyURL LocationParseError LocationValueError URLSchemeUnknown ProxySchemeUnknown UnsupportedProtocol",
    external_service="TooManyRedirects ContentDecodingError DecodingError ContentTypeError InvalidJSONError JSONDecodeError RetryError DecodeError InvalidChunkLength BadStatusLine",
    resource="EmptyPoolError FullPoolError",
    network="RemoteProtocolError",
    business_logic="StreamConsumed StreamConsumedError StreamClosed ResponseNotRead RequestNotRead CookieConflict UnrewindableBodyError LocalProtocolError",
)
_ANSWER_TYPES = types(
    validation="BadRequest BadRequestKeyError NotFound MethodNotAllowed NotAcceptable Gone LengthRequired RequestEntityTooLarge "
    "RequestURITooLarge UnsupportedMediaType RequestedRangeNotSatisfiable ExpectationFailed UnprocessableEntity RequestHeaderFieldsTooLarge "
    "ParseError ValidationError HTTPBadRequest HTTPNotFound HTTPMethodNotAllowed HTTPUnprocessableEntity InvalidUsage ValidationException "
    "NotFoundException Http404 RequestValidationError WebSocketRequestValidationError BadHost",
    authentication="Unauthorized NotAuthenticated AuthenticationFailed HTTPUnauthorized NotAuthorizedException OAuthProblem",
    authorization="Forbidden PermissionDenied HTTPForbidden PermissionDeniedException SecurityError CSRFError",
    rate_limit="TooManyRequests Throttled HTTPTooManyRequests TooManyRequestsException",
    timeout="RequestTimeout GatewayTimeout HTTPRequestTimeout HTTPGatewayTimeout",
    business_logic="Conflict PreconditionFailed Locked HTTPConflict InternalServerError NotImplemented ResponseValidationError",
    external_service="BadGateway HTTPBadGateway",
    resource="ServiceUnavailable HTTPServiceUnavailable",
    network="ClientDisconnected ClientDisconnect",
)
_DJANGO_TYPES = types(
    authorization="PermissionDenied",
    configuration="ImproperlyConfigured AppRegistryNotReady MiddlewareNotUsed ViewDoesNotExist TemplateDoesNotExist",
    validation="ValidationError BadRequest SuspiciousOperation SuspiciousMultipartForm SuspiciousFileOperation DisallowedHost "
    "DisallowedRedirect TooManyFieldsSent TooManyFilesSent RequestDataTooBig Http404 Resolver404 MultiPartParserError",
    business_logic="ObjectDoesNotExist MultipleObjectsReturned FieldDoesNotExist FieldError EmptyResultSet SynchronousOnlyOperation "
    "NoReverseMatch RawPostDataException TemplateSyntaxError VariableDoesNotExist",
    network="RequestAborted UnreadablePostError",
)

FAMILIES: dict[str, Family] = {
    **dict.fromkeys(_DATABASES, Family("database")),
    **dict.fromkeys(_HTTP_CLIENTS, Family("network", named=True, status="upstream", types=_CLIENT_TYPES)),
    **dict.fromkeys(_NETWORK, Family("network", named=True)),
    **dict.fromkeys(_SERVICES, Family("external_service", named=True, status="upstream")),
    **dict.fromkeys(_AUTHENTICATION, Family("authentication")),
    **dict.fromkeys(_VALIDATION, Family("validation")),
    **dict.fromkeys(_CONFIGURATION, Family("configuration")),
    **dict.fromkeys(_OWN_CODE, Family("business_logic")),
    **dict.fromkeys(_GATEWAYS, Family(None, named=True, status="answered", types=_ANSWER_TYPES)),
    "sqlalchemy": Family(
        "database",
        types=types(
            configuration="NoSuchModuleError NoDBAPILoaded",
            business_logic="MissingGreenlet NoResultFound MultipleResultsFound DetachedInstanceError ObjectDeletedError UnmappedInstanceError AwaitRequired",
        ),
    ),
    "mongoengine": Family(
        "database",
        types=types(validation="ValidationError", business_logic="DoesNotExist MultipleObjectsReturned"),
    ),
    "tortoise": Family(
        "database",
        types=types(
            validation="ValidationError",
            business_logic="DoesNotExist MultipleObjectsReturned",
            configuration="ConfigurationError",
        ),
    ),
    "kombu": Family(
        "database",
        types=types(
            validation="SerializationError EncodeError DecodeError ContentDisallowed",
            configuration="SerializerNotInstalled",
            resource="LimitExceeded ConnectionLimitExceeded ChannelLimitExceeded",
        ),
    ),
    "django": Family(None, named=True, types=_DJANGO_TYPES),
    "django.contrib.auth": Family("authentication"),
    "jinja2": Family("business_logic", types=types(configuration="TemplateNotFound TemplatesNotFound")),
    "jwt": Family(
        "authentication",
        types=types(
            network="PyJWKClientConnectionError",
            external_service="PyJWKClientError",
            configuration="MissingCryptographyError",
        ),
    ),
    "google.auth": Family("authentication", types=types(network="TransportError")),
    "cryptography": Family("authentication", types=types(configuration="UnsupportedAlgorithm")),
    "celery": Family(
        None,
        named=True,
        types={
            **types(
                timeout="TimeoutError SoftTimeLimitExceeded TimeLimitExceeded",
                configuration="ImproperlyConfigured NotConfigured NotRegistered AlreadyRegistered QueueNotFound",
                database="BackendError BackendGetMetaError BackendStoreError",
                resource="WorkerTerminate WorkerShutdown WorkerLostError",
                validation="InvalidTaskError IncompleteStream",
                authentication="SecurityError",
                business_logic="Retry Ignore Reject TaskRevokedError",
            ),
            "MaxRetriesExceededError": None,
            "ChordError": None,
        },
    ),
    "billiard": Family("resource", named=True),
    "multiprocessing": Family("resource", named=True),
    "concurrent.futures": Family(
        "resource", named=True, types=types(timeout="CancelledError", business_logic="InvalidStateError")
    ),
    "asyncio": Family(
        None,
        named=True,
        types=types(
            timeout="CancelledError",
            network="IncompleteReadError",
            validation="LimitOverrunError",
            resource="QueueFull",
            business_logic="InvalidStateError QueueEmpty",
        ),
    ),
    "queue": Family("resource", types=types(business_logic="Empty")),
    "subprocess": Family("external_service", named=True),
    "shutil": Family("resource", types=types(business_logic="SameFileError")),
    "gevent": Family("network", named=True),
    "rq": Family(None, named=True, types=types(business_logic="NoSuchJobError InvalidJobOperation")),
    "tenacity": Family(None),
    "grpc": Family("external_service", codes="grpc"),
    "google.api_core": Family("external_service", named=True, status="upstream"),
    "botocore": Family(
        "external_service",
        named=True,
        codes="aws",
        types=types(
            configuration="NoRegionError ProfileNotFound ConfigNotFound ConfigParseError UnknownServiceError InvalidConfigError",
            authentication="NoCredentialsError PartialCredentialsError CredentialRetrievalError TokenRetrievalError UnauthorizedSSOTokenError",
        ),
    ),
    "stripe": Family(
        "external_service",
        named=True,
        types=types(business_logic="CardError IdempotencyError", validation="InvalidRequestError"),
    ),
    "openai": Family(
        "external_service",
        named=True,
        types=types(
            validation="BadRequestError UnprocessableEntityError NotFoundError",
            network="APIConnectionError",
            timeout="APITimeoutError",
        ),
    ),
    "anthropic": Family(
        "external_service",
        named=True,
        types=types(
            validation="BadRequestError UnprocessableEntityError NotFoundError",
            network="APIConnectionError",
            timeout="APITimeoutError",
        ),
    ),
    "slowapi": Family("rate_limit"),
    "limits": Family("rate_limit"),
    "pyrate_limiter": Family("rate_limit"),
    "psutil": Family("resource"),
    "json": Family("validation"),
    "pydantic": Family(
        "validation",
        types=types(
            business_logic="PydanticUserError PydanticSchemaGenerationError PydanticUndefinedAnnotation"
        ),
    ),
}


@lru_cache(maxsize=4096)
def family_of(module: str) -> tuple[str, Family] | None:
    """The family that a module belongs to, with its prefix; longest prefix first."""
    prefix = module.lstrip("_")  # csv.Error lives in _csv
    while prefix:
        if prefix in FAMILIES:
            return prefix, FAMILIES[prefix]
        prefix = prefix.rpartition(".")[0]
    return None
