"""What types mean that belong to no library, and a few facts about types that severity needs."""

from __future__ import annotations

from ...model.classified import Category
from .libraries import types, words

_DEFECTS = (
    "TypeError AttributeError NameError UnboundLocalError KeyError IndexError LookupError ZeroDivisionError OverflowError FloatingPointError "
    "ArithmeticError AssertionError NotImplementedError RecursionError StopIteration StopAsyncIteration BufferError ReferenceError SyntaxError "
    "IndentationError TabError PythonFinalizationError RangeError NoMethodError NullPointerException"
)
BUILTINS: dict[str, Category | None] = {
    **types(
        timeout="TimeoutError",
        network="ConnectionError ConnectionRefusedError ConnectionResetError ConnectionAbortedError BrokenPipeError",
        configuration="FileNotFoundError NotADirectoryError IsADirectoryError FileExistsError ImportError ModuleNotFoundError",
        authorization="PermissionError",
        resource="MemoryError BlockingIOError ChildProcessError ProcessLookupError InterruptedError",
        validation="UnicodeError UnicodeDecodeError UnicodeEncodeError UnicodeTranslateError",
        business_logic=_DEFECTS,
    ),
    **dict.fromkeys(
        words(
            "Exception BaseException RuntimeError SystemError SystemExit KeyboardInterrupt GeneratorExit ExceptionGroup BaseExceptionGroup "
            "OSError IOError EnvironmentError EOFError ValueError Error Warning"
        )
    ),
}
"""Types without a module: Python's own, and what other platforms share with it. None: says nothing by itself."""

OS_ERRORS = frozenset(
    words(
        "OSError IOError EnvironmentError PermissionError FileNotFoundError FileExistsError NotADirectoryError IsADirectoryError "
        "BlockingIOError ChildProcessError ProcessLookupError InterruptedError"
    )
)
"""Where ``errno`` decides. A ``PermissionError`` without one was raised by the application, not by the operating system."""
WEAK: dict[str, Category] = {"ValueError": "validation", "EOFError": "network", "OSError": "resource"}
"""What is meant if neither a cause nor a word says more."""

UNREACHABLE = frozenset(
    words(
        "OperationalError InterfaceError TimeoutError ConnectionError DisconnectionError CannotConnectNowError ConnectionDoesNotExistError "
        "AdminShutdown ConnectionFailure ServerSelectionTimeoutError AutoReconnect NoHostAvailable PoolTimeout TooManyConnectionsError "
        "MaxConnectionsError ClusterDownError MasterDownError BusyLoadingError AMQPConnectionError NoBrokersAvailable"
    )
)
"""Types by which a database or broker says that it is away, not that a statement was wrong."""

MECHANISMS: dict[str, Category] = {
    "HTTPClientError": "external_service",
    "watchdog_termination": "resource",
    "AppHang": "resource",
    "ANR": "resource",
}
"""What Sentry's mobile SDKs report without an exception (docs.sentry.io, "HTTP Client Errors", "App Hangs", "ANR")."""
