"""What the suites share: where the gateway is, and which models stand for which situation.

`cargo xtask test --clients` starts the gateway and sets the environment; see tests/clients/README.md.
"""

import os
from dataclasses import dataclass

import pytest


@dataclass(frozen=True)
class Gateway:
    """The running gateway, as a client sees it."""

    url: str
    key: str
    # A key that may make one request a minute.
    tight_key: str
    # Answered at once.
    model: str = "deepseek-flash"
    # The same, and every answer is kept and given again.
    kept: str = "kept"
    # Answered with what the service received, and with fields no SDK knows.
    echo: str = "echo"
    # The same for embeddings.
    embedding_model: str = "text-embedding-3-small"
    # Its service refuses, resets and breaks off at first; see xtask/src/clients/world.rs.
    troubled: str = "deepseek-v4-pro"
    # Its service accepts connections and never answers.
    silent: str = "silent"
    # Nothing listens where its service should be.
    gone: str = "gone"


@pytest.fixture(scope="session")
def gateway() -> Gateway:
    return Gateway(
        url=os.environ["WEIR_URL"], key=os.environ["WEIR_KEY"], tight_key=os.environ["WEIR_TIGHT_KEY"]
    )
