"""What importing the client costs."""

import subprocess
import sys

ALLOWED = {"aihub", "httpx", "msgspec"}
# not rich: httpx loads it for its own command line where it is installed
HEAVY = {"argon2", "asyncpg", "cryptography", "jinja2", "jwt", "starlette", "uvicorn", "uvloop"}


def test_client_loads_nothing_of_the_server() -> None:
    script = "import sys, aihub.client; print(*sorted(sys.modules))"
    done = subprocess.run(
        [sys.executable, "-c", script], check=True, capture_output=True, text=True
    )
    loaded = set(done.stdout.split())
    assert not {name.split(".")[0] for name in loaded} & HEAVY
    ours = {n for n in loaded if n.split(".")[0] == "aihub" and not n.startswith("aihub.client")}
    assert ours == {"aihub", "aihub.kit", "aihub.kit.ids"}
    assert {name for name in ALLOWED if name in loaded} == ALLOWED
