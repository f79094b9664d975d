"""What is selected arrives at another store: in order, all of it, whatever happens on the way."""

from hashlib import sha256
from time import monotonic
from uuid import UUID, uuid4

import pytest

from domain.errors import Conflict, Invalid, NotFound
from domain.forwarding import Selection
from domain.values.version import Version
from lrs.attachments import Sent
from lrs.forwarding import MOST, Target
from lrs.services import open_services
from lrs.settings import Settings
from tests.integration.forwarding.conftest import Receiver, Sender
from tests.integration.lrs.samples import statement, voiding
from tests.waiting import until

VERBS = "http://adlnet.gov/expapi/verbs/"


def test_exactly_what_matches_in_order(sender: Sender, receiver: Receiver) -> None:
    """Of this institution, from now on."""
    sender.accept(statement())
    forwarding = sender.start(receiver, verb=f"{VERBS}passed")
    passed = [statement(f"learner-{n}", "passed") for n in range(70)]
    failed = [statement(f"learner-{n}", "failed") for n in range(70)]
    for one, other in zip(passed, failed, strict=True):
        sender.accept(one, other)
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    wanted = [each["id"] for each in passed]
    assert [each for batch in receiver.seen for each in batch] == wanted
    assert receiver.stored() == wanted
    assert [len(batch) for batch in receiver.seen] == [50, 20]
    later = sender.accept(statement("late", "passed"))
    until(lambda: sender.done(forwarding))
    assert receiver.stored() == wanted + later
    state = sender.state(forwarding)
    assert (state.sent, state.refused, state.failure) == (71, 0, None)
    assert state.sent_at is not None


def test_what_was_recorded_before_if_asked_for(sender: Sender, receiver: Receiver) -> None:
    ids = sender.accept(statement(), statement())
    forwarding = sender.start(receiver, from_start=True)
    sender.run(forwarding)
    until(lambda: receiver.taken() == ids)


def test_content_is_that_of_the_statement(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver)
    (sent,) = sender.accept(statement(result={"response": "Schrödinger", "success": True}))
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    ours = sender.services.queries.get(sender.institution, UUID(sent))
    theirs = receiver.services.queries.get(receiver.institution, UUID(sent))
    for set_by_each in ("stored", "authority"):
        assert ours.pop(set_by_each) != theirs.pop(set_by_each)
    assert ours == theirs


def test_each_version_is_sent_as_it_came(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver)
    old = sender.accept(statement(), statement(), version=Version.V1_0_3)
    new = sender.accept(statement())
    old_again = sender.accept(statement(), version=Version.V1_0_3)
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.seen == [old, new, old_again]
    assert receiver.versions == ["1.0.3", "2.0.0", "1.0.3"]
    assert receiver.stored() == [*old, *new, *old_again]


def test_attachments_go_with_their_statements(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver)
    content = bytes(range(256)) * 1000
    sha2 = sha256(content).hexdigest()
    attachment = {
        "usageType": "https://lms.example.org/essay",
        "display": {"en": "Essay"},
        "contentType": "application/pdf",
        "length": len(content),
        "sha2": sha2,
    }
    with_part = statement(attachments=[attachment])
    first = sender.accept(statement())
    sender.services.statements.accept(
        sender.credential, [with_part], Version.V2_0_0, [Sent(sha2, [content])]
    )
    last = sender.accept(statement())
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.stored() == [*first, with_part["id"], *last]
    found = receiver.services.lrs.attachments.of(receiver.institution, [with_part])
    assert [b"".join(pieces) for _, pieces in found] == [content]


def test_filters_follow_references(sender: Sender, receiver: Receiver) -> None:
    """One that refers to a match matches, also where it came before it; then it is sent then."""
    forwarding = sender.start(receiver, verb=f"{VERBS}passed")
    match = statement("ada", "passed")
    early = statement("bob", "liked", object={"objectType": "StatementRef", "id": match["id"]})
    earlier = statement("eve", "saw", object={"objectType": "StatementRef", "id": early["id"]})
    late = statement("bob", "liked", object={"objectType": "StatementRef", "id": match["id"]})
    sender.accept(earlier, early, statement("ada", "failed"))
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.taken() == []
    sender.accept(match, late)
    until(lambda: sender.done(forwarding))
    assert receiver.taken() == [each["id"] for each in (earlier, early, match, late)]


def test_a_voided_statement_is_not_sent_and_a_void_is(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver, verb=f"{VERBS}passed")
    gone, kept = statement("ada", "passed"), statement("ada", "passed")
    void = voiding(gone["id"])
    sender.accept(gone, void, kept)
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.taken() == [void["id"], kept["id"]]
    after = voiding(kept["id"])
    sender.accept(after)
    until(lambda: sender.done(forwarding))
    assert receiver.taken()[2:] == [after["id"]]
    assert kept["id"] not in receiver.stored()


def test_one_person(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver, person=sender.person("ada"))
    ada = statement("ada")
    sender.accept(statement("bob"), ada, statement("bob"))
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.taken() == [ada["id"]]


def test_an_erased_person_is_not_sent(sender: Sender, receiver: Receiver) -> None:
    """From the fence on: a forwarder that waits reads anew, so it holds nobody back."""
    receiver.shut()
    forwarding = sender.start(receiver)
    sender.run(forwarding)
    sender.accept(statement("gone"))
    kept = sender.accept(statement("kept"))
    until(lambda: sender.state(forwarding).failures)
    pseudonym = sender.person("gone")
    with sender.services.pool.connection() as connection:
        connection.execute("SELECT lrs.fence_person(%s, %s)", [sender.institution, pseudonym])
    receiver.open()
    until(lambda: sender.done(forwarding))
    assert receiver.taken() == kept


