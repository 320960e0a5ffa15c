"""The command line: what each command says and answers."""

import tomllib

import pytest

from tests.support.config_files import SECRET, config_file, config_text
from watchdog import __version__, cli


@pytest.fixture
def file(tmp_path, monkeypatch):
    return config_file(tmp_path, monkeypatch)


def refused(capsys, *arguments):
    """The one line with which a command line is refused."""
    try:
        code = cli.main([str(argument) for argument in arguments])
    except SystemExit as exit_:
        code = int(exit_.code or 0)
    out, err = capsys.readouterr()
    assert (code, out) == (2, "")
    (line,) = err.splitlines()
    assert line.startswith("betcore-watchdog: ")
    return line.removeprefix("betcore-watchdog: ")


# --- mistakes of the caller


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        ([], "COMMAND"),
        (["watch"], "invalid choice: 'watch'"),
        (["--verbose"], "required"),
        (["run"], "--config"),
        (["run", "--config"], "--config: expected one argument"),
        (["run", "--config", "x", "--fast"], "--fast"),
        (["check-config"], "FILE"),
        (["probe"], "--config"),
        (["demo", "--duration", "soon"], "--duration: expected seconds above 0 and up to 86400, got 'soon'"),
        (["demo", "--duration", "0"], "--duration: expected seconds above 0"),
        (["demo", "--duration", "-1"], "--duration"),
        (["demo", "--duration", "nan"], "--duration: expected seconds above 0"),
        (["probe", "--config", "x", "--duration", "1e9"], "--duration: expected seconds above 0"),
        (["probe", "--config", "x", "--game-type", "Poker"], "--game-type: invalid int value: 'Poker'"),
        (["simulate", "--listen", "nowhere"], '--listen: expected "host:port"'),
        (["simulate", "--listen", "127.0.0.1:99999"], '--listen: expected "host:port"'),
        (["simulate", "--round-scale", "0.1"], "--round-scale: expected a number from 0.2 to 10, got '0.1'"),
        (["simulate", "--round-scale", "fast"], "--round-scale: expected a number from 0.2 to 10"),
        (["simulate", "--games", "3,x"], "--games: expected some of"),
        (["simulate", "--games", "3,3"], "each once, got '3,3'"),
        (["simulate", "--games", "999"], "--games: expected some of"),
        (["simulate", "--games", ""], "--games: expected some of"),
        (["simulate", "--games", "3,03"], "each once, got '3,03'"),
        (["simulate", "--games", "9" * 5_000], "--games: expected some of"),
        (["simulate", "--listen", f"127.0.0.1:{'9' * 5_000}"], '--listen: expected "host:port"'),
        (["simulate", "--programme", "--games", "3"], "--programme: not allowed with --games"),
        (
            ["simulate", "--programme", "--round-scale", "1", "--token-seconds", "60"],
            "--programme: not allowed with --round-scale, --token-seconds",
        ),
    ],
)
def test_a_wrong_command_line_is_refused_with_one_line_that_says_what(capsys, arguments, words):
    assert words in refused(capsys, *arguments)


@pytest.mark.parametrize("command", [["run", "--config"], ["check-config"], ["probe", "--config"]])
def test_a_missing_file_is_refused_with_one_line(capsys, command, tmp_path):
    path = tmp_path / "none.toml"
    assert refused(capsys, *command, path) == f"{path}: can't be read: No such file or directory"


@pytest.mark.parametrize("command", [["run", "--config"], ["check-config"], ["probe", "--config"]])
def test_every_mistake_of_a_file_gets_a_line(capsys, command, file):
    file.write_text(config_text(url="http://x", games=(0,)) + "nmae = 1\n")
    assert cli.main([*command, str(file)]) == 2
    out, err = capsys.readouterr()
    assert out == ""
    lines = [line.removeprefix(f"betcore-watchdog: {file}: ") for line in err.splitlines()]
    assert sorted(line.split(":")[0] for line in lines) == [
        "feeds[0].games[0].nmae",
        "feeds[0].games[0].type",
        "feeds[0].url",
    ]


