"""What the words of a type's name, the words of a message, and codes say. Each function gives a category, or None."""

from __future__ import annotations

import re
from functools import lru_cache

from ...model.classified import Category

_BOUNDARY = re.compile(r"(?<=[a-z0-9])(?=[A-Z])|(?<=[A-Z])(?=[A-Z][a-z])|[^A-Za-z0-9]+")

# The name is split into words, as in _order_parse_error_; the first pattern that is found decides, so what is asked first
# is what says most: a DatabaseTimeout is a timeout, a ConnectionPoolExhausted no matter of the network.
_NAMES: dict[Category, str] = {
    "timeout": r"time(?:d?_?out|outs)|timedout|deadline(?:_exceeded)?|time_limit(?:_exceeded)?",
    "rate_limit": (
        r"rate_?limit(?:ed|s|er)?|ratelimit|throttl(?:e|ed|ing)|too_many_requests|request_limit|quota|slow_down|"
        r"provisioned_throughput"
    ),
    "authorization": (
        r"permissions?|forbidden|access_(?:denied|refused)|not_authori[sz]ed|unauthori[sz]ed_(?:access|operation)|"
        r"authori[sz]ation|not_allowed|csrf|privileges?|scope"
    ),
    "authentication": (
        r"authentication|authenticate|unauthori[sz]ed|unauthenticated|not_authenticated|credentials?|login|logon|password|"
        r"(?:expired|invalid|bad|missing|unrecognized)_(?:api_key|token|signature|session)|token_(?:expired|invalid|error|revoked)|"
        r"expired_token|signature|jwt|auth(?:2)?_(?:error|exception|failed|failure)|session_expired|mfa"
    ),
    "configuration": (
        r"config|configuration|configured|misconfigured|misconfiguration|settings?|environ|env|environment_variable|"
        r"missing_(?:dependency|driver|plugin)|plugin_not_found"
    ),
    "database": (
        r"database|db|sql|deadlock|integrity|dbapi|unique_violation|foreign_key|transaction_(?:rollback|aborted)|"
        r"mongo|redis|postgres|mysql|sqlite|cassandra|elasticsearch|lock_wait"
    ),
    "resource": (
        r"memory|disk|no_space|exhausted|exhaustion|too_many_(?:files|connections|open_files)|capacity|overload(?:ed)?|"
        r"queue_full|pool_full|worker_lost|stack_overflow|storage_full|oom"
    ),
    "network": (
        r"connect|connections?|connectivity|disconnect(?:ed|ion)?|socket|network|dns|unreachable|unknown_host|ssl|tls|"
        r"certificate|proxy|broken_pipe|name_resolution|transport"
    ),
    "external_service": (
        r"upstream|bad_gateway|gateway|service_(?:unavailable|error|exception|failure)|remote|webhook|third_party|"
        r"api_(?:error|exception|failure)|api|external|provider|circuit_breaker|circuit_open"
    ),
    "business_logic": (
        r"does_not_exist|insufficient_(?:funds|stock|balance)|out_of_stock|already_exists|not_enough|conflict|"
        r"multiple_objects_returned|null_pointer|illegal_state|assertion|not_implemented|invalid_state"
    ),
    "validation": (
        r"validation|validations|validate|validator|invalid|malformed|bad_request|parse|parser|parsing|decode|decoding|"
        r"deserialization|deserialize|unmarshal|schema|format_(?:error|exception)|number_format|unprocessable|"
        r"missing_(?:field|param|parameter|argument|required)|unsupported_media|illegal_argument|too_(?:long|large|short)|"
        r"out_of_range|payload"
    ),
}

