"""What the monitor counts, tells and shows."""

import pytest

from tests.support.builders import TICK, Watch, changes_of, events, game, overdue, wall
from watchdog.core.counters import RECENT
from watchdog.core.ledger import STATES
from watchdog.core.protocol.reasons import DISCONNECT_REASONS, INVALID_REASONS


def test_the_snapshot_names_the_game():
    snapshot = Watch().snapshot

    assert (snapshot.feed, snapshot.game_type, snapshot.game) == ("betcore", 3, "Poker")


def test_every_series_exists_from_the_start_with_zero():
    snapshot = Watch().snapshot

    assert snapshot.state_seconds == dict.fromkeys(STATES, 0.0)
    assert snapshot.disconnects == dict.fromkeys(DISCONNECT_REASONS, 0)
    assert snapshot.invalid_messages == dict.fromkeys(INVALID_REASONS, 0)
    assert len(snapshot.anomalies) == 16
    assert set(snapshot.anomalies.values()) == {0}
    assert snapshot.round_outcomes == {"finished": 0, "cancelled": 0}


def test_before_the_first_update_nothing_is_known():
    snapshot = Watch().subscribe().snapshot

    assert snapshot.connected
    assert snapshot.last_message_at is None
    assert snapshot.sequence_id is None
    assert snapshot.clock_offset_seconds is None
    assert snapshot.round_state is None
    assert snapshot.round_id is None


def test_updates_and_their_bytes_are_counted():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.receive(1.0, sequence_id=7)

    snapshot = watch.snapshot
    assert (snapshot.messages, snapshot.received_bytes) == (2, 200)
    assert snapshot.last_message_at == wall(1.0)
    assert (snapshot.sequence_id, snapshot.round_id) == (7, 100)


@pytest.mark.parametrize("reason", DISCONNECT_REASONS)
def test_a_lost_connection_counts_by_its_reason(reason):
    watch = Watch().subscribe()

    first, *_ = watch.monitor.lost(reason, 0.5)

    assert first.event == "connection.lost"
    assert first.level == ("info" if reason == "shutdown" else "warning")
    assert first.detail == {"reason": reason}
    assert watch.snapshot.disconnects == dict.fromkeys(DISCONNECT_REASONS, 0) | {reason: 1}
    assert watch.snapshot.last_disconnect == reason
    assert not watch.snapshot.connected


def test_an_attempt_that_failed_is_told_from_a_connection_that_was_lost():
    watch = Watch()
    watch.monitor.connecting(0.0)

    (finding,) = watch.monitor.lost("dns", 0.5, "no such host")

    assert finding.event == "connection.failed"
    assert finding.detail == {"reason": "dns", "error": "no such host"}


@pytest.mark.parametrize(
    ("ending", "rotations"),
    [
        ("connection.lost", {"ok": 0, "failed": 0}),
        ("connection.failed", {"ok": 0, "failed": 0}),
        ("connection.rotation_failed", {"ok": 0, "failed": 1}),
    ],
)
def test_the_end_of_a_connection_beside_the_present_one_counts_and_changes_nothing_else(ending, rotations):
    watch = Watch().subscribe()
    watch.receive(0.5)

    (finding,) = watch.monitor.standby_ended(ending, "refused", 0.75, "no")

    assert (finding.event, finding.level, finding.at) == (ending, "warning", 0.75)
    assert finding.detail == {"reason": "refused", "error": "no"}
    assert (watch.state, watch.snapshot.connected) == ("fresh", True)
    assert watch.snapshot.disconnects == dict.fromkeys(DISCONNECT_REASONS, 0) | {"refused": 1}
    assert watch.snapshot.rotations == rotations


def counted(watch):
    """All that a reader sees, without what an invalid message may change."""
    snapshot = watch.snapshot
    ignored = ("invalid_messages", "recent_anomalies", "state_seconds", "state_since")
    return {name: getattr(snapshot, name) for name in snapshot.__struct_fields__ if name not in ignored}


@pytest.mark.parametrize("reason", INVALID_REASONS)
def test_an_invalid_message_counts_as_invalid_and_nowhere_else(reason):
    watch = Watch().subscribe()
    watch.receive(0.5)
    before = counted(watch)

    (finding,) = watch.monitor.invalid(reason, 1.0, wall(1.0), "what is wrong")

    assert counted(watch) == before
    assert watch.snapshot.invalid_messages == dict.fromkeys(INVALID_REASONS, 0) | {reason: 1}
    assert (finding.event, finding.level) == ("message.invalid", "warning")
    assert finding.detail == {"reason": reason, "error": "what is wrong"}


@pytest.mark.parametrize("games", [(game(type=4),), (game(), game(type=4))])
def test_an_update_of_another_game_type_counts_as_invalid_and_nowhere_else(games):
    watch = Watch().subscribe()
    watch.receive(0.5)
    before = counted(watch)

    (finding,) = watch.receive(1.0, sequence_id=99, betting_timer=-5, maintenance=True, games=games)

    assert counted(watch) == before | {"clock_offset_seconds": 0.0}
    assert watch.snapshot.invalid_messages["game_type"] == 1
    assert finding.detail["reason"] == "game_type"


