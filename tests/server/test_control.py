"""The control and read API: who may call it, what it says, and how it helps when called wrongly."""

from __future__ import annotations

import json
import logging
import threading
import uuid

import pytest

from pytest_sentry_harness.errors import ServerError
from pytest_sentry_harness.server.calls import Call, answer_call
from pytest_sentry_harness.server.client import ServerClient

from .wire import Answered, Bench, envelope, event, raw, request


def call(bench: Bench, method: str, path: str, body: bytes = b"", **headers: str) -> Answered:
    given = {
        "Authorization": f"Bearer {bench.server.token}",
        **{k.replace("_", "-"): v for k, v in headers.items()},
    }
    return request(bench.server.port, method, f"/api/harness/{path}", body, given)


def test_only_with_the_token(bench: Bench) -> None:
    """401 without it, with another, and in another scheme."""
    for value in ("", "Bearer wrong", f"Basic {bench.server.token}", "Bearer \xe4"):
        answer = call(bench, "GET", "stats", Authorization=value)
        assert answer.status == 401
        assert answer.headers["www-authenticate"] == "Bearer"
    assert "Bearer <token>" in answer.json()["hint"]
    assert call(bench, "GET", "stats").status == 200


def test_only_under_a_name_of_this_machine(bench: Bench) -> None:
    """A foreign Host header is refused even with the token: a rebound name of a web page."""
    for host in (
        *("evil.example", "evil.example:80", "127.0.0.1.evil.example", ""),
        *(
            "localhost:80:90",
            "localhost:evil",
            "localhost:80@evil",
            "[::1]evil",
            "[::1",
            "[localhost]x:1",
            ":80",
        ),
    ):
        answer = call(bench, "GET", "stats", Host=host)
        assert answer.status == 403
        assert "is not this machine" in answer.json()["detail"]
    for host in ("localhost", "localhost:", "LOCALHOST:1", "127.0.0.1:99", "[::1]:5"):
        assert call(bench, "GET", "stats", Host=host).status == 200


@pytest.mark.parametrize("hosts", [("localhost", "evil.example"), ("localhost", "localhost")])
def test_only_with_one_host(bench: Bench, hosts: tuple[str, ...]) -> None:
    """Of two Host headers nobody knows which one a proxy or browser meant."""
    head = "".join(f"Host: {host}\r\n" for host in hosts)
    answer = raw(
        bench.server.port,
        f"GET /api/harness/stats HTTP/1.1\r\n{head}Authorization: Bearer {bench.server.token}\r\n\r\n".encode(),
    )
    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"the request has 2 Host headers" in answer


def test_it_says_what_it_is(bench: Bench) -> None:
    """The root of the API tells version, address and store."""
    about = call(bench, "GET", "").json()
    assert about["url"] == bench.server.url
    assert about["store"] == str(bench.server.folder.resolve())
    assert call(bench, "GET", "nonsense").json()["hint"].startswith("it has arrivals, projects")
    wrong = call(bench, "DELETE", "projects")
    assert (wrong.status, wrong.headers["allow"]) == (405, "GET, POST")


def test_projects(bench: Bench) -> None:
    """Each has a key and a DSN of its own; all are listed."""
    one, two = bench.client.create_project("one"), bench.client.create_project("one")
    assert one.public_key != two.public_key
    assert two.dsn == f"http://{two.public_key}@127.0.0.1:{bench.server.port}/{two.project_id}"
    assert [one, two] == bench.client.projects()[-2:]


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "said"),
    [
        ("POST", "projects", {"nam": "x"}, 400, "did you mean 'name'?"),
        ("POST", "projects", {}, 400, "known fields: name"),
        ("POST", "projects", {"name": ""}, 400, "1 to 200 characters"),
        ("POST", "projects?x=1", {"name": "x"}, 400, "takes no query"),
        ("PATCH", "projects/999", {"enabled": True}, 404, "there is no project '999'"),
        ("PATCH", "projects/1", {"enabld": True}, 400, "did you mean 'enabled'"),
        ("GET", "arrivals?projct=1", None, 400, "did you mean 'project'?"),
        ("GET", "arrivals?limit=0", None, 400, "a number from 1 to 10000"),
        ("GET", "arrivals?wait=x", None, 400, "query field 'wait'"),
        ("GET", "arrivals?wait=nan", None, 400, "query field 'wait'"),
        ("GET", "requests/0", None, 404, "numbered from 1"),
        ("GET", "requests/99999999", None, 404, "there is no request"),
        ("GET", "requests/x", None, 404, "there is no request 'x'"),
    ],
)
def test_wrong_calls_are_told_what_is_right(
    bench: Bench, method: str, path: str, body: object, status: int, said: str
) -> None:
    """Unknown fields, projects, requests and values that cannot be."""
    answer = call(bench, method, path, b"" if body is None else json.dumps(body).encode())
    assert answer.status == status
    assert said in answer.body.decode()


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "projects", b'{"name":"\xff"}'),
        ("POST", "projects", b'{"\xff":1}'),
        ("POST", "projects", b'{"name":"\xc3"}'),
        ("PUT", "projects/1/behaviour", b'[{"body":"\xff"}]'),
        ("PUT", "projects/1/behaviour", b'[{"headers":{"\xff":"x"}}]'),
    ],
)
def test_a_body_that_is_no_utf_8(bench: Bench, method: str, path: str, body: bytes) -> None:
    """The answer says so, and the server's log stays clean."""
    answer = call(bench, method, path, body)
    assert answer.status == 400
    assert answer.json()["detail"].startswith("body: the body is not UTF-8: ")
    assert answer.json()["hint"] == "send JSON in UTF-8"


