"""As an operator does it: `lrs forward` and the jobs process, which is killed in the middle."""

import os
import subprocess
from collections.abc import Callable, Iterator
from signal import SIGKILL, SIGTERM

import pytest
from click.testing import Result

from tests.commands import COMMAND, Lrs, environment_of, lrs_of
from tests.integration.forwarding.conftest import Receiver, Sender
from tests.integration.lrs.samples import statement
from tests.waiting import until


@pytest.fixture
def lrs(sender: Sender) -> Lrs:
    """Runs `lrs forward` for the sender's institution."""
    run = lrs_of(sender.services.settings, "forward")

    def forward(command: str, *arguments: str, **more: str) -> Result:
        return run(command, "--institution", str(sender.institution), *arguments, **more)

    return forward


@pytest.fixture
def jobs(sender: Sender) -> Iterator[Callable[[], subprocess.Popen[bytes]]]:
    """Starts jobs processes, and ends those that still run."""
    started: list[subprocess.Popen[bytes]] = []

    def start() -> subprocess.Popen[bytes]:
        # A release is not looked for: there is no ClickHouse here.
        known = environment_of(sender.services.settings)
        given = {**os.environ, **known, "LRS_RELEASE_CHECK_SECONDS": "3600"}
        started.append(subprocess.Popen([*COMMAND, "jobs"], env=given, stdout=subprocess.DEVNULL))
        return started[-1]

    yield start
    for process in started:
        if process.poll() is None:
            process.send_signal(SIGTERM)
            process.wait(10)


def test_killed_again_and_again_it_loses_nothing(
    lrs: Lrs,
    jobs: Callable[[], subprocess.Popen[bytes]],
    sender: Sender,
    receiver: Receiver,
) -> None:
    added = lrs("add", receiver.url, "--key", receiver.key, LRS_FORWARD_SECRET=receiver.secret)
    assert added.exit_code == 0, added.output
    ids = sender.accept(*(statement(f"learner-{n % 7}") for n in range(1000)))
    receiver.delay = 0.05
    for killed in range(1, 4):
        process = jobs()
        until(lambda least=killed: len(receiver.seen) >= 4 * least)
        process.send_signal(SIGKILL)
        process.wait(10)
    assert len(receiver.taken()) < len(ids), "all was sent before it was killed"
    jobs()
    until(lambda: len(receiver.stored()) == len(ids))
    assert receiver.stored() == ids
    assert receiver.taken() == ids
    until(lambda: "0 refused" in lrs("list").output)


def test_it_is_added_listed_and_removed(lrs: Lrs, sender: Sender, receiver: Receiver) -> None:
    given = [receiver.url, "--key", receiver.key, "--verb", "http://adlnet.gov/expapi/verbs/passed"]
    agent = '{"mbox": "mailto:ada@students.example"}'
    secret = {"LRS_FORWARD_SECRET": receiver.secret}
    added = lrs("add", *given, "--agent", agent, "--related-agents", "--from-start", **secret)
    assert added.exit_code == 0, added.output
    name = added.output.strip()
    (forwarding,) = sender.services.forwardings.page(sender.institution)
    assert str(forwarding.id) == name
    assert forwarding.position == 0
    assert forwarding.target.selection.person is not None
    listed = lrs("list").output
    assert name in listed and receiver.url in listed and "0 sent" in listed
    assert receiver.secret not in listed
    assert lrs("refused", name).output == ""
    assert lrs("remove", name).exit_code == 0
    assert "stopped" in lrs("list").output


def test_what_is_wrong_is_said(lrs: Lrs, receiver: Receiver) -> None:
    secret = {"LRS_FORWARD_SECRET": "s"}
    assert "give the http(s)" in lrs("add", "ftp://x", "--key", "k", **secret).output
    for agent in ("{}", "nonsense", '{"objectType": "Group", "member": []}'):
        refused = lrs("add", receiver.url, "--key", "k", "--agent", agent, **secret)
        assert refused.exit_code == 2, agent
    nowhere = lrs("add", "http://nowhere.invalid/xapi", "--key", "k", **secret)
    assert "does not resolve" in nowhere.output