def test_invalid_messages_do_not_break_the_silence():
    watch = Watch().subscribe()
    for at in (0.5, 1.0, 1.5):
        watch.monitor.invalid("schema", at, wall(at))

    watch.advance(2.0)

    assert watch.seconds == {"fresh": 0.75, "silent": 1.25}


def test_what_fell_due_before_an_invalid_message_is_told_before_it():
    watch = Watch().subscribe()

    found = watch.monitor.invalid("json", 2.0, wall(2.0))

    assert events(found) == ["feed.state_changed", "message.invalid"]
    assert watch.state == "silent"


def test_a_state_change_tells_the_old_the_new_and_how_long_the_old_lasted():
    watch = Watch().subscribe()
    watch.receive(0.5)

    (finding,) = watch.advance(1.25)

    assert (finding.event, finding.level) == ("feed.state_changed", "warning")
    assert finding.detail == {"old": "fresh", "new": "silent", "lasted_seconds": 1.25}


@pytest.mark.parametrize("maintenance", [False, True])
def test_good_news_and_agreed_news_are_no_warning(maintenance):
    watch = Watch().subscribe()
    watch.advance(2.0)

    (finding,) = watch.receive(2.5, maintenance=maintenance)

    assert finding.level == "info"


def test_the_first_attempt_of_a_watch_is_no_trouble_yet():
    (finding,) = Watch().monitor.connecting(1.0)

    assert changes_of([finding]) == [("unobserved", "disconnected")]
    assert finding.level == "info"


def test_a_connection_lost_in_a_stall_is_a_warning():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 3.0)

    _, finding = watch.monitor.lost("closed", 3.0)

    assert changes_of([finding]) == [("unobserved", "disconnected")]
    assert finding.level == "warning"


def test_silence_after_a_stall_is_a_warning():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.monitor.stalled(0.75, 3.0)

    (finding,) = watch.advance(3.0)

    assert changes_of([finding]) == [("unobserved", "silent")]
    assert finding.level == "warning"


def test_a_state_change_to_frozen_tells_why():
    watch = Watch().subscribe()

    _, finding = watch.receive(0.5, games=(overdue(),))

    assert finding.detail["because"] == ["round.overdue"]


def test_the_last_anomalies_are_kept_for_people_to_read():
    watch = Watch().subscribe()
    for number in range(RECENT + 5):
        watch.receive(number / 2, sequence_id=2 * number)

    recent = watch.snapshot.recent_anomalies
    assert len(recent) == RECENT
    assert {entry.event for entry in recent} == {"sequence.gap"}
    assert recent[-1].wall == wall((RECENT + 4) / 2)
    assert recent[-1].detail["got"] == 2 * (RECENT + 4)


def test_an_anomaly_that_came_to_be_by_itself_has_the_time_of_its_threshold():
    watch = Watch().subscribe()
    watch.keep_receiving(2.0, sent=0.0)

    watch.advance(2.75)

    assert [entry.wall for entry in watch.snapshot.recent_anomalies] == [wall(2.5)]


def test_an_anomaly_that_came_to_be_by_itself_is_not_counted_again_by_the_next_update():
    watch = Watch().subscribe()
    watch.keep_receiving(2.0, sent=0.0)
    assert events(watch.advance(2.5)) == ["timestamp.frozen", "feed.state_changed"]

    assert watch.receive(2.5 + TICK, sent=0.0) == []
    assert watch.anomalies == {"timestamp.frozen": 1}


def test_a_snapshot_books_nothing_that_has_not_been_judged():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.at = 5.0

    assert watch.seconds == {"fresh": 1.25}
    watch.advance(5.0)
    assert watch.seconds == {"fresh": 1.25, "silent": 3.75}


def test_a_snapshot_between_an_arrival_and_its_verdict_takes_nothing_back():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.lose(1.0)
    watch.at = 9.0
    assert watch.seconds == {"fresh": 1.0, "disconnected": 8.0}

    watch.subscribe(8.0)
    watch.at = 9.0

    assert watch.seconds == {"fresh": 1.0, "disconnected": 8.0}


def test_a_snapshot_tells_since_when_the_state_holds():
    watch = Watch().subscribe()
    watch.receive(0.5)
    watch.advance(4.0)

    assert watch.snapshot.state == "silent"
    assert watch.snapshot.state_since == wall(1.25)


def test_an_update_with_fields_not_as_documented_is_judged_counted_and_told_once():
    watch = Watch().subscribe()
    tolerated = ("wgi[].e[].c", "wgi[].ge")
    first = watch.receive(0.5, tolerated=tolerated[:1])
    second = watch.receive(1.0, tolerated=tolerated)
    third = watch.receive(1.5, tolerated=tolerated, sequence_id=9)

    assert events(first) == events(second) == ["update.tolerated"]
    assert [each.detail["field"] for each in first + second] == list(tolerated)
    assert events(third) == ["sequence.gap"]
    assert watch.snapshot.tolerated_updates == watch.snapshot.messages == 3
