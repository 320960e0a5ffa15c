from tests.simulator.judged import EPOCH, judge
from watchdog.simulator.faults import FAULTS
from watchdog.simulator.games import GAMES
from watchdog.simulator.programme import DEMO_ROUND_SCALE, PERIOD_SECONDS, demo_programme, demo_settings

SHOWN_WITHIN_SECONDS = 110.0


def test_the_programme_shows_every_fault():
    assert {request.name for request in demo_programme()} == set(FAULTS)


def test_one_game_has_no_fault_of_its_own():
    assert 1 not in {request.game for request in demo_programme()}


def test_every_fault_has_been_shown_in_time_and_comes_again():
    for game in GAMES:
        requests = [request for request in demo_programme() if request.game == game]
        verdict = judge(*requests, game=game, scale=DEMO_ROUND_SCALE, seconds=2 * PERIOD_SECONDS + 60)
        ends = [report["ends"] - EPOCH for report in verdict.reports if report["ends"]]
        assert sum(end < SHOWN_WITHIN_SECONDS for end in ends) == len(requests)
        assert len(ends) >= 2 * len(requests)


def test_a_few_games_are_healthy_at_every_moment():
    spans = []
    for game in GAMES:
        requests = [request for request in demo_programme() if request.game == game]
        reports = judge(*requests, game=game, scale=DEMO_ROUND_SCALE, seconds=PERIOD_SECONDS).reports
        spans += [(report["began"], report["ends"], game) for report in reports if report["began"]]
    for second in range(int(PERIOD_SECONDS)):
        now = EPOCH + second
        ill = {game for began, ends, game in spans if began <= now < ends}
        assert len(GAMES) - len(ill) >= 5


def test_the_demo_plays_all_games_with_the_programme():
    assert demo_settings().games == tuple(GAMES)
    assert demo_settings().faults == demo_programme()
