"""What the commands take; the packages that know it are slow to import, so it is written twice."""

import pytest

import dppp.defaults
import dppp.inference.index
import dppp.reproduce
from dppp_commands import arguments, reproduce, search, train
from dppp_commands.arguments import at_least_one, file_name
from dppp_commands.command_line import Parser


def test_train_takes_fastreids_arguments() -> None:
    from fastreid.engine import default_argument_parser  # importable by dppp alone

    upstream = default_argument_parser()
    options = [
        [option] if action.nargs == 0 else [option, "3"]
        for action in upstream._actions
        for option in action.option_strings
        if action.dest != "help"
    ]
    assert ["--machine-rank", "3"] in options and ["--eval-only"] in options
    everything = [word for words in options for word in words]
    for words in ([], *options, [*everything, "SEED", "1"]):
        assert train.parse(words) == upstream.parse_args(words)


def test_reproduce_offers_every_report_and_testbed() -> None:
    assert reproduce.REPORTS == tuple(dppp.reproduce.REPORTS)
    assert reproduce.TESTBEDS == dppp.reproduce.TESTBEDS


def test_a_model_runs_in_every_precision_and_search_has_every_index() -> None:
    assert arguments.PRECISIONS == dppp.defaults.PRECISIONS
    assert search.INDEXES == dppp.inference.index.INDEXES


@pytest.mark.parametrize("text", ["0", "-1", "1.5", "many", ""])
def test_numbers_below_one_are_refused(text: str, capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="tool")
    parser.add_argument("--top", type=at_least_one)
    assert parser.parse_args(["--top", "12"]).top == 12
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args([f"--top={text}"])
    line = f"error: argument --top: {text} is not a whole number, 1 or more; see tool --help\n"
    assert capsys.readouterr() == ("", line)


def test_a_file_with_another_ending_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = Parser(prog="tool")
    parser.add_argument("--output", type=file_name(".onnx", ".pt2"))
    assert parser.parse_args(["--output", "a/b.pt2"]).output.name == "b.pt2"
    with pytest.raises(SystemExit, match="2"):
        parser.parse_args(["--output", "model.txt"])
    assert "model.txt: the name of this file must end in .onnx or .pt2" in capsys.readouterr().err
