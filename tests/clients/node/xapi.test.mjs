// @xapi/xapi as its users write it; it speaks 1.0.3. URL, KEY and SECRET come from the environment.
import assert from "node:assert/strict";
import { createHash, randomUUID } from "node:crypto";
import { test } from "node:test";
import XAPIModule from "@xapi/xapi";

const XAPI = XAPIModule.default ?? XAPIModule;
const { URL: endpoint, KEY, SECRET } = process.env;
const auth = XAPI.toBasicAuth(KEY, SECRET);

const ACTIVITY = "https://clients.example/xapi-js";
const someone = () => ({ objectType: "Agent", name: "Ada", mbox: `mailto:${randomUUID()}@clients.example` });
const statement = (actor, more = {}) => ({
  actor,
  verb: XAPI.Verbs.ANSWERED,
  object: {
    objectType: "Activity",
    id: ACTIVITY,
    definition: { name: { "en-US": "xAPI.js" }, type: "http://adlnet.gov/expapi/activities/lesson" },
  },
  result: { score: { scaled: 0.5 }, duration: XAPI.calculateISO8601Duration(new Date(0), new Date(65000)) },
  ...more,
});
// By fetch an error has the body for its message and no status; ours tells the rule or the words.
const body = (error) => error.response?.data ?? JSON.parse(error.message);
const refused = (status, words) => (error) => error.response ? error.response.status === status : words.test(body(error).error);

