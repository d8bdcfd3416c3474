"""findscu's rules for command lines."""

from __future__ import annotations

from pathlib import Path

import pytest

from runner.errors import ExitStatus, UsageError
from runner.findscu.command_line import Action, CommandLine, Effect, Verbosity, parse
from runner.findscu.options import OPTIONS, Kind, Option

KEY = ("-k", "0010,0010")
PEER = ("pacs", "104")


def line(*words: str) -> CommandLine:
    return parse([*words, *KEY, *PEER], {})


def refusal(*words: str) -> str:
    with pytest.raises(UsageError) as caught:
        parse(words, {})
    assert caught.value.status is ExitStatus.USAGE
    return str(caught.value)


def sample(option: Option) -> list[str]:
    samples = {Kind.TEXT: "text", Kind.AE_TITLE: "TITLE", Kind.SECRET: "secret"}
    return [
        str(max(value.minimum, 2))
        if value.kind is Kind.INTEGER
        else value.choices[0]
        if value.kind is Kind.CHOICE
        else samples[value.kind]
        for value in option.values
    ]


def company(option: Option) -> list[str]:
    """Options without which this one is refused or does nothing."""
    words = []
    for name in (*option.requires[:1], *option.newer_requires[:1]):
        words += {"--enable-tls": ["+tls", "k", "c"], "--seed": ["+rs", "s"]}.get(name, [name])
    return words


RUNNING = [
    option
    for option in OPTIONS
    if option.long not in ("--help", "--version", "--list-ciphers", "--list-profiles")
]


@pytest.mark.parametrize("option", RUNNING, ids=lambda option: option.long)
def test_each_option_is_taken_by_all_its_names(option: Option) -> None:
    for name in option.names:
        values = sample(option)
        command_line = line(*company(option), name, *values)
        (argument,) = (a for a in command_line.arguments if a.tokens[0] == name and a.values != KEY[1:])
        assert argument.option is option
        assert argument.effect is Effect.COUNTS
        assert list(argument.tokens) == [name, *values]
        assert command_line.has(option.long)
        not_done = option.long in ("--log-config", "--enable-correction")
        assert len(command_line.warnings) == not_done
        assert all(name in warning for warning in command_line.warnings)


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.values], ids=lambda option: option.long)
def test_half_given_option_is_named(option: Option) -> None:
    for name in option.names:
        assert f"{name} lacks its value" in refusal(*PEER, *KEY, name)
        if option.values[0].kind is not Kind.SECRET:
            message = refusal(*PEER, *KEY, name, "-S")
            assert f"{name} lacks its value" in message
            assert "-S" in message


def test_second_value_of_enable_tls_is_missing() -> None:
    assert "+tls lacks its value (certificate file)" in refusal(*PEER, *KEY, "+tls", "key.pem")


@pytest.mark.parametrize(
    "option",
    [o for o in OPTIONS if o.values and o.values[0].kind is Kind.INTEGER],
    ids=lambda option: option.long,
)
def test_ranges(option: Option) -> None:
    value = option.values[0]
    needed = company(option)
    for text in ("x", "", "1.5", "0x10", "4097x", "1" * 30):
        assert f"{option.long} {text}".strip() in refusal(*needed, option.long, text, *KEY, *PEER)
    below = refusal(*needed, option.long, str(value.minimum - 1), *KEY, *PEER)
    assert f"{option.long} {value.minimum - 1}" in below
    assert line(*needed, option.long, str(value.minimum)).number(option.long) == value.minimum
    if value.maximum is not None:
        assert option.long in refusal(*needed, option.long, str(value.maximum + 1), *KEY, *PEER)
        assert line(*needed, option.long, str(value.maximum)).number(option.long) == value.maximum


def test_options_stand_anywhere() -> None:
    command_line = parse(["-S", "pacs", "-aet", "ME", "104", "a.dcm", "-k", "0010,0010=X", "b.dcm", "-v"], {})
    assert (command_line.host, command_line.port) == ("pacs", 104)
    assert command_line.files == ("a.dcm", "b.dcm")
    assert command_line.keys == ("0010,0010=X",)
    assert [argument.role for argument in command_line.arguments] == [
        "--study",
        "peer",
        "--aetitle",
        "port",
        "query file",
        "--key",
        "query file",
        "--verbose",
    ]


