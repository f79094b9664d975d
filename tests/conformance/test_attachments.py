"""Attachments: 1.0.3 Data 2.4.11, 2.6 and Communication 1.5.2; 2.0.0 4.2.2.6, 4.2.6 and 4.1.3."""

import base64
import email
import hashlib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import orjson
import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.serialization import Encoding
from cryptography.x509.oid import NameOID
from joserfc import jws
from joserfc.jwk import RSAKey

from api.services import Services
from domain.statements.relations import SIGNATURE
from tests.conformance.conftest import query
from tests.conformance.requests import STATEMENTS
from tests.integration.api.conftest import Caller
from tests.integration.api.statements import statement

HASH = "X-Experience-API-Hash"
Headers = dict[str, str]
Part = tuple[Headers, bytes]


def attachment(content: bytes, **changes: Any) -> dict[str, Any]:
    """Returns what a statement says of its attachment."""
    return {
        "usageType": "https://example.org/attachments/essay",
        "display": {"en": "An essay"},
        "contentType": "text/plain",
        "length": len(content),
        "sha2": hashlib.sha256(content).hexdigest(),
        **changes,
    }


def part(content: bytes, **changes: str | None) -> Part:
    """Returns the part of a request that carries the content; None leaves a header out."""
    headers = {
        "Content-Type": "text/plain",
        "Content-Transfer-Encoding": "binary",
        HASH: hashlib.sha256(content).hexdigest(),
    }
    changed = {**headers, **{name.replace("_", "-"): value for name, value in changes.items()}}
    return {name: value for name, value in changed.items() if value is not None}, content


def send(lrs: Caller, content: Any, *parts: Part, method: str = "POST", path: str = "") -> Any:
    """Sends statements with parts."""
    return send_parts(
        lrs,
        ({"Content-Type": "application/json"}, orjson.dumps(content)),
        *parts,
        path=path,
        method=method,
    )


def send_parts(lrs: Caller, *parts: Part, method: str = "POST", path: str = "") -> Any:
    body = b"".join(
        b"--frontier\r\n%b\r\n%b\r\n"
        % ("".join(f"{n}: {v}\r\n" for n, v in headers.items()).encode(), content)
        for headers, content in parts
    )
    return lrs(
        method,
        path or STATEMENTS,
        data=body + b"--frontier--\r\n",
        content_type='multipart/mixed; boundary="frontier"',
    )


def received(lrs: Caller, **parameters: str) -> tuple[Any, list[Part]]:
    """Returns the JSON and the attachments of a GET, as Python's own parser reads them."""
    answer = lrs("GET", query(STATEMENTS, attachments="true", **parameters))
    assert answer.status_code == 200
    assert answer.data.startswith(b"--")
    content_type = answer.headers["Content-Type"]
    message = email.message_from_bytes(
        f"Content-Type: {content_type}\r\n\r\n".encode() + answer.data
    )
    assert message.get_content_type() == "multipart/mixed"
    first, *rest = message.get_payload()  # type: ignore[misc]
    assert first.get_content_type() == "application/json"  # type: ignore[union-attr]
    return orjson.loads(first.get_payload(decode=True)), [  # type: ignore[union-attr,arg-type]
        (dict(one.items()), one.get_payload(decode=True))  # type: ignore[union-attr,misc]
        for one in rest
    ]


def kept(services: Services) -> int:
    """Returns how many contents there are."""
    with services.pool.connection() as connection:
        row = connection.execute("SELECT count(DISTINCT content_id) FROM lrs.contents").fetchone()
    assert row is not None
    return int(row[0])


@pytest.mark.parametrize("algorithm", ["sha224", "sha256", "sha384", "sha512"])
def test_data_2_4_11_what_goes_in_comes_out(lrs: Caller, algorithm: str) -> None:
    content = f"essay\r\n--frontie {lrs.version} {algorithm}\r\n".encode() * 40_000
    sha2 = hashlib.new(algorithm, content).hexdigest()
    sent = statement(attachments=[attachment(content, sha2=sha2)])
    assert send(lrs, sent, part(content, **{HASH: sha2})).status_code == 200
    got, parts = received(lrs, statementId=sent["id"])
    assert got["id"] == sent["id"]
    ((headers, body),) = parts
    assert body == content
    assert headers == {
        "Content-Type": "text/plain",
        "Content-Transfer-Encoding": "binary",
        HASH: sha2,
    }


