"""The Python package `tincan` 1.0.0, unmodified, as its users write it; it speaks 1.0.3.

Where the package cannot do what the specification asks for, the test says so and goes round it.
"""

from hashlib import sha256
from typing import Any
from urllib.parse import quote
from uuid import uuid4

import pytest
from tincan import (
    Activity,
    ActivityDefinition,
    ActivityProfileDocument,
    Agent,
    AgentProfileDocument,
    Attachment,
    Context,
    ContextActivities,
    LanguageMap,
    RemoteLRS,
    Result,
    Score,
    StateDocument,
    Statement,
    StatementRef,
    Verb,
)

from tests.clients.conftest import Endpoint
from tests.server import Client

ACTIVITY = Activity(
    id="https://clients.example/tincan",
    definition=ActivityDefinition(
        name=LanguageMap({"en-US": "TinCan"}),
        type="http://adlnet.gov/expapi/activities/assessment",
    ),
)
VERB = Verb(id="http://adlnet.gov/expapi/verbs/answered", display=LanguageMap({"en": "answered"}))
VOIDED = Verb(id="http://adlnet.gov/expapi/verbs/voided")


@pytest.fixture
def lrs(endpoint: Endpoint) -> RemoteLRS:
    """The package's client."""
    return RemoteLRS(endpoint=endpoint.url, username=endpoint.key, password=endpoint.secret)


@pytest.fixture
def plain(endpoint: Endpoint) -> Client:
    """A client without opinions, for what the package has no words for."""
    return Client(endpoint.port, endpoint.key, endpoint.secret, version="1.0.3")


@pytest.fixture
def agent() -> Agent:
    """Somebody whom no other test knows."""
    return Agent(name="Ada", mbox=f"mailto:{uuid4().hex}@clients.example")


def statement(agent: Agent, **more: Any) -> Statement:
    """Returns a statement with most of what the package can say."""
    return Statement(
        actor=agent,
        verb=VERB,
        object=ACTIVITY,
        result=Result(
            score=Score(raw=7, min=0, max=10, scaled=0.7), success=True, duration="PT1M5S"
        ),
        context=Context(
            registration=uuid4(),
            language="en",
            context_activities=ContextActivities(
                parent=[Activity(id="https://clients.example/course")]
            ),
        ),
        **more,
    )


def test_a_statement_comes_back(lrs: RemoteLRS, agent: Agent) -> None:
    sent = statement(agent, id=uuid4())
    assert lrs.save_statement(sent).success
    found = lrs.retrieve_statement(str(sent.id))
    assert found.success
    read = found.content
    assert (read.id, read.actor.mbox, read.verb.id) == (sent.id, agent.mbox, VERB.id)
    assert read.object.definition.name == ACTIVITY.definition.name
    assert (read.result.score.scaled, read.result.duration) == (0.7, sent.result.duration)
    assert read.context.registration == sent.context.registration
    assert read.authority is not None
    assert read.stored is not None


def test_the_store_gives_an_id_that_the_client_can_read(lrs: RemoteLRS, agent: Agent) -> None:
    """The package takes UUIDs of versions 1 to 5 only, as RFC 4122 has them."""
    sent = statement(agent)
    assert lrs.save_statement(sent).success
    assert lrs.retrieve_statement(str(sent.id)).content.id == sent.id


def test_a_batch_and_its_pages(lrs: RemoteLRS, agent: Agent) -> None:
    saved = lrs.save_statements([statement(agent) for _ in range(5)])
    assert saved.success
    wanted = {one.id for one in saved.content}
    query = {"agent": agent, "verb": VERB, "activity": ACTIVITY, "limit": 2}
    page = lrs.query_statements(query)
    found = list(page.content.statements)
    assert len(found) == 2
    while page.content.more:
        page = lrs.more_statements(page.content)
        assert page.success, page.data
        found += page.content.statements
    assert len(found) == 5
    assert {one.id for one in found} == wanted


@pytest.mark.parametrize(
    "more",
    [
        {"ascending": "true", "format": "ids"},
        {"related_agents": "true", "related_activities": "true", "format": "canonical"},
        {"since": "2020-01-01T00:00:00Z", "until": "2120-01-01T00:00:00Z", "format": "exact"},
    ],
)
def test_filters(lrs: RemoteLRS, agent: Agent, more: dict[str, str]) -> None:
    saved = lrs.save_statements([statement(agent) for _ in range(3)]).content
    found = lrs.query_statements({"agent": agent, **more})
    assert found.success, found.data
    expected = [one.id for one in saved]
    if "ascending" not in more:
        expected.reverse()
    assert [one.id for one in found.content.statements] == expected


