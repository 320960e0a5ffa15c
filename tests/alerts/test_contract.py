"""What the rules name - metrics, labels, their values - is what the watchdog really serves."""

import pytest

from tests.alerts.contract import known, mistakes
from tests.alerts.rules import all_rules
from tests.support.promql import parse


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_a_rule_names_only_what_the_watchdog_serves(rule):
    assert mistakes(parse(rule["expr"]), known()) == []


@pytest.mark.parametrize(
    ("expression", "mistake"),
    [
        ("betcore_feed_stat == 1", "betcore_feed_stat is not served"),
        ('betcore_feed_state{stat="silent"} == 1', "betcore_feed_state has no label stat"),
        ('betcore_feed_state{state="asleep"} == 1', "betcore_feed_state: state is never asleep"),
        ('rate(betcore_feed_state{state=~"fresh|stale"}[5m])', "betcore_feed_state: state is never stale"),
        ('up{job="watchdog"} == 0', "up: job is never watchdog"),
        ("sum by (feed, table) (betcore_feed_state)", "no label table to group by"),
        ("betcore:feed_state:min == 1", "betcore:feed_state:min is not served"),
        ('betcore:feed_state:max{state="asleep"}', "betcore:feed_state:max: state is never asleep"),
    ],
)
def test_the_contract_finds_a_mistake(expression, mistake):
    assert mistakes(parse(expression), known()) == [mistake]