def test_comm_2_1_3_without_attachments_only_json(lrs: Caller) -> None:
    sent = statement(attachments=[attachment(b"x")])
    send(lrs, sent, part(b"x"))
    for given in ({}, {"attachments": "false"}):
        answer = lrs("GET", query(STATEMENTS, statementId=sent["id"], **given))
        assert answer.headers["Content-Type"] == "application/json"
        assert answer.json["attachments"] == sent["attachments"]
    head = lrs("HEAD", query(STATEMENTS, statementId=sent["id"], attachments="true"))
    assert (head.status_code, head.data) == (200, b"")
    assert head.headers["Content-Type"].startswith("multipart/mixed")


def test_comm_1_5_2_each_attachment_of_a_page_once(lrs: Caller) -> None:
    shared, own = b"shared by all", b"own " + lrs.version.encode()
    people = [f"{lrs.version}-{n}" for n in range(3)]
    batch = [statement(name, attachments=[attachment(shared)]) for name in people]
    batch[1]["attachments"].append(attachment(own))
    batch[2]["object"] = {
        "objectType": "SubStatement",
        **{name: batch[2][name] for name in ("actor", "verb", "object", "attachments")},
    }
    del batch[2]["attachments"]
    verb = {"id": f"https://verbs.example/page/{lrs.version}"}
    answer = send(lrs, [{**one, "verb": verb} for one in batch], part(shared), part(own))
    assert answer.status_code == 200, answer.text
    got, parts = received(lrs, verb=verb["id"])
    assert len(got["statements"]) == 3
    assert sorted(body for _, body in parts) == sorted([shared, own])
    got, parts = received(lrs, verb=verb["id"], limit="1")
    assert [body for _, body in parts] == [shared]
    assert lrs("GET", got["more"]).data.startswith(b"--")


def test_put_takes_attachments_too(lrs: Caller) -> None:
    sent = statement(attachments=[attachment(b"put")])
    path = query(STATEMENTS, statementId=sent["id"])
    assert send(lrs, sent, part(b"put"), method="PUT", path=path).status_code == 204
    assert received(lrs, statementId=sent["id"])[1][0][1] == b"put"


def test_equal_content_is_kept_once(lrs: Caller, services: Services) -> None:
    content = f"once {lrs.version}".encode()
    before = kept(services)
    for name in ("amina", "juma", "amina"):
        sent = statement(name, attachments=[attachment(content)])
        assert send(lrs, sent, part(content)).status_code == 200
        assert received(lrs, statementId=sent["id"])[1][0][1] == content
    assert kept(services) == before + 1


def test_a_file_url_needs_no_part(lrs: Caller) -> None:
    sent = statement(attachments=[attachment(b"far", fileUrl="https://files.example/far")])
    assert lrs("POST", STATEMENTS, json=sent).status_code == 200
    assert send(lrs, {**sent, "id": statement()["id"]}).status_code == 200
    assert received(lrs, statementId=sent["id"])[1] == []


def test_an_empty_attachment_is_one(lrs: Caller) -> None:
    sent = statement(attachments=[attachment(b"")])
    assert send(lrs, sent, part(b"")).status_code == 200
    assert received(lrs, statementId=sent["id"])[1][0][1] == b""


SENT = statement(attachments=[attachment(b"x")])
JSON = ({"Content-Type": "application/json"}, orjson.dumps(SENT))


