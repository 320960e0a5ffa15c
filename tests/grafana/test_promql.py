"""The reader of PromQL that the tests of the dashboards rely on."""

import pytest

from tests.alerts.rules import all_rules
from tests.grafana.promql import Matcher, parse, tokens


def named(expr):
    return [selector.name for selector in parse(expr).selectors]


@pytest.mark.parametrize(
    ("expr", "names"),
    [
        ("up", ["up"]),
        ("a:b:c + on () group_left () d", ["a:b:c", "d"]),
        ("sum by (feed) (a) / (b > bool 0) or vector(1e9)", ["a", "b"]),
        ('{job="x"}', [""]),
        ('label_replace(a, "whose", "words in a text", "state", "silent|frozen")', ["a"]),
        ("rate(a[5m] offset 1h) and unless_not # b\n", ["a", "unless_not"]),
        ("increase(a[$__range] @ end()) * $factor - Inf + ${other:raw}", ["a"]),
        ("max_over_time((a or (b))[1h:5m])", ["a", "b"]),
        ("count(a) by (feed) + topk(3, b)", ["a", "b"]),
    ],
)
def test_the_series_of_an_expression_are_found_and_nothing_else(expr, names):
    assert named(expr) == names


def test_matchers_are_told_as_they_stand():
    (selector,) = parse("""a{feed=~"$feed", state!='a "quoted" {brace}', game!~`x,y`}""").selectors
    assert selector.matchers == (
        Matcher("feed", "=~", "$feed"),
        Matcher("state", "!=", 'a "quoted" {brace}'),
        Matcher("game", "!~", "x,y"),
    )


def test_the_functions_around_a_series_are_told_from_outside_in():
    inner, outer = parse("sum by (feed) (rate(a[5m])) + abs((b))").selectors
    assert (inner.calls, outer.calls) == (("sum", "rate"), ("abs",))


@pytest.mark.parametrize(
    ("expr", "windows"),
    [
        ("rate(a[$__rate_interval])", [("rate", "$__rate_interval")]),
        (
            "max_over_time(sum(increase(a{b='[x]'}[5m]))[1h:1m])",
            [("increase", "5m"), ("max_over_time", "1h:1m")],
        ),
        ("a[5m]", [("", "5m")]),
    ],
)
def test_each_window_is_told_with_its_function(expr, windows):
    assert parse(expr).windows == tuple(windows)


@pytest.mark.parametrize(
    ("expr", "kept"),
    [
        ("a", None),
        ("rate(a[5m])", None),
        ("sum(a)", set()),
        ("sum by (feed, game) (a)", {"feed", "game"}),
        ("sum(a) by (feed)", {"feed"}),
        ("sum without (state) (a)", None),
        ("max by (feed) (sum by (feed, game) (a))", {"feed"}),
        ("max without (feed) (sum by (feed, game) (a))", {"feed", "game"}),
    ],
)
def test_the_labels_that_aggregation_leaves_are_told(expr, kept):
    (selector,) = parse(expr).selectors
    assert selector.kept == (None if kept is None else frozenset(kept))


def test_labels_to_group_and_join_by_are_told():
    expression = parse("sum by (a, b) (x) * on (c) group_left (d) sum(y) without (e) and ignoring (f) z")
    assert expression.grouped == set("abcdef")


def test_labels_that_an_expression_makes_are_told():
    expr = """label_replace(f(a, "no", b{x=","}), "one", "", "", "") + label_join(a, 'two', "-") +
        count_values by (feed) ("three", a)"""
    assert parse(expr).made == {"one", "two", "three"}


@pytest.mark.parametrize("expr", ["a ? b", 'a{b="c', "sum(a", "a)", "(a}", "a{b"])
def test_what_cannot_be_read_is_refused(expr):
    with pytest.raises(ValueError, match=r"not PromQL|closed|closes"):
        parse(expr)


@pytest.mark.parametrize("rule", all_rules(), ids=lambda rule: rule.get("alert") or rule["record"])
def test_every_expression_of_the_alert_rules_can_be_read(rule):
    assert tokens(rule["expr"])
    names = named(rule["expr"])
    assert names or "vector(" in rule["expr"]
    assert all(name.startswith(("betcore", "watchdog_", "up")) for name in names)
