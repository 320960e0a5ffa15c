import pytest

from watchdog.simulator.requests import FaultFileError, FaultRequest, load_faults

GAMES = (1, 3)


@pytest.fixture
def load(tmp_path):
    def loaded(text):
        path = tmp_path / "faults.toml"
        path.write_text(text)
        return load_faults(path, GAMES)

    return loaded


def mistakes(load, text):
    with pytest.raises(FaultFileError) as caught:
        load(text)
    return [mistake.split("faults.toml: ")[1] for mistake in caught.value.mistakes]


def test_a_request_takes_schedule_and_parameters_from_the_file(load):
    text = """
        [[faults]]
        name = "gap"
        game = 3
        after_seconds = 5.0
        every_seconds = 60
        missed = 7

        [[faults]]
        name = "refused_connection"
        duration_seconds = 2

        [[faults]]
        name = "server_close"
        game = 1
        allow_reconnect = false
    """
    assert load(text) == (
        FaultRequest("gap", 3, after_seconds=5.0, every_seconds=60, parameters={"missed": 7}),
        FaultRequest("refused_connection", duration_seconds=2),
        FaultRequest("server_close", 1, parameters={"allow_reconnect": False}),
    )


def test_every_mistake_of_a_file_is_reported_with_its_place(load):
    text = """
        other = 1
        [[faults]]
        name = "gap"
        game = 2
        missed = 0
        duration_seconds = 1.0
        [[faults]]
        name = "silence"
        after_seconds = -1
        [[faults]]
        name = "refused_connection"
        game = 3
        [[faults]]
        name = "server_close"
        game = true
        allow_reconnect = 1
        every_seconds = nan
    """
    allowed = "name, game, after_seconds, every_seconds, missed"
    assert mistakes(load, text) == [
        "other: unknown key; allowed: faults",
        "faults[0].game: no such game '2'; allowed: 1, 3",
        "faults[0].missed: must be a whole number from 1 to 1e+06",
        f"faults[0].duration_seconds: unknown key for gap; allowed: {allowed}",
        "faults[1].game: missing; allowed: 1, 3",
        "faults[1].after_seconds: must be a number from 0 to 86400",
        "faults[2].game: refused_connection concerns the whole feed; leave it out",
        "faults[3].game: no such game 'True'; allowed: 1, 3",
        "faults[3].allow_reconnect: must be true or false",
        "faults[3].every_seconds: must be a number from 1 to 86400",
    ]


@pytest.mark.parametrize(
    ("text", "start"),
    [
        ('[[faults]]\nname = "gpa"', "faults[0].name: unknown fault 'gpa'; allowed: gap, duplicate, "),
        ("[[faults]]\ngame = 3", "faults[0].name: missing; allowed: gap, "),
        ("faults = 3", "faults: must be an array of tables"),
        ("faults = [3]", "faults[0]: must be a table"),
        ("[[faults", "not TOML: "),
    ],
)
def test_a_file_that_is_something_else_is_refused(load, text, start):
    (mistake,) = mistakes(load, text)
    assert mistake.startswith(start)


def test_a_missing_file_is_named(tmp_path):
    with pytest.raises(FaultFileError, match=r"nowhere\.toml: cannot be read: No such file or directory$"):
        load_faults(tmp_path / "nowhere.toml", GAMES)


def test_a_file_of_other_bytes_is_refused(tmp_path):
    path = tmp_path / "faults.toml"
    path.write_bytes(b"\xff\xfe")
    with pytest.raises(FaultFileError, match="not a text in UTF-8"):
        load_faults(path, GAMES)


def test_a_file_without_faults_is_fine(load):
    assert load("") == ()
