"""``unittest.TestCase`` and its asynchronous sibling."""

from __future__ import annotations

import pytest

from .project import APP, run

APPLICATION = (
    APP + '\nsentry_sdk.init("https://abc@o12.ingest.sentry.io/42", auto_enabling_integrations=False)\n'
)


@pytest.mark.usefixtures("unmeasured")
@pytest.mark.slow
def test_test_cases_have_the_harness_as_an_attribute(pytester: pytest.Pytester) -> None:
    """By the marker or by usefixtures, on the class or on a method; set-up and tear-down do not meet the markers' faults."""
    pytester.makepyfile(
        app=APPLICATION,
        test_app="""
        import unittest
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)", name="late")
        class TestMarked(unittest.TestCase):
            def setUp(self):
                assert app.charge(1) == 1
                self.addCleanup(self.whole)

            def whole(self):
                assert app.charge(1) == 1

            tearDown = whole

            def test_captured(self):
                app.checkout()
                self.sentry_harness.assert_captured("late", times=1)

            def test_raised(self):
                for _ in range(2):
                    with self.subTest(_), self.assertRaises(TimeoutError):
                        app.charge(1)
                self.assertRaises(TimeoutError, app.charge, 1)
                states = {each.reason for each in self.sentry_harness.outcomes()}
                assert states == {"not_seen_by_sdk"}, self.sentry_harness.explain()

            @pytest.mark.fault("app:acharge", "return(7)")
            @unittest.expectedFailure
            def test_expected_failure(self):
                app.charge(1)

            @unittest.skip("not now")
            def test_skipped(self):
                raise AssertionError

            def test_failing(self):
                app.hush()
                self.sentry_harness.assert_captured()

        @pytest.mark.usefixtures("sentry_harness")
        class TestUsing(unittest.TestCase):
            def setUp(self):
                self.fault = self.sentry_harness.inject("app:charge", "raise(TimeoutError)")
                app.checkout()

            def test_it(self):
                app.checkout()
                assert len(self.sentry_harness.assert_captured(self.fault)) == 2

        class TestOne(unittest.TestCase):
            @pytest.mark.fault("app:charge", "return(9)")
            def test_method(self):
                assert app.charge(1) == 9

            def test_other(self):
                assert app.charge(1) == 1
                assert not hasattr(self, "sentry_harness")

        class TestOwn(unittest.TestCase):
            sentry_harness = "the test's own"

            @pytest.fixture(autouse=True)
            def given(self, sentry_harness):
                self.harness = sentry_harness

            def test_it(self):
                assert self.sentry_harness == "the test's own"
                assert self.harness.events == []
        """,
    )
    result = run(pytester, "-rA")
    result.assert_outcomes(passed=6, failed=1, xfailed=1, skipped=1)
    result.stdout.fnmatch_lines(
        [
            "E   *AssertionError: fault 'late' was not captured: lost: swallowed*at app.py:* in hush",
            "E *reproduce: pytest test_app.py::TestMarked::test_failing --sentry-harness-seed=0",
        ]
    )


@pytest.mark.slow
def test_asynchronous_test_cases(pytester: pytest.Pytester) -> None:
    """unittest runs the loop itself; faults in coroutines and tasks are met, asyncSetUp is spared."""
    pytester.makepyfile(
        app=APPLICATION,
        test_app="""
        import asyncio
        import unittest
        import pytest, sentry_sdk
        import app

        @pytest.mark.fault("app:acharge", "raise(TimeoutError)")
        class TestAsync(unittest.IsolatedAsyncioTestCase):
            async def asyncSetUp(self):
                assert await app.acharge(1) == 1

            async def asyncTearDown(self):
                assert await app.acharge(1) == 1

            async def test_captured(self):
                async def work():
                    try:
                        await app.acharge(1)
                    except TimeoutError:
                        sentry_sdk.capture_exception()
                await asyncio.gather(work(), asyncio.create_task(work()))
                self.sentry_harness.assert_captured(times=2)

            async def test_left(self):
                with self.assertRaises(TimeoutError):
                    await app.acharge(1)
                (outcome,) = self.sentry_harness.outcomes()
                assert outcome.reason == "not_seen_by_sdk"

            async def test_failing(self):
                await app.acharge(1)
        """,
    )
    result = run(pytester)
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*- sentry-harness -*", "*the exception left the application*"])


@pytest.mark.slow
def test_a_failing_subtest_does_not_end_the_account(pytester: pytest.Pytester) -> None:
    """What is reported after the first failing subtest is captured as before it."""
    pytester.makepyfile(
        app=APPLICATION,
        test_app="""
        import unittest
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        class TestParts(unittest.TestCase):
            def test_parts(self):
                for number in range(3):
                    with self.subTest(number=number):
                        app.checkout()
                        assert number != 0
                self.sentry_harness.assert_captured(times=3)
                app.hush()
        """,
    )
    result = run(pytester)
    result.stdout.fnmatch_lines(
        [
            "E *assert 0 != 0",
            "  1 x captured, as event *",
            "arrived: 1 event",
            "1 test; faults: 1 injected, 4 fired, 3 captured, 1 lost; seed 0",
            "test_app.py::TestParts::test_parts: 1 x charge: lost: swallowed*",
        ]
    )
    result.stdout.no_fnmatch_line("*lost_at_exit*")
    result.stdout.no_fnmatch_line("E *was not captured*")


@pytest.mark.slow
def test_a_failing_subtest_of_the_fixture(pytester: pytest.Pytester) -> None:
    """pytest's own fixture ``subtests`` is no different."""
    pytest.importorskip("_pytest.subtests")
    pytester.makepyfile(
        app=APPLICATION,
        test_app="""
        import pytest
        import app

        @pytest.mark.fault("app:charge", "raise(TimeoutError)")
        def test_parts(subtests, sentry_harness):
            for number in range(3):
                with subtests.test(number=number):
                    app.checkout()
                    assert number != 0
            sentry_harness.assert_captured(times=3)
        """,
    )
    result = run(pytester)
    result.stdout.fnmatch_lines(["1 test; faults: 1 injected, 3 fired, 3 captured, 0 lost; seed 0"])
    result.stdout.no_fnmatch_line("E *was not captured*")