def test_voiding(lrs: RemoteLRS, agent: Agent) -> None:
    sent = lrs.save_statement(statement(agent)).content
    void = Statement(actor=agent, verb=VOIDED, object=StatementRef(id=sent.id))
    assert lrs.save_statement(void).success
    assert lrs.retrieve_statement(str(sent.id)).response.status == 404
    assert lrs.retrieve_voided_statement(str(sent.id)).content.id == sent.id


def test_an_attachment_that_lies_elsewhere(lrs: RemoteLRS, agent: Agent) -> None:
    """The package cannot send multipart; it describes what is to be had at `fileUrl`."""
    described = Attachment(
        usage_type="https://clients.example/essay",
        display=LanguageMap({"en": "Essay"}),
        content_type="text/plain",
        length=5,
        sha2=sha256(b"essay").hexdigest(),
        fileurl="https://clients.example/essay.txt",
    )
    sent = lrs.save_statement(statement(agent, attachments=[described]))
    assert sent.success, sent.data
    read = lrs.retrieve_statement(str(sent.content.id)).content
    assert read.attachments[0].sha2 == described.sha2


def test_a_refusal_says_what_is_wrong(lrs: RemoteLRS, agent: Agent) -> None:
    wrong = statement(agent)
    wrong.result.score = Score(raw=11, min=0, max=10)
    refused = lrs.save_statement(wrong)
    assert not refused.success
    assert refused.response.status == 400
    assert "/result/score/raw" in refused.data


def test_about(lrs: RemoteLRS) -> None:
    """The package's model knows no 2.0.0, which the specification has us list."""
    with pytest.raises(ValueError, match=r"2\.0\.0"):
        lrs.about()


def test_state(lrs: RemoteLRS, agent: Agent) -> None:
    state = StateDocument(
        id="bookmark",
        activity=ACTIVITY,
        agent=agent,
        content=bytearray(b'{"page": 1}'),
        content_type="application/json",
    )
    assert lrs.save_state(state).success
    assert lrs.retrieve_state_ids(ACTIVITY, agent).content == ["bookmark"]
    since = {"since": "2120-01-01T00:00:00Z"}
    assert lrs.retrieve_state_ids(ACTIVITY, agent, **since).content == []
    found = lrs.retrieve_state(ACTIVITY, agent, "bookmark")
    assert found.content.content == bytearray(b'{"page": 1}')
    state.etag = found.response.getheader("ETag")
    assert lrs.delete_state(state).success
    gone = lrs.retrieve_state(ACTIVITY, agent, "bookmark")
    assert gone.response.status == 404
    state.etag = None
    assert lrs.save_state(state).success
    assert lrs.clear_state(ACTIVITY, agent).success
    assert lrs.retrieve_state_ids(ACTIVITY, agent).content == []


def test_profiles(lrs: RemoteLRS, agent: Agent, plain: Client) -> None:
    """The package never sends the If-None-Match that 1.0.3 asks for to make one."""
    activity = Activity(id=f"https://clients.example/{uuid4()}")
    cases = [
        (
            ActivityProfileDocument(id="p", activity=activity, content=bytearray(b"first")),
            (lrs.save_activity_profile, lrs.retrieve_activity_profile),
            (lrs.retrieve_activity_profile_ids, lrs.delete_activity_profile),
            activity,
            f"/xapi/activities/profile?profileId=p&activityId={quote(activity.id, '')}",
        ),
        (
            AgentProfileDocument(id="p", agent=agent, content=bytearray(b"first")),
            (lrs.save_agent_profile, lrs.retrieve_agent_profile),
            (lrs.retrieve_agent_profile_ids, lrs.delete_agent_profile),
            agent,
            f"/xapi/agents/profile?profileId=p&agent={quote(agent.to_json('1.0.3'))}",
        ),
    ]
    for document, (save, retrieve), (ids, delete), holder, path in cases:
        refused = save(document)
        assert refused.response.status == 400
        assert "If-None-Match" in refused.data
        assert plain.ask("PUT", path, b"first", If_None_Match="*").status == 204
        assert ids(holder).content == ["p"]
        found = retrieve(holder, "p")
        assert found.content.content == bytearray(b"first")
        document.etag = found.response.getheader("ETag")
        document.content = bytearray(b"second")
        assert save(document).success
        assert save(document).response.status == 412
        found = retrieve(holder, "p")
        assert found.content.content == bytearray(b"second")
        assert delete(document).response.status == 412
        document.etag = found.response.getheader("ETag")
        assert delete(document).success
        assert ids(holder).content == []
