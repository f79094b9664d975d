// TinCanJS as its users write it; it speaks 1.0.2. URL, KEY and SECRET come from the environment.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { test } from "node:test";
import TinCan from "tincanjs";

const { URL: endpoint, KEY, SECRET } = process.env;
const lrs = new TinCan.LRS({ endpoint, username: KEY, password: SECRET, allowFail: false });

// Its calls answer `(error, result)`; an error is the HTTP status, or null.
const ask = (method, ...given) => new Promise((resolve, reject) => {
  const cfg = given.pop();
  lrs[method](...given, {
    ...cfg,
    callback: (error, result) => error === null ? resolve(result)
      : reject(Object.assign(new Error(`${method}: ${error} ${result?.responseText}`), { status: error, body: result?.responseText })),
  });
});
const refused = (status) => (error) => error.status === status;

const activity = new TinCan.Activity({ id: "https://clients.example/tincanjs", definition: { name: { "en-US": "TinCanJS" } } });
const someone = () => new TinCan.Agent({ name: "Ada", mbox: `mailto:${randomUUID()}@clients.example` });
const statement = (actor, more = {}) => new TinCan.Statement({
  actor,
  verb: { id: "http://adlnet.gov/expapi/verbs/answered", display: { "en-US": "answered" } },
  target: activity,
  result: { score: { raw: 5, min: 0, max: 10 }, success: true, duration: "PT1M5S" },
  ...more,
});

test("about", async () => {
  assert.deepEqual((await ask("about", {})).version, ["1.0.3", "2.0.0"]);
});

test("a statement, and by its id", async () => {
  const sent = statement(someone());
  await ask("saveStatement", sent, {});
  const read = await ask("retrieveStatement", sent.id, {});
  assert.equal(read.id, sent.id);
  assert.equal(read.actor.mbox, sent.actor.mbox);
  assert.equal(read.result.score.raw, 5);
});

test("a batch, filters and more", async () => {
  const agent = someone();
  const batch = [...Array(5)].map(() => statement(agent));
  await ask("saveStatements", batch, {});
  const params = {
    agent, verb: batch[0].verb, activity, related_agents: true, related_activities: true,
    since: "2020-01-01T00:00:00Z", until: "2120-01-01T00:00:00Z", format: "exact", ascending: true, limit: 2,
  };
  let page = await ask("queryStatements", { params });
  const found = [...page.statements];
  while (page.more) {
    page = await ask("moreStatements", { url: page.more });
    found.push(...page.statements);
  }
  assert.deepEqual(found.map((one) => one.id), batch.map((one) => one.id));
});

test("voiding", async () => {
  const sent = statement(someone());
  await ask("saveStatement", sent, {});
  const void_ = new TinCan.Statement({
    actor: sent.actor,
    verb: { id: "http://adlnet.gov/expapi/verbs/voided" },
    target: { objectType: "StatementRef", id: sent.id },
  });
  await ask("saveStatement", void_, {});
  await assert.rejects(ask("retrieveStatement", sent.id, {}), refused(404));
  assert.equal((await ask("retrieveVoidedStatement", sent.id, {})).id, sent.id);
});

const described = (content, contentType) => ({
  usageType: "https://clients.example/essay", display: { en: "Essay" }, contentType,
  length: content.byteLength, sha2: createHash("sha256").update(content).digest("hex"),
});
// A slice that is an ArrayBuffer of its own, as the library wants it.
const own = (buffer) => buffer.buffer.slice(buffer.byteOffset, buffer.byteOffset + buffer.byteLength);

test("attachments there and back", async () => {
  const content = Buffer.from("an essay\r\nof two lines: né, 日本");
  const attachment = new TinCan.Attachment({ ...described(content, "text/plain"), content: own(content) });
  const sent = statement(someone(), { attachments: [attachment] });
  await ask("saveStatement", sent, {});
  const read = await ask("retrieveStatement", sent.id, { params: { attachments: true } });
  assert.deepEqual(Buffer.from(read.attachments[0].content), content);
  const page = await ask("queryStatements", { params: { agent: sent.actor, attachments: true } });
  assert.deepEqual(Buffer.from(page.statements[0].attachments[0].content), content);
});