def test_a_receiver_that_is_down_is_waited_for(sender: Sender, receiver: Receiver) -> None:
    receiver.shut()
    forwarding = sender.start(receiver)
    sender.run(forwarding)
    ids = sender.accept(*(statement() for _ in range(5)))
    until(lambda: sender.state(forwarding).failures >= 2)
    state = sender.state(forwarding)
    assert state.failure == "no connection"
    assert state.failing_since is not None
    assert state.sent == 0
    receiver.open()
    until(lambda: sender.done(forwarding))
    assert receiver.stored() == ids
    state = sender.state(forwarding)
    assert (state.failures, state.failure, state.failing_since) == (0, None, None)


def test_a_receiver_that_is_busy_is_given_the_time_it_asks_for(
    sender: Sender, receiver: Receiver
) -> None:
    receiver.answers = [(503, [("Retry-After", "2")]), (429, [("Retry-After", "1")]), (500, [])]
    forwarding = sender.start(receiver)
    ids = sender.accept(statement(), statement())
    began = monotonic()
    sender.run(forwarding)
    until(lambda: sender.state(forwarding).failures)
    assert sender.state(forwarding).failure == "status 503"
    until(lambda: sender.done(forwarding))
    assert monotonic() - began >= 3
    assert receiver.seen == [ids]


@pytest.mark.parametrize("status", [301, 307, 401, 403, 404])
def test_nothing_is_given_up_for_what_the_receiver_can_put_right(
    sender: Sender, receiver: Receiver, status: int
) -> None:
    receiver.answers = [(status, [("Location", "http://127.0.0.1:1/")])]
    forwarding = sender.start(receiver)
    ids = sender.accept(statement())
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.seen == [ids]
    assert sender.state(forwarding).refused == 0


def test_wrong_credentials_wait(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver, secret="wrong")
    sender.accept(statement())
    sender.run(forwarding)
    until(lambda: sender.state(forwarding).failure == "status 401")
    assert sender.state(forwarding).position == forwarding.position


def test_one_that_is_refused_does_not_stop_the_rest(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver)
    all_of_them = [statement() for _ in range(60)]
    bad = all_of_them[17]
    receiver.services.statements.accept(
        receiver.services.credentials.verify(receiver.key, receiver.secret),
        [{**statement("somebody else"), "id": bad["id"]}],
        Version.V2_0_0,
    )
    ids = sender.accept(*all_of_them)
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert receiver.stored() == [bad["id"], *(each for each in ids if each != bad["id"])]
    state = sender.state(forwarding)
    assert (state.sent, state.refused, state.failure) == (59, 1, None)
    (refusal,) = sender.services.forwardings.refusals(sender.institution, forwarding.id)
    assert refusal.status == 409
    assert str(refusal.statement) == bad["id"]
    after = sender.services.forwardings.refusals(
        sender.institution, forwarding.id, refusal.position
    )
    assert after == []


def test_two_forwarders_one_leads(sender: Sender, receiver: Receiver) -> None:
    receiver.delay = 0.05
    forwarding = sender.start(receiver)
    ids = sender.accept(*(statement() for _ in range(120)))
    sender.run(forwarding)
    sender.run(forwarding)
    until(lambda: sender.done(forwarding))
    assert [each for batch in receiver.seen for each in batch] == ids


def test_it_can_be_stopped(sender: Sender, receiver: Receiver) -> None:
    forwarding = sender.start(receiver)
    thread = sender.run(forwarding)
    ids = sender.accept(statement())
    until(lambda: receiver.taken() == ids)
    sender.services.forwardings.stop(sender.institution, forwarding.id)
    sender.services.forwardings.stop(sender.institution, forwarding.id)
    thread.join(5)
    assert not thread.is_alive()
    sender.accept(statement())
    assert receiver.taken() == ids
    listed = sender.services.forwardings.page(sender.institution)
    assert [each.id for each in listed] == [forwarding.id]
    assert listed[0].stopped_at is not None
    events = sender.services.store.stream(forwarding.id)
    assert [event.TOPIC for event in events] == ["forwarding.started", "forwarding.stopped"]
    with pytest.raises(NotFound):
        sender.services.forwardings.stop(uuid4(), forwarding.id)


def test_there_is_an_end_to_how_many(sender: Sender, receiver: Receiver) -> None:
    for _ in range(MOST):
        sender.start(receiver)
    with pytest.raises(Conflict):
        sender.start(receiver)


def test_addresses_of_this_machine_are_refused_by_default(settings: Settings) -> None:
    services = open_services(settings)
    target = Target("http://127.0.0.1:8080/xapi", "key", "secret", Selection())
    with pytest.raises(Invalid, match="not public"):
        services.forwardings.start(uuid4(), target)
    services.close()


def test_credentials_of_the_receiver_stand_nowhere_in_clear(
    sender: Sender, receiver: Receiver
) -> None:
    sender.start(receiver)
    with sender.services.pool.connection() as connection:
        rows = connection.execute(
            "SELECT f::text FROM lrs.forwardings f UNION ALL"
            " SELECT encode(state, 'escape') FROM lrs.stored_events"
            " WHERE topic = 'forwarding.started'"
        ).fetchall()
    text = "".join(row[0] for row in rows)
    assert rows
    for word in (receiver.key, receiver.secret, "127.0.0.1"):
        assert word not in text
        assert word.encode().hex() not in text