@pytest.mark.parametrize(
    "parts",
    [
        [JSON],
        [JSON, part(b"y")],
        [JSON, part(b"x"), part(b"excess")],
        [JSON, part(b"x", **{HASH: None})],
        [JSON, part(b"x", **{HASH: "abc"})],
        [JSON, part(b"x", Content_Transfer_Encoding=None)],
        [JSON, part(b"x", Content_Transfer_Encoding="base64")],
        [JSON, ({**part(b"x")[0]}, b"not what the hash says")],
        [part(b"x"), JSON],
        [part(b"x")],
        [],
        [({}, JSON[1]), part(b"x")],
        [({"Content-Type": "text/plain"}, JSON[1]), part(b"x")],
        [({"Content-Type": "application/json"}, b"{"), part(b"x")],
        [({"Content-Type": "application/json"}, orjson.dumps({**SENT, "verb": {}})), part(b"x")],
        [({"Content-Type": "application/json"}, orjson.dumps(statement())), part(b"x")],
    ],
)
def test_comm_1_5_2_what_does_not_belong_together_is_refused_and_leaves_nothing(
    lrs: Caller, services: Services, parts: list[Part]
) -> None:
    before = kept(services)
    refused = send_parts(lrs, *parts)
    assert refused.status_code == 400, refused.text
    assert refused.json["rule"] and "pointer" in refused.json
    assert lrs("GET", query(STATEMENTS, statementId=SENT["id"])).status_code == 404
    assert kept(services) == before


def test_a_conflict_leaves_no_content(lrs: Caller, services: Services) -> None:
    sent = statement()
    lrs("POST", STATEMENTS, json=sent)
    before = kept(services)
    other = {**sent, "object": {"id": "https://other.example/"}}
    content = f"conflict {lrs.version}".encode()
    refused = send(lrs, {**other, "attachments": [attachment(content)]}, part(content))
    assert refused.status_code == 409
    assert kept(services) == before


def test_a_body_that_breaks_off_leaves_no_content(lrs: Caller, services: Services) -> None:
    before = kept(services)
    content = b"z" * 700_000
    sent = orjson.dumps(statement(attachments=[attachment(content)]))
    head = b"--frontier\r\nContent-Type: application/json\r\n\r\n%b\r\n--frontier\r\n" % sent
    head += "".join(f"{n}: {v}\r\n" for n, v in part(content)[0].items()).encode() + b"\r\n"
    kind = "multipart/mixed; boundary=frontier"
    refused = lrs("POST", STATEMENTS, data=head + content, content_type=kind)
    assert refused.status_code == 400
    assert kept(services) == before


def test_a_body_over_the_limit_413_and_leaves_no_content(lrs: Caller, services: Services) -> None:
    before = kept(services)
    content = b"z" * (services.settings.max_body_bytes + 1)
    refused = send(lrs, statement(attachments=[attachment(content)]), part(content))
    assert refused.status_code == 413
    assert kept(services) == before


@pytest.mark.parametrize(
    "content_type",
    ["multipart/form-data; boundary=frontier", "multipart/mixed", "multipart/mixed; boundary=ü"],
)
def test_comm_1_5_other_types_of_body_are_refused(lrs: Caller, content_type: str) -> None:
    body = b"--frontier\r\nContent-Type: application/json\r\n\r\n{}\r\n--frontier--\r\n"
    refused = lrs("POST", STATEMENTS, data=body, content_type=content_type)
    assert (refused.status_code, refused.json["pointer"]) == (400, "Content-Type")


def test_data_2_4_11_json_alone_needs_a_file_url(lrs: Caller) -> None:
    refused = lrs("POST", STATEMENTS, json=SENT)
    assert (refused.status_code, refused.json["pointer"]) == (400, "/attachments/0/sha2")
    batch = lrs("POST", STATEMENTS, json=[statement(), SENT])
    assert (batch.status_code, batch.json["pointer"]) == (400, "/1/attachments/0/sha2")


# Signed statements ------------------------------------------------------------------------------

KEY = rsa.generate_private_key(public_exponent=65537, key_size=2048)
OTHER = rsa.generate_private_key(public_exponent=65537, key_size=2048)