// In node the library sends text only (it decodes what it is given), but reads any bytes.
test("attachments of others, bytes of every value", async () => {
  const content = Buffer.from(Uint8Array.from({ length: 512 }, (_, at) => at % 256));
  const attachment = described(content, "application/octet-stream");
  const sent = statement(someone()).asVersion("1.0.2");
  const body = Buffer.concat([
    Buffer.from(`--x\r\nContent-Type: application/json\r\n\r\n${JSON.stringify({ ...sent, attachments: [attachment] })}`),
    Buffer.from(`\r\n--x\r\nContent-Type: application/octet-stream\r\nContent-Transfer-Encoding: binary\r\nX-Experience-API-Hash: ${attachment.sha2}\r\n\r\n`),
    content, Buffer.from("\r\n--x--\r\n"),
  ]);
  const answer = await fetch(`${endpoint}statements`, {
    method: "POST", body,
    headers: {
      Authorization: `Basic ${btoa(`${KEY}:${SECRET}`)}`, "X-Experience-API-Version": "1.0.2",
      "Content-Type": "multipart/mixed; boundary=x",
    },
  });
  assert.equal(answer.status, 200, await answer.clone().text());
  const read = await ask("retrieveStatement", sent.id, { params: { attachments: true } });
  assert.deepEqual(Buffer.from(read.attachments[0].content), content);
});

test("activities", async () => {
  await ask("saveStatement", statement(someone()), {});
  const read = await ask("retrieveActivity", activity.id, {});
  assert.equal(read.definition.name["en-US"], "TinCanJS");
});

test("state", async () => {
  const of = { agent: someone(), activity };
  const json = { ...of, contentType: "application/json" };
  await ask("saveState", "bookmark", { page: 1, kept: true }, json);
  await ask("saveState", "bookmark", { page: 2 }, { ...json, method: "POST" });
  const read = await ask("retrieveState", "bookmark", of);
  assert.deepEqual(read.contents, { page: 2, kept: true });
  assert.deepEqual(await ask("retrieveStateIds", of), ["bookmark"]);
  await assert.rejects(ask("saveState", "bookmark", {}, { ...json, lastSHA1: "0".repeat(40) }), refused(412));
  await ask("saveState", "bookmark", { page: 3 }, { ...json, lastSHA1: read.etag });
  await ask("dropState", "bookmark", of);
  assert.equal(await ask("retrieveState", "bookmark", of), null);
});

const profiles = { AgentProfile: () => ({ agent: someone() }), ActivityProfile: () => ({ activity: new TinCan.Activity({ id: `https://clients.example/${randomUUID()}` }) }) };
for (const [kind, holder] of Object.entries(profiles)) {
  test(`${kind} and its etag`, async () => {
    const of = holder();
    const json = { ...of, contentType: "application/json" };
    await ask(`save${kind}`, "preferences", { dark: true }, json);
    await assert.rejects(ask(`save${kind}`, "preferences", {}, json), refused(412));
    const read = await ask(`retrieve${kind}`, "preferences", of);
    assert.deepEqual(read.contents, { dark: true });
    await ask(`save${kind}`, "preferences", { dark: false }, { ...json, lastSHA1: read.etag });
    await assert.rejects(
      ask(`save${kind}`, "preferences", {}, { ...json, lastSHA1: read.etag }), refused(412));
    assert.deepEqual(await ask(`retrieve${kind}Ids`, of), ["preferences"]);
    await ask(`drop${kind}`, "preferences", of);
    assert.equal(await ask(`retrieve${kind}`, "preferences", of), null);
  });
}

test("a refusal says what is wrong", async () => {
  const wrong = statement(someone(), { result: { score: { scaled: 2 } } });
  await assert.rejects(ask("saveStatement", wrong, {}), (error) =>
    error.status === 400 && JSON.parse(error.body).pointer === "/result/score/scaled");
});
