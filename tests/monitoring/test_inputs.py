"""What users write about alerting is read as one, and every error names file and key."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from pytest_sentry_harness.errors import EvidenceError, RulesError, UsageError
from pytest_sentry_harness.model.alerting import Ending, Put
from pytest_sentry_harness.monitoring.config import MonitorConfig, read_config, write_config
from pytest_sentry_harness.monitoring.inputs import read_inputs
from pytest_sentry_harness.monitoring.notes import Puts, read_ending, read_puts, write_ending

from .building import SECRET, config, inputs, rule, write_rules

DETECTOR = {
    "id": "7",
    "name": "errors",
    "type": "metric_issue",
    "enabled": True,
    "dataSources": [
        {
            "queryObj": {
                "snubaQuery": {"aggregate": "count()", "dataset": "events", "query": "", "timeWindow": 3600}
            }
        }
    ],
    "conditionGroup": {
        "logicType": "any",
        "conditions": [{"type": "gt", "comparison": 1, "conditionResult": 75}],
    },
    "config": {"detectionType": "static"},
}
WORKFLOW = {
    "id": "9",
    "name": "tell ops",
    "enabled": True,
    "config": {"frequency": 5},
    "triggers": {"logicType": "any-short", "conditions": [{"type": "first_seen_event", "comparison": True}]},
    "actionFilters": [{"logicType": "all", "conditions": [], "actions": [{"type": "email"}]}],
    "detectorIds": ["7"],
}


def test_rules_of_several_files_are_one(tmp_path: Path) -> None:
    """A workflow knows the detector of another file, which then alerts under the workflow's name only."""
    files = [
        write_rules(tmp_path, DETECTOR, name="detectors.json"),
        write_rules(tmp_path, WORKFLOW, rule(), name="workflows.json"),
    ]
    found = read_inputs(rules=files, notify=None)
    assert found.names == ("tell ops", "new issue")
    assert [each.index for each in found.rules.rules] == [0, 1, 2]
    assert list(found.notifications.channels) == ["webhook"]
    write_rules(tmp_path, rule(status="disabled"), name="one.json")
    (tmp_path / "two.json").write_text('{"conditions": 5}', encoding="utf-8")
    with pytest.raises(RulesError) as error:
        read_inputs(rules=[files[0], tmp_path / "two.json"], notify=None)
    assert error.value.where is not None
    assert error.value.where.startswith(f"{tmp_path}/two.json: rule")


def test_two_rules_of_one_name_are_refused(tmp_path: Path) -> None:
    """Also in two files: alerts are told apart by the names of their rules."""
    first, second = write_rules(tmp_path, rule()), write_rules(tmp_path, rule(), name="more.json")
    with pytest.raises(RulesError) as error:
        read_inputs(rules=[first, second], notify=None)
    assert str(error.value) == (
        f"{second}: [0]: a second rule is called 'new issue'; the first is {first}: [0]\n"
        "  hint: give each rule a name of its own: alerts are told apart by it"
    )
    with pytest.raises(RulesError, match="a second rule is called 'new issue'"):
        inputs(tmp_path, rule(), rule())


@pytest.mark.parametrize(
    ("search", "text"),
    [
        ("level:", "archived[1], character "),
        ("count():>5", "archived[1]: 'count():>5' counts, and an issue is archived by its first event"),
    ],
)
def test_a_search_that_cannot_be_is_refused(tmp_path: Path, search: str, text: str) -> None:
    """By its position in ``archived``."""
    with pytest.raises(RulesError) as error:
        inputs(tmp_path, rule(), archived=["level:error", search])
    assert text in str(error.value)


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Which one, and why; and a notify file knows the rules."""
    with pytest.raises(RulesError) as error:
        read_inputs(rules=[tmp_path / "none.json"], notify=None)
    assert str(error.value).startswith(f"{tmp_path}/none.json: the file cannot be read: ")
    notify = tmp_path / "notify.toml"
    notify.write_text(
        '[[channel]]\nname = "ops"\nkind = "slack"\nurl = "https://hooks.slack.com/x"\n'
        '[[route]]\nrule = "new isue"\nchannels = ["ops"]\n',
        encoding="utf-8",
    )
    with pytest.raises(RulesError) as error:
        read_inputs(rules=[write_rules(tmp_path, rule())], notify=notify)
    assert "no alert rule is called 'new isue'" in str(error.value)
    assert "'new issue'" in str(error.value.hint)


def test_the_configuration_is_for_its_owner_alone(tmp_path: Path) -> None:
    """It holds secrets; it comes back as it was, and what is none is refused."""
    told: MonitorConfig = config(tmp_path, 1)
    path = tmp_path / "monitor.json"
    write_config(told, path)
    assert os.stat(path).st_mode & 0o777 == 0o600
    assert read_config(path) == told
    assert SECRET not in repr(told)
    with pytest.raises(UsageError, match=r"the monitor's configuration cannot be read"):
        read_config(tmp_path / "alerts.json")


def test_what_was_noted_is_read_back(tmp_path: Path) -> None:
    """A torn last line is passed over, a broken one is an error; without an ending there is none."""
    put = Put(
        cursor=1,
        event_id="a" * 32,
        received_at=1.0,
        at=2.0,
        issue=1,
        title="x",
        state="new",
        is_new=True,
        is_regression=False,
        has_reappeared=False,
    )
    path, end = tmp_path / "issues.jsonl", tmp_path / "ending.json"
    puts = Puts(path)
    puts.write(put)
    puts.append(b'{"cursor"')
    puts.close()
    assert list(read_puts(path)) == [put]
    path.write_bytes(b"{}\n")
    with pytest.raises(EvidenceError, match=r"issues\.jsonl:1: a line of the issues cannot be read"):
        list(read_puts(path))
    assert read_ending(end) is None
    write_ending(end, Ending(at=3.0, followed=1, pending=("a",)))
    assert read_ending(end) == Ending(at=3.0, followed=1, pending=("a",))
    end.write_text("{")
    with pytest.raises(EvidenceError, match="how the monitor ended cannot be read"):
        read_ending(end)