def test_every_word_is_accounted_for() -> None:
    argv = ["-S", "pacs", "-P", "104", "--repeat", "2", "-k", "0010,0010", "--repeat", "3", "+tls", "k", "c"]
    command_line = parse(argv, {})
    assert [token for argument in command_line.arguments for token in argument.tokens] == argv


@pytest.mark.parametrize("group", sorted({option.group for option in RUNNING if option.group}))
def test_rightmost_of_exclusive_options_counts(group: str) -> None:
    options = [option for option in OPTIONS if option.group == group]
    pairs = [(a, b) for a in options for b in options]
    for first, last in pairs:
        words = [*company(first), *company(last), first.long, *sample(first), last.long, *sample(last)]
        command_line = line(*words)
        assert command_line.chosen(group) == last.long
        assert sum(a.effect is Effect.OVERRIDDEN for a in command_line.arguments if a.role == first.long) > 0


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.requires], ids=lambda option: option.long)
def test_what_goes_only_with_another_is_refused_without_it(option: Option) -> None:
    for name in option.names:
        message = refusal(name, *sample(option), *KEY, *PEER)
        assert message.startswith(f"{name} goes only with {option.requires[0]}")


def test_a_needed_option_that_is_overridden_is_not_there() -> None:
    message = refusal("+tls", "k", "c", "+pw", "secret", "+tla", *KEY, *PEER)
    assert "+pw goes only with --enable-tls (+tls)" in message
    assert "+tls is there, but a later +tla counts in its place" in message
    assert "secret" not in message


def test_an_overridden_option_needs_no_company() -> None:
    assert line("+pw", "x", "-pw", "+tls", "k", "c").chosen("password") == "--null-passwd"


@pytest.mark.parametrize("option", [o for o in OPTIONS if o.newer_requires], ids=lambda option: option.long)
def test_tls_options_without_tls(option: Option) -> None:
    seed = ["+rs", "s"] if option.requires else []
    command_line = line(*seed, option.long, *sample(option))
    assert any(option.long in warning and "no effect" in warning for warning in command_line.warnings)
    message = refusal("--style", "3.6", *seed, option.long, *sample(option), *KEY, *PEER)
    assert "goes only with --enable-tls (+tls) or --anonymous-tls (+tla)" in message


def test_cipher_suites_do_not_go_with_the_extended_profile() -> None:
    assert "+cs does not go with --profile-bcp195-ex" in refusal("+tla", "+pz", "+cs", "X", *KEY, *PEER)


@pytest.mark.parametrize("word", ["--foo", "-Z", "+zz", "--", "--keys", "-aett", "--key=0010,0010", "++"])
def test_unknown_options_are_named(word: str) -> None:
    assert f"unknown option {word}" in refusal(word, *KEY, *PEER)


def test_unknown_options_have_suggestions() -> None:
    assert "did you mean --repeat?" in refusal("--repaet", "2", *KEY, *PEER)
    assert "a word of its own" in refusal("--repeat=2", *KEY, *PEER)


def test_signs_and_numbers_alone_are_parameters() -> None:
    assert parse(["pacs", "104", "-", "+", "-5"], {}).files == ("-", "+", "-5")


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "the peer and its port are missing"),
        (("-S",), "the peer and its port are missing"),
        (("pacs",), "the port is missing behind the peer pacs"),
        (("pacs", "x"), "x is not a port"),
        (("pacs", "0"), "0 is not a port"),
        (("pacs", "65536"), "65536 is not a port"),
        (("pacs", "-1", "104"), "-1 is not a port"),
        (("", "104"), "the peer's name is empty"),
        (("pacs", "104", ""), "the name of a query file is empty"),
    ],
)
def test_parameters_are_checked(words: tuple[str, ...], message: str) -> None:
    assert message in refusal(*KEY, *words)


def test_something_must_be_asked_for() -> None:
    assert "neither a query file nor a key" in refusal("-S", *PEER)


@pytest.mark.parametrize("title", ["", "   ", "SEVENTEENLETTERSX", "A\\B", "MÜLLER", "A\tB", "\udc80"])
def test_illegal_ae_titles(title: str) -> None:
    for option in ("-aet", "-aec"):
        assert refusal(option, title, *KEY, *PEER).startswith(option)