# Last resort: what libraries and systems write, in the words of strerror(3), getaddrinfo(3), OpenSSL and HTTP (RFC 9110).
_WORDS: dict[Category, str] = {
    "rate_limit": r"rate.?limit|too many requests|quota exceeded|throttl",
    "timeout": r"timed? ?out|deadline exceeded|did not respond in time",
    "resource": (
        r"no space left|out of memory|cannot allocate memory|too many open files|disk (?:is )?full|"
        r"disk quota|queue is full|can't start new thread|resource temporarily unavailable"
    ),
    "database": (
        r"deadlock|duplicate key|unique constraint|foreign key constraint|database is locked|no such table|"
        r"relation \S+ does not exist|server closed the connection unexpectedly|\bdatabase\b"
    ),
    "authentication": (
        r"unauthenticated|unauthori[sz]ed|authentication (?:failed|required)|login (?:failed|required)|"
        r"invalid (?:credentials|password|api key|token)|(?:token|signature) (?:has )?expired|not logged in"
    ),
    "authorization": (
        r"permission denied|access (?:is )?denied|forbidden|not allowed to|not permitted|not authori[sz]ed"
    ),
    "network": (
        r"connection (?:was )?(?:refused|reset|aborted|closed|error|broken)|could not connect|cannot connect|"
        r"name or service not known|temporary failure in name resolution|nodename nor servname|getaddrinfo|"
        r"no route to host|network is unreachable|certificate verify failed|ssl handshake|broken pipe|failed to fetch"
    ),
    "external_service": r"bad gateway|service unavailable|upstream|internal server error from",
    "configuration": (
        r"not configured|misconfigur|missing (?:setting|configuration|environment variable)|environment variable|"
        r"no module named|is not set"
    ),
    "validation": (
        r"validation (?:error|failed)|is required\b|invalid (?:value|input|format|literal|json)|malformed|bad request"
    ),
}

# errno(3) by number on Linux: what the Python SDK sends in mechanism.meta comes from where the application ran.
_ERRNO: dict[int, Category] = {
    **dict.fromkeys((1, 2, 13, 17, 20, 21, 30), "configuration"),
    **dict.fromkeys((11, 12, 23, 24, 27, 28, 31, 40, 105, 122), "resource"),
    **dict.fromkeys((32, 98, 99, 100, 101, 102, 103, 104, 107, 108, 111, 112, 113), "network"),
    110: "timeout",
    62: "timeout",
}

GRPC: dict[str, Category] = {
    "CANCELLED": "timeout",
    "INVALID_ARGUMENT": "validation",
    "DEADLINE_EXCEEDED": "timeout",
    "NOT_FOUND": "external_service",
    "ALREADY_EXISTS": "external_service",
    "PERMISSION_DENIED": "authorization",
    "UNAUTHENTICATED": "authentication",
    "RESOURCE_EXHAUSTED": "rate_limit",
    "FAILED_PRECONDITION": "external_service",
    "OUT_OF_RANGE": "validation",
    "UNAVAILABLE": "network",
}
"""gRPC's status codes (grpc.io, "Status codes and their use"); what is missing is a failure of the other service."""

_ANSWERED: dict[int, Category] = {
    401: "authentication",
    403: "authorization",
    408: "timeout",
    409: "business_logic",
    412: "business_logic",
    423: "business_logic",
    429: "rate_limit",
    502: "external_service",
    503: "resource",
    504: "timeout",
    507: "resource",
}


def split_words(name: str) -> str:
    """``OrderParseError`` as ``_order_parse_error_``; of a dotted name the last part."""
    return f"_{_BOUNDARY.sub('_', name.rpartition('.')[2]).lower()}_"


_IN_NAMES = tuple((category, re.compile(f"_(?:{words})_")) for category, words in _NAMES.items())
_IN_WORDS = tuple((category, re.compile(words)) for category, words in _WORDS.items())


@lru_cache(maxsize=4096)
def by_name(name: str) -> tuple[Category, str] | None:
    """The category that words in a type's name stand for, and those words."""
    words = split_words(name)
    for category, pattern in _IN_NAMES:
        if found := pattern.search(words):
            return category, found[0].strip("_").replace("_", " ")
    return None


def by_words(text: str) -> tuple[Category, str] | None:
    """The category that words in a message stand for, and those words. O(length)."""
    lowered = text.lower()
    for category, pattern in _IN_WORDS:
        if found := pattern.search(lowered):
            return category, found[0]
    return None


def by_errno(number: int) -> Category | None:
    """The category of an operating system's error number."""
    return _ERRNO.get(number)


def by_answer(status: int) -> Category | None:
    """The category of a status with which the application itself answered (RFC 9110, section 15); None for 500."""
    return _ANSWERED.get(status, "validation" if 400 <= status <= 499 else None)


def by_upstream(status: int) -> Category:
    """The category of a status with which another service answered: other failures are its own."""
    if status in (401, 403, 408, 429, 504):
        return _ANSWERED[status]
    return "external_service"