@pytest.mark.parametrize("body", [b'{"name":"\\ud800"}', b'{"name":"\\udc00"}', b"\xff", b"", b"[" * 100_000])
def test_a_body_that_is_no_json(bench: Bench, body: bytes) -> None:
    """Halves of characters, nothing at all, and too deep to be anything."""
    answer = call(bench, "POST", "projects", body)
    assert answer.status == 400
    assert "the body cannot be used" in answer.json()["detail"]


@pytest.mark.asyncio
async def test_an_error_nobody_foresaw(caplog: pytest.LogCaptureFixture) -> None:
    """Answered as JSON, and logged in one line that names the place."""

    async def broken(_call: Call) -> object:
        raise ZeroDivisionError("two\nlines")

    with caplog.at_level(logging.ERROR):
        answer = await answer_call(broken, Call((), {}, b""))
    assert answer.status == 500
    assert json.loads(answer.body)["detail"] == "internal error: ZeroDivisionError: two\nlines"
    (line,) = caplog.messages
    assert "internal error: ZeroDivisionError" in line
    assert f"in broken ({__file__}:" in line
    assert "\n" not in line


def test_a_body_that_is_too_large(bench: Bench) -> None:
    """The control API does not take megabytes."""
    answer = call(bench, "POST", "projects", b"x" * ((1 << 20) + 1))
    assert (answer.status, answer.json()["detail"]) == (400, "body: the body is larger than 1048576 bytes")


def test_arrivals_by_property(bench: Bench) -> None:
    """By event, trace, type and outcome; the cursor reads on."""
    number, trace = bench.project.project_id, uuid.uuid4().hex
    event_id = uuid.uuid4().hex
    traced = json.dumps({"contexts": {"trace": {"trace_id": trace, "span_id": "a" * 16}}}).encode()
    bench.send(envelope([({"type": "event"}, traced)], event_id=event_id))
    bench.send(event()[1])
    bench.send(b"garbage")
    client = bench.client
    assert [a.event_id for a in client.arrivals(project=number, trace_id=trace.upper()).arrivals] == [
        event_id
    ]
    assert len(client.arrivals(project=number, item_type="event").arrivals) == 2
    assert len(client.arrivals(project=number, outcome="refused").arrivals) == 1
    page = client.arrivals(project=number, limit=1)
    rest = client.arrivals(project=number, since=page.cursor)
    assert (len(page.arrivals), len(rest.arrivals)) == (1, 2)
    assert client.arrivals(since=rest.cursor).arrivals == ()


def test_a_call_that_waits(bench: Bench) -> None:
    """It answers when enough has arrived, and with what there is when the time is over."""
    number = bench.project.project_id
    timer = threading.Timer(0.2, lambda: [bench.send(event()[1]) for _ in range(3)])
    timer.start()
    with bench.server.client() as waiting:
        page = waiting.arrivals(project=number, wait=30, at_least=3)
    timer.join()
    assert len(page.arrivals) == 3
    assert bench.client.arrivals(project=number, since=page.cursor, wait=0.1).arrivals == ()
    assert len(bench.client.wait_for(timeout=0.1, project=number, at_least=9)) == 3


def test_statistics(bench: Bench) -> None:
    """Counted by project, outcome, type and status."""
    bench.send(event()[1])
    bench.send(b"garbage")
    stats = bench.client.stats()
    mine = [
        (count.outcome, count.item_type, count.status, count.count)
        for count in stats.counts
        if count.project == bench.project.project_id
    ]
    assert mine == [("accepted", "event", 200, 1), ("refused", "", 400, 1)]
    assert stats.behind == 0
    assert stats.items == sum(count.count for count in stats.counts)


def test_a_client_without_a_server() -> None:
    """The error names the call and says where to look."""
    with ServerClient("http://127.0.0.1:9", "x") as client, pytest.raises(ServerError) as caught:
        client.stats()
    assert "no answer from the embedded server" in str(caught.value)
    assert "GET http://127.0.0.1:9/api/harness/stats" in str(caught.value)
    with pytest.raises(ServerError, match="is not the address of an embedded server"):
        ServerClient("127.0.0.1", "x")


def test_a_client_whose_connection_was_closed(bench: Bench) -> None:
    """A kept connection that broke meanwhile is made again."""
    bench.client.stats()
    assert bench.client._connection is not None
    bench.client._connection.sock.shutdown(2)
    assert bench.client.stats().requests >= 0


def test_an_answer_that_cannot_be_read(bench: Bench) -> None:
    """A server of another release is named as the likely cause."""
    with pytest.raises(ServerError, match="must be of the same release"):
        bench.client._call("GET", "stats", list[int])
    with pytest.raises(ServerError, match=r"this server has nothing at|has no"):
        bench.client._call("GET", "other", dict)