def certificate(subject: str, key: Any, issuer: str, issuing: Any) -> str:
    """Returns a certificate as x5c holds it."""

    def name(text: str) -> x509.Name:
        return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])

    now = datetime.now(UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name(subject))
        .issuer_name(name(issuer))
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=1))
        .sign(issuing, hashes.SHA256())
    )
    return base64.b64encode(made.public_bytes(Encoding.DER)).decode()


CHAIN = [
    certificate("tool", KEY, "authority", OTHER),
    certificate("authority", OTHER, "authority", OTHER),
]


def signed(
    payload: dict[str, Any], sent: dict[str, Any], header: dict[str, Any], key: Any = KEY
) -> tuple[dict[str, Any], Part]:
    """Returns the statement with the signature of `payload`, and the part that carries it."""
    signature = jws.serialize_compact(
        header, orjson.dumps(payload), RSAKey.import_key(key), ["RS256", "RS384", "RS512", "PS256"]
    ).encode()
    said = attachment(signature, usageType=SIGNATURE, contentType="application/octet-stream")
    return {**sent, "attachments": [said]}, part(signature, Content_Type="application/octet-stream")


@pytest.mark.parametrize("algorithm", ["RS256", "RS384", "RS512"])
@pytest.mark.parametrize("chain", [None, CHAIN[:1], CHAIN])
def test_data_2_6_good_signatures(lrs: Caller, algorithm: str, chain: list[str] | None) -> None:
    sent = statement(timestamp="2026-03-01T10:00:00Z")
    header = {"alg": algorithm} | ({} if chain is None else {"x5c": chain})
    assert send(lrs, *signed(sent, sent, header)).status_code == 200
    _, parts = received(lrs, statementId=sent["id"])
    assert parts[0][0]["Content-Type"] == "application/octet-stream"


BAD: dict[str, Callable[[dict[str, Any]], tuple[dict[str, Any], Part]]] = {
    "another algorithm": lambda sent: signed(sent, sent, {"alg": "PS256"}),
    "another payload": lambda sent: signed(
        {**sent, "verb": {"id": "https://v.example/"}}, sent, {"alg": "RS256"}
    ),
    "another key": lambda sent: signed(sent, sent, {"alg": "RS256", "x5c": CHAIN}, OTHER),
    "a broken chain": lambda sent: signed(sent, sent, {"alg": "RS256", "x5c": [CHAIN[0]] * 2}),
    "no certificate": lambda sent: signed(sent, sent, {"alg": "RS256", "x5c": ["bm9uZQ=="]}),
}


@pytest.mark.parametrize("fault", BAD)
def test_data_2_6_bad_signatures_are_refused(lrs: Caller, services: Services, fault: str) -> None:
    before = kept(services)
    sent = statement()
    refused = send(lrs, *BAD[fault](sent))
    assert (refused.status_code, refused.json["rule"]) == (400, "signature"), refused.text
    assert refused.json["pointer"].startswith("/attachments/0")
    assert lrs("GET", query(STATEMENTS, statementId=sent["id"])).status_code == 404
    assert kept(services) == before


@pytest.mark.parametrize("junk", [b"", b"x", b"a.b.c", b"e30.e30.", b"\xff.\xff.\xff", b"." * 9])
def test_data_2_6_what_is_no_jws_is_refused(lrs: Caller, junk: bytes) -> None:
    said = attachment(junk, usageType=SIGNATURE, contentType="application/octet-stream")
    sent = statement(attachments=[said])
    refused = send(lrs, sent, part(junk, Content_Type="application/octet-stream"))
    assert (refused.status_code, refused.json["rule"]) == (400, "signature")


def test_data_2_6_a_signature_is_octets(lrs: Caller) -> None:
    sent = statement()
    with_signature, carried = signed(sent, sent, {"alg": "RS256"})
    with_signature["attachments"][0]["contentType"] = "text/plain"
    refused = send(lrs, with_signature, carried)
    assert (refused.status_code, refused.json["pointer"]) == (400, "/attachments/0/contentType")