def test_an_odd_pdu_is_rounded_down() -> None:
    command_line = line("-pdu", "4097")
    assert command_line.number("--max-pdu") == 4096
    assert command_line.warnings == ("-pdu 4097: 4096 is used, since the number must be even",)


@pytest.mark.parametrize(
    ("words", "verbosity"),
    [
        ((), Verbosity.WARNING),
        (("-v",), Verbosity.INFO),
        (("-d",), Verbosity.DEBUG),
        (("-d", "-v"), Verbosity.DEBUG),
        (("-q",), Verbosity.FATAL),
        (("-v", "-q"), Verbosity.FATAL),
        (("-q", "-v"), Verbosity.INFO),
        (("-ll", "trace"), Verbosity.TRACE),
        (("-ll", "error"), Verbosity.ERROR),
    ],
)
def test_verbosity(words: tuple[str, ...], verbosity: Verbosity) -> None:
    assert line(*words).verbosity is verbosity


@pytest.mark.parametrize(
    ("words", "action"),
    [
        (["-h"], Action.HELP),
        (["-S", "--help"], Action.HELP),
        (["--version"], Action.VERSION),
        (["+cc"], Action.LIST_CIPHERS),
        (["+ph"], Action.LIST_PROFILES),
    ],
)
def test_options_that_ask_for_a_text_need_no_peer(words: list[str], action: Action) -> None:
    assert parse(words, {}).action is action


def test_unknown_option_beside_help_is_refused() -> None:
    assert "--foo" in refusal("--help", "--foo")


class TestCommandFiles:
    @pytest.fixture(autouse=True)
    def folder(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.chdir(tmp_path)

    def test_words_stand_for_the_file(self) -> None:
        Path("c.txt").write_bytes(b"-S   -aet\tME\r\n\n-k 0010,0010=A*  \n  ")
        command_line = parse(["-v", "@c.txt", *PEER, "-k", "0010,0020"], {})
        assert command_line.keys == ("0010,0010=A*", "0010,0020")
        assert command_line.value("--aetitle") == "ME"
        assert [a.origin for a in command_line.arguments] == ["", "", *["c.txt"] * 3, "", "", ""]
        assert command_line.arguments[1].effect is Effect.EXPANDED
        assert command_line.expanded == (
            *("--verbose", "--study", "--aetitle", "ME", "--key", "0010,0010=A*"),
            *("pacs", "104", "--key", "0010,0020"),
        )

    def test_quotation_marks_keep_white_space(self) -> None:
        Path("c.txt").write_text("""-k 0010,0010="A  B" '-k' '0010,0020=C "D"'""")
        assert parse(["@c.txt", *PEER], {}).keys == ("0010,0010=A  B", '0010,0020=C "D"')

    def test_an_option_and_its_value_may_come_from_two_places(self) -> None:
        Path("c.txt").write_text("0010,0010 -S")
        command_line = parse(["-k", "@c.txt", *PEER], {})
        assert command_line.keys == ("0010,0010",)
        assert command_line.chosen("model") == "--study"

    def test_bytes_that_are_not_utf_8_are_kept(self) -> None:
        Path("c.txt").write_bytes(b"-k 0010,0010=M\xfcller")
        assert parse(["@c.txt", *PEER], {}).keys == ("0010,0010=M\udcfcller",)

    def test_a_file_in_a_file_is_refused(self) -> None:
        Path("c.txt").write_text("@d.txt -S")
        assert "@c.txt: a command file cannot contain another command file (@d.txt)" in refusal(
            "@c.txt", *KEY, *PEER
        )

    @pytest.mark.parametrize("name", ["missing.txt", "."])
    def test_unreadable_files_are_named(self, name: str) -> None:
        assert f"@{name}: the command file cannot be read" in refusal(f"@{name}", *KEY, *PEER)

    def test_open_quotation_marks_are_named(self) -> None:
        Path("c.txt").write_text("-k 0010,0010=O'BRIEN")
        assert "@c.txt: a quotation mark (') is never closed" in refusal("@c.txt", *PEER)
