"""Every input that fuzzing has kept goes through its harness again, without atheris."""

import gc
import sys
from pathlib import Path

import pytest

from fuzz.harness import HARNESSES
from fuzz.limits import MAX_INPUT_BYTES
from tests.support.steps import steps, uncounted_lines

CORPUS = Path(__file__).resolve().parents[2] / "fuzz" / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name[:24]}")
def test_what_fuzzing_kept_breaks_nothing_and_is_no_hang(path):
    harness, data = HARNESSES[path.parent.name], path.read_bytes()

    steps(lambda: harness(data))


def test_nothing_stays_of_what_fuzzing_kept_however_often_it_comes():
    inputs = [(HARNESSES[path.parent.name], path.read_bytes()) for path in INPUTS]

    def blocks_after(rounds):
        with uncounted_lines():
            for _ in range(rounds):
                for harness, data in inputs:
                    harness(data)
        gc.collect()
        return sys.getallocatedblocks()

    # msgspec forgets the 512 keys it has seen now and then, and learns them anew.
    before = blocks_after(5)
    assert blocks_after(20) - before < 5 * len(inputs)


def test_the_corpus_is_small_and_has_inputs_for_every_harness():
    assert {path.parent.name for path in INPUTS} == set(HARNESSES)
    assert len(INPUTS) <= 250
    assert sum(path.stat().st_size for path in INPUTS) < 500_000


@pytest.mark.parametrize("name", HARNESSES)
def test_the_corpus_has_an_input_of_64_kib_for_every_harness(name):
    longest = max(path.stat().st_size for path in INPUTS if path.parent.name == name)

    assert MAX_INPUT_BYTES - 1024 < longest <= MAX_INPUT_BYTES
