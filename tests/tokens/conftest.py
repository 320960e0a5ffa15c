"""What the tests of tokens share."""

import pytest

from tests.support.token_keeper import SECRET


@pytest.fixture
def secret_file(tmp_path):
    path = tmp_path / "secret"
    path.write_text(f"{SECRET}\n")
    return path
