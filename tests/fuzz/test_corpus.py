"""Every input that fuzzing has kept goes through its harness again, without atheris."""

from pathlib import Path

import pytest

from fuzz.harness import HARNESSES

CORPUS = Path(__file__).resolve().parents[2] / "fuzz" / "corpus"
INPUTS = sorted(path for path in CORPUS.rglob("*") if path.is_file())


@pytest.mark.parametrize("path", INPUTS, ids=lambda path: f"{path.parent.name}-{path.name[:24]}")
def test_what_fuzzing_kept_breaks_nothing(path):
    HARNESSES[path.parent.name](path.read_bytes())


def test_the_corpus_is_small_and_has_inputs_for_every_harness():
    assert {path.parent.name for path in INPUTS} == set(HARNESSES)
    assert len(INPUTS) < 200
    assert sum(path.stat().st_size for path in INPUTS) < 200_000