// The library does HTTP in two ways; browsers and node take either.
for (const adapter of ["fetch", "axios"]) {
  const lrs = new XAPI({ endpoint, auth, version: "1.0.3", adapter });

  test(`${adapter}: about`, async () => {
    const { data } = await lrs.getAbout();
    assert.deepEqual(data.version, ["1.0.3", "2.0.0"]);
  });

  test(`${adapter}: a statement, and by its id`, async () => {
    const actor = someone();
    const { data: ids } = await lrs.sendStatement({ statement: statement(actor) });
    const { data: read } = await lrs.getStatement({ statementId: ids[0] });
    assert.equal(read.id, ids[0]);
    assert.deepEqual(read.actor, actor);
    assert.equal(read.result.duration, "PT1M5S");
  });

  test(`${adapter}: a batch, filters and more`, async () => {
    const actor = someone();
    const registration = randomUUID();
    const batch = [...Array(5)].map(() => statement(actor, { context: { registration } }));
    const { data: ids } = await lrs.sendStatements({ statements: batch });
    let { data: page } = await lrs.getStatements({
      agent: actor, verb: XAPI.Verbs.ANSWERED.id, activity: ACTIVITY, registration,
      related_agents: true, related_activities: true, ascending: true, limit: 2,
      since: "2020-01-01T00:00:00.000Z", until: "2120-01-01T00:00:00.000Z", format: "canonical",
    });
    const found = [...page.statements];
    while (page.more) {
      ({ data: page } = await lrs.getMoreStatements({ more: page.more }));
      found.push(...page.statements);
    }
    assert.deepEqual(found.map((one) => one.id), ids);
  });

  test(`${adapter}: voiding`, async () => {
    const actor = someone();
    const { data: ids } = await lrs.sendStatements({ statements: [statement(actor), statement(actor)] });
    await lrs.voidStatements({ actor, statementIds: ids });
    await assert.rejects(lrs.getStatement({ statementId: ids[0] }), refused(404, /^no /));
    const { data: voided } = await lrs.getVoidedStatement({ voidedStatementId: ids[0] });
    assert.equal(voided.id, ids[0]);
  });

  test(`${adapter}: attachments there and back`, async () => {
    const content = "an essay\nof two lines";
    const sha2 = createHash("sha256").update(content).digest("hex");
    const attachments = [{
      usageType: XAPI.AttachmentUsages.SUPPORTING_MEDIA, display: { en: "Essay" },
      contentType: "text/plain", length: content.length, sha2,
    }];
    const bytes = new TextEncoder().encode(content).buffer;
    const sent = statement(someone(), { attachments });
    if (adapter === "axios") {
      // In node, axios sends its own type for the library's Blob and so hides the boundary.
      await assert.rejects(lrs.sendStatement({ statement: sent, attachments: [bytes] }), (error) =>
        body(error).pointer === "Content-Type" && body(error).rule === "media-type");
      return;
    }
    const { data: ids } = await lrs.sendStatement({ statement: sent, attachments: [bytes] });
    const { data: parts } = await lrs.getStatement({ statementId: ids[0], attachments: true });
    assert.equal(parts[0].id, ids[0]);
    assert.equal(parts[1], content);
  });

  test(`${adapter}: agents and activities`, async () => {
    const actor = someone();
    await lrs.sendStatement({ statement: statement(actor) });
    const { data: person } = await lrs.getAgent({ agent: actor });
    assert.deepEqual([person.objectType, person.name, person.mbox], ["Person", ["Ada"], [actor.mbox]]);
    const { data: activity } = await lrs.getActivity({ activityId: ACTIVITY });
    assert.equal(activity.definition.name["en-US"], "xAPI.js");
  });

  test(`${adapter}: state`, async () => {
    const agent = someone();
    const of = { agent, activityId: ACTIVITY };
    const one = { ...of, stateId: "bookmark" };
    await lrs.setState({ ...one, state: { page: 1, kept: true } });
    await lrs.createState({ ...one, state: { page: 2 } });
    const { data, headers } = await lrs.getState(one);
    assert.deepEqual(data, { page: 2, kept: true });
    assert.deepEqual((await lrs.getStates(of)).data, ["bookmark"]);
    await assert.rejects(
      lrs.setState({ ...one, state: {}, etag: '"other"', matchHeader: "If-Match" }), refused(412, /^If-/));
    await lrs.setState({ ...one, state: "text", contentType: "text/plain", etag: headers.etag, matchHeader: "If-Match" });
    assert.equal((await lrs.getState(one)).data, "text");
    await lrs.deleteState(one);
    await assert.rejects(lrs.getState(one), refused(404, /^no /));
    await lrs.setState({ ...one, registration: randomUUID(), state: { page: 1 } });
    await lrs.deleteStates(of);
    assert.deepEqual((await lrs.getStates(of)).data, []);
  });

  const profiles = {
    Agent: () => ({ agent: someone() }),
    Activity: () => ({ activityId: `https://clients.example/${randomUUID()}` }),
  };
  for (const [kind, holder] of Object.entries(profiles)) {
    test(`${adapter}: ${kind} profiles and their etags`, async () => {
      const of = holder();
      const one = { ...of, profileId: "preferences" };
      const [set, get] = [`set${kind}Profile`, `get${kind}Profile`];
      await lrs[set]({ ...one, profile: { dark: true }, etag: "*", matchHeader: "If-None-Match" });
      await assert.rejects(
        lrs[set]({ ...one, profile: {}, etag: "*", matchHeader: "If-None-Match" }), refused(412, /^If-/));
      await lrs[`create${kind}Profile`]({ ...one, profile: { large: true } });
      const { data, headers } = await lrs[get](one);
      assert.deepEqual(data, { dark: true, large: true });
      await lrs[set]({ ...one, profile: { dark: false }, etag: headers.etag, matchHeader: "If-Match" });
      await assert.rejects(
        lrs[set]({ ...one, profile: {}, etag: headers.etag, matchHeader: "If-Match" }), refused(412, /^If-/));
      assert.deepEqual((await lrs[`get${kind}Profiles`](of)).data, ["preferences"]);
      await lrs[`delete${kind}Profile`](one);
      await assert.rejects(lrs[get](one), refused(404, /^no /));
    });
  }

  test(`${adapter}: a refusal says what is wrong`, async () => {
    const wrong = statement(someone(), { result: { score: { scaled: 2 } } });
    await assert.rejects(lrs.sendStatement({ statement: wrong }), (error) =>
      body(error).pointer === "/result/score/scaled" && body(error).rule === "range");
  });
}
