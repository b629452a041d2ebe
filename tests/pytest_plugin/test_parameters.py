"""Faults as parameters: markers on parameters, classes and modules, and the fixture parametrised itself."""

from __future__ import annotations

import pytest

from pytest_sentry_harness.errors import UsageError
from pytest_sentry_harness.pytest_plugin.asked import AskedFault, of_parameter, parameter_id

from .project import INIT, run


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_faults_can_be_parameters(pytester: pytest.Pytester) -> None:
    """Each kind of parametrisation gets the faults it names, and an id that people can read."""
    pytester.makepyfile(
        app=INIT,
        test_app="""
        import pytest
        import app

        pytestmark = pytest.mark.fault("app:charge", "1*sleep(1us)", name="module")
        LATE, BROKEN = "raise(TimeoutError)", "raise(ConnectionError('no'))"

        @pytest.mark.parametrize("sentry_harness", [
            ("app:charge", LATE),
            ("app:charge", BROKEN, "broken"),
            {"at": "app:charge", "do": LATE, "name": "late"},
            [("app:charge", "1*" + LATE), ("app:acharge", BROKEN)],
            pytest.param(("app:charge", LATE), id="own-id"),
            None,
        ], indirect=True)
        def test_fixture(sentry_harness):
            if len(sentry_harness.faults) == 1:
                assert app.charge(1) == 1
            else:
                with pytest.raises((TimeoutError, ConnectionError)):
                    app.charge(1)

        @pytest.mark.parametrize("do", [LATE, BROKEN])
        def test_term(sentry_harness, do):
            sentry_harness.inject("app:charge", do)
            with pytest.raises((TimeoutError, ConnectionError)):
                app.charge(1)

        @pytest.mark.fault("app:charge", "1*return(5)", name="class")
        class TestClass:
            @pytest.mark.parametrize("amount", [
                pytest.param(1, marks=[pytest.mark.fault("app:charge", LATE, name="a"), pytest.mark.fault("app:scrub", "return(3)")]),
                2,
            ])
            def test_marked(self, amount, sentry_harness):
                assert [fault.name for fault in sentry_harness.faults][:2] == ["module", "class"]
                assert app.charge(amount) == 5
                if amount == 1:
                    assert app.scrub(1, 2) == 3
                    with pytest.raises(TimeoutError):
                        app.charge(1)
                else:
                    assert len(sentry_harness.faults) == 2

        @pytest.mark.parametrize("sentry_harness", ["app:charge"], indirect=True)
        def test_wrong(sentry_harness):
            raise AssertionError("must not run")
        """,
    )
    result = run(pytester, "-v")
    result.assert_outcomes(passed=10, errors=1)
    result.stdout.fnmatch_lines(
        [
            f"test_app.py::{name} *"
            for name in (
                "test_fixture?charge-raise(TimeoutError)?",
                "test_fixture?broken?",
                "test_fixture?late?",
                "test_fixture?charge-1?raise(TimeoutError)+acharge-raise(ConnectionError('no'))?",
                "test_fixture?own-id?",
                "test_fixture?no-fault?",
                "test_term?raise(TimeoutError)?",
            )
        ]
    )
    result.stdout.fnmatch_lines(
        [
            "*the parameter of sentry_harness is 'app:charge', which is no fault",
            '*hint: give ("package.module:function", "raise(TimeoutError)"), a list of such, or None',
        ]
    )


def test_parameters_are_checked() -> None:
    """A value that is no fault is refused with what is wrong; its id is left to pytest."""
    assert of_parameter({"at": "a:b", "do": "off"}, "t") == [AskedFault("a:b", "off")]
    for wrong, told in (
        (("a:b",), "lacks do"),
        (("a:b", "off", 3), "needs text for name"),
        (("a", "b", "c", "d"), "takes two positional arguments, got 4"),
        ({"at": "a:b", "du": "off"}, "does not know du"),
        (7, "is 7, which is no fault"),
    ):
        with pytest.raises(UsageError, match=told):
            of_parameter(wrong, "t")
        assert (parameter_id(wrong) is None) == (told != "needs text for name" and "got 4" not in told)
    assert parameter_id([]) == "no-fault"
    long = parameter_id(("a:b", f"raise(ValueError('{'x' * 200}'))"))
    assert long is not None
    assert len(long) == 80