def test_a_missing_faults_file_and_a_bad_one_are_refused(capsys, tmp_path):
    path = tmp_path / "faults.toml"
    assert str(path) in refused(capsys, "simulate", "--listen", "127.0.0.1:0", "--faults", path)
    path.write_text('[[faults]]\nfault = "earthquake"\n')
    assert cli.main(["simulate", "--listen", "127.0.0.1:0", "--faults", str(path)]) == 2
    assert all(str(path) in line for line in capsys.readouterr().err.splitlines())


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (f"faults = {'[' * 5_000}", "nested too deeply"),
        (f"faults = {'9' * 5_000}", "not TOML"),
        (f"[[faults]]\nname = 0x{'f' * 5_000}", "faults[0].name: unknown fault"),
        (f"[[faults]]\nname = [0x{'f' * 5_000}]", "faults[0].name: unknown fault"),
        (f'[[faults]]\nname = "gap"\ngame = 0x{"f" * 5_000}', "faults[0].game: no such game"),
        (
            f'[[faults]]\nname = "gap"\ngame = 3\nafter_seconds = 0x{"f" * 5_000}',
            "faults[0].after_seconds: must be a number",
        ),
    ],
)
def test_no_faults_file_is_too_bad_to_be_refused_with_one_line(capsys, tmp_path, text, words):
    path = tmp_path / "faults.toml"
    path.write_text(text)
    line = refused(capsys, "simulate", "--listen", "127.0.0.1:0", "--faults", path)
    assert line.startswith(f"{path}: ")
    assert words in line


def test_a_game_type_that_the_file_does_not_have_is_refused(capsys, file):
    line = refused(capsys, "probe", "--config", file, "--game-type", "9")
    assert line == f"{file}: feeds[].games[].type: no game has the type 9"


# --- what goes well


def test_a_valid_file_is_said_to_be_valid(capsys, file):
    file.write_text(config_text(games=(1, 3)))
    assert cli.main(["check-config", str(file)]) == 0
    assert capsys.readouterr() == (f"{file}: valid, 1 feed(s), 2 game(s)\n", "")


@pytest.mark.parametrize("arguments", [["--version"], ["--version", "run"]])
def test_the_version_is_the_packages_whatever_else_is_asked_for(capsys, arguments):
    with pytest.raises(SystemExit) as exit_:
        cli.main(arguments)
    assert (exit_.value.code, capsys.readouterr().out) == (0, f"betcore-watchdog {__version__}\n")


def test_the_configuration_is_shown_as_it_will_be_used(file, capsys):
    assert cli.main(["check-config", str(file), "--show"]) == 0
    shown = tomllib.loads(capsys.readouterr().out)
    assert shown["checks"]["interval_seconds"] == 0.5
    assert shown["feeds"][0]["token"] == {"env": "BETCORE_TEST_TOKEN"}


@pytest.mark.parametrize("command", [[], ["run"], ["demo"], ["simulate"], ["check-config"], ["probe"]])
def test_every_command_explains_itself(capsys, command):
    with pytest.raises(SystemExit) as exit_:
        cli.main([*command, "--help"])
    out = capsys.readouterr().out
    assert (exit_.value.code, out.startswith("usage: betcore-watchdog")) == (0, True)
    assert len(out.splitlines()) > 5


def test_a_mistake_of_ours_is_shown_whole_but_without_secrets_and_ends_with_70(capsys, file, monkeypatch):
    def broken(*_):
        raise RuntimeError(f"wss://hub.example/hubs?access_token={SECRET} said no")

    monkeypatch.setattr("watchdog.config.load.load", broken)
    assert cli.main(["check-config", str(file)]) == 70
    out, err = capsys.readouterr()
    assert out == ""
    assert "Traceback" in err
    assert "RuntimeError" in err
    assert err.endswith("betcore-watchdog: this is a bug of the watchdog, not of the feed\n")
    assert SECRET not in err


def test_the_demo_plays_for_as_long_as_it_is_told(capsys, monkeypatch):
    asked: list[float | None] = []
    monkeypatch.setattr("watchdog.demo.start", asked.append)
    assert cli.main(["demo"]) == cli.main(["demo", "--duration", "2.5"]) == 0
    assert asked == [None, 2.5]
