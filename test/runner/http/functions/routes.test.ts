import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { entriesIn, fieldsIn } from "../../../servers/redis-contents.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const URL = "/functions/process-signals";
const UNITS = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT" };

const signal = (uid: string) => signalFields({ uid });
const tasks = async () => fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream"));
const published = async () => fieldsIn(http.services.redis, http.services.keys.stream("signal_results"));
const dedup = async (uid: string) => http.services.redis.get(http.services.keys.dedup(uid));

describe("process-signals on posted entries", () => {
  test("decides and commits them, and answers each with the record that was made", async () => {
    const entries = [
      { fields: signal("a") },
      { fields: { ...UNITS, message: "HELLO" } },
      { fields: signal("a") },
    ];
    const { status, body } = await http.call("POST", URL, { entries, by: "ann", reason: "a test" });
    expect(status).toBe(200);
    const [first, second, third] = body.results;
    expect(first).toMatchObject({
      status: "committed",
      outcome: "applied",
      decision: { status: "dispatched" },
    });
    expect(second).toMatchObject({
      outcome: "applied",
      decision: { status: "rejected", reason: "missing_field" },
    });
    expect(third).toMatchObject({
      outcome: "duplicate",
      decision: { status: "duplicate", duplicate_of: first.id, raw: signal("a") },
    });
    expect(await tasks()).toMatchObject([{ entry_id: first.id, log_uid: "a", invocation: body.invocation }]);
    const records = (await published()).filter(({ kind }) => kind === "signal");
    expect(
      records.map(({ entry_id, invocation, data }) => [entry_id, invocation, JSON.parse(data ?? "")]),
    ).toEqual(
      body.results.map((result: { id: string; decision: unknown }) => [
        result.id,
        body.invocation,
        result.decision,
      ]),
    );
    expect(await http.services.redis.exists(http.services.keys.stream("signals_stream"))).toBe(0);
  });

  test("is an invocation of its own, recorded with who, why and what came of it", async () => {
    const entries = [{ fields: signal("a") }, { fields: signal("a") }, { fields: { x: "y" } }];
    const { body } = await http.call("POST", URL, { entries, by: "ann", reason: "a test" });
    await http.call("POST", "/functions/persist-log/poll");
    expect(await http.sql("SELECT * FROM invocations WHERE finished_at >= started_at")).toMatchObject([
      {
        id: body.invocation,
        kind: "manual",
        requested_by: "ann",
        reason: "a test",
        selection: {
          function: "process-signals",
          stream: "signals_stream",
          entries: body.results.map(({ id }: { id: string }) => id),
        },
        counts: { applied: 2, duplicate: 1, held: 0, fenced: 0, dead: 0, left: 0 },
      },
    ]);
    expect(await http.sql("SELECT DISTINCT invocation FROM signal_log")).toEqual([
      { invocation: body.invocation },
    ]);
  });

  test("gives entries without an id one of Redis' clock, around the ids that are taken", async () => {
    const [seconds] = await http.services.redis.time();
    const { body } = await http.call("POST", URL, {
      entries: [{ fields: signal("a") }, { fields: signal("b") }],
    });
    const [first, second] = body.results.map(({ id }: { id: string }) => id.split("-"));
    expect(Math.abs(Number(first[0]) - Number(seconds) * 1_000)).toBeLessThan(60_000);
    expect([first[1], second]).toEqual(["0", [first[0], "1"]]);
  });

  test("keeps a given id, and the age that follows from it", async () => {
    const { body } = await http.call("POST", URL, {
      entries: [{ id: "1700000000000-3", fields: signal("a") }],
    });
    expect(body.results).toMatchObject([
      { id: "1700000000000-3", decision: { status: "ignored", reason: "stale" } },
    ]);
  });

  test("keeps a field of any name as it is", async () => {
    const fields = `{"__proto__":"kept","constructor":"too","":"as well"}`;
    const response = await http.app.request(URL, {
      method: "POST",
      headers: { authorization: "Bearer a-token-for-tests", "content-type": "application/json" },
      body: `{"entries":[{"fields":${fields}}]}`,
    });
    expect(response.status).toBe(200);
    const [record] = (await published()).filter(({ kind }) => kind === "signal");
    expect(JSON.stringify(JSON.parse(record?.["data"] ?? "").raw)).toBe(fields);
  });

  test("says so when a strategy is paused, and changes nothing when the snapshot is not there", async () => {
    await http.call("POST", "/pause", {});
    const { body } = await http.call("POST", URL, { entries: [{ fields: signal("a") }] });
    expect(body.results).toMatchObject([{ decision: { status: "ignored", reason: "paused" } }]);
    const before = await published();
    await http.services.redis.del(http.services.keys.referenceCurrent);
    const answer = await http.call("POST", URL, { entries: [{ fields: signal("b") }] });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringContaining("no reference snapshot") },
    });
    expect(await published()).toEqual(before);
  });
});

describe("a repeated call", () => {
  const entries = ["a", "b"].map((uid) => ({ id: idNow(uid), fields: signal(uid) }));

  test("with the same invocation does nothing twice, and does what the first one did not", async () => {
    const first = await http.call("POST", URL, { invocation: "run-1", entries: entries.slice(0, 1) });
    const second = await http.call("POST", URL, { invocation: "run-1", entries });
    expect([first.status, second.status]).toEqual([200, 200]);
    expect(second.body.invocation).toBe("run-1");
    expect(second.body.results).toMatchObject([
      { id: entries[0]?.id, status: "committed", outcome: "fenced" },
      { id: entries[1]?.id, status: "committed", outcome: "applied" },
    ]);
    expect(second.body.results[0]).not.toHaveProperty("decision");
    expect((await tasks()).map(({ log_uid }) => log_uid)).toEqual(["a", "b"]);
    await http.call("POST", "/functions/persist-log/poll");
    expect(await http.sql("SELECT id, counts->'applied' AS applied FROM invocations")).toEqual([
      { id: "run-1", applied: 1 },
    ]);
  });

  test("with another invocation trades nothing twice either", async () => {
    await http.call("POST", URL, { invocation: "run-1", entries });
    const { body } = await http.call("POST", URL, { invocation: "run-2", entries });
    expect(body.results).toMatchObject([{ outcome: "held" }, { outcome: "held" }]);
    const other = await http.call("POST", URL, { entries: entries.map(({ fields }) => ({ fields })) });
    expect(other.body.results).toMatchObject([
      { outcome: "duplicate", decision: { duplicate_of: entries[0]?.id } },
      { outcome: "duplicate", decision: { duplicate_of: entries[1]?.id } },
    ]);
    expect(await tasks()).toHaveLength(2);
  });

  test("twice at a time commits each entry once", async () => {
    const call = async () => http.call("POST", URL, { invocation: "run-1", entries });
    const answers = await Promise.all([call(), call(), call()]);
    const outcomes = answers.flatMap(({ body }) =>
      body.results.map(({ outcome }: { outcome: string }) => outcome),
    );
    expect(outcomes.filter((outcome) => outcome === "applied")).toHaveLength(2);
    expect(outcomes.filter((outcome) => outcome === "fenced")).toHaveLength(4);
    expect(await dedup("a")).toBe(entries[0]?.id);
    expect(await tasks()).toHaveLength(2);
  });
});

/** An id whose time is now, as far as ages matter. */
function idNow(uid: string): string {
  return `${Date.now()}-${uid.charCodeAt(0)}`;
}

describe("persist-log on posted entries", () => {
  const event = (message: string) => ({
    event_id: "0b5f0f0e-1111-4222-8333-444455556666",
    at: "2026-01-01T00:00:00Z",
    level: "INFO",
    source: "test",
    message,
    details: "{}",
    action_flag: "false",
  });

  test("writes them to the log as if they were read from the stream it is told", async () => {
    const outcome = {
      strategy_id: 10,
      status: "executed",
      reason: null,
      detail: {},
      attempt: 1,
      duration_ms: 1,
      at: "2026-01-01T00:00:00Z",
    };
    const fields = { kind: "outcome", entry_id: "17-0", invocation: "live", data: JSON.stringify(outcome) };
    const results = await http.call("POST", "/functions/persist-log", { entries: [{ fields }] });
    expect(results.body.results).toEqual([
      { id: expect.any(String), status: "committed", outcome: "applied" },
    ]);
    const body = { stream: "system_events", entries: [{ fields: event("hello") }] };
    expect((await http.call("POST", "/functions/persist-log", body)).status).toBe(200);
    expect(await http.sql("SELECT entry_id, strategy_id, status FROM signal_log_entries")).toEqual([
      { entry_id: "17-0", strategy_id: 10, status: "executed" },
    ]);
    expect(await http.sql("SELECT message FROM system_log WHERE source = 'test'")).toEqual([
      { message: "hello" },
    ]);
  });

  test("makes what is no record a dead letter, in its place among the answers", async () => {
    const body = {
      stream: "system_events",
      entries: [{ fields: event("one") }, { fields: { no: "event" } }],
    };
    const answer = await http.call("POST", "/functions/persist-log", body);
    expect(answer.body.results).toMatchObject([
      { outcome: "applied" },
      { outcome: "applied", error: expect.stringContaining("invalid_record: not a record") },
    ]);
    const letters = await entriesIn(http.services.redis, http.services.keys.stream("dead_letters"));
    expect(letters.map(({ fields }) => [fields["function"], fields["entry_id"]])).toEqual([
      ["persist-log", answer.body.results[1].id],
    ]);
  });

  test("is not available while Postgres is not, and begins no invocation", async () => {
    await http.services.database.close();
    const answer = await http.call("POST", "/functions/persist-log", { entries: [{ fields: event("x") }] });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringMatching(/^postgres/) },
    });
    expect(await published()).toEqual([]);
  });
});

describe("a call that is not what is expected", () => {
  const fine = { id: "1-1", fields: { a: "b" } };

  test.each<[string, string, unknown, object]>([
    ["no entries", URL, {}, { issues: [{ path: "entries" }] }],
    ["an empty list", URL, { entries: [] }, { issues: [{ path: "entries" }] }],
    [
      "more than 1,000",
      URL,
      { entries: Array.from({ length: 1_001 }, () => ({ fields: { a: "b" } })) },
      { issues: [{ path: "entries" }] },
    ],
    ["no fields", URL, { entries: [{ fields: {} }] }, { issues: [{ path: "entries.0.fields" }] }],
    [
      "fields that are no texts",
      URL,
      { entries: [{ fields: { a: 1 } }] },
      { issues: [{ path: "entries.0.fields" }] },
    ],
    ["no entry id", URL, { entries: [{ ...fine, id: "first" }] }, { issues: [{ path: "entries.0.id" }] }],
    ["an id twice", URL, { entries: [fine, fine] }, { issues: [{ path: "entries.1.id" }] }],
    [
      "an invocation over entries without ids",
      URL,
      { invocation: "x", entries: [{ fields: { a: "b" } }] },
      { issues: [{ path: "entries.0.id" }] },
    ],
    [
      "the invocation `live`",
      URL,
      { invocation: "live", entries: [fine] },
      { issues: [{ path: "invocation" }] },
    ],
    [
      "an invocation with a colon",
      URL,
      { invocation: "a:b", entries: [fine] },
      { issues: [{ path: "invocation" }] },
    ],
    [
      "a stream it does not read",
      URL,
      { stream: "signal_results", entries: [fine] },
      { issues: [{ path: "stream" }] },
    ],
    ["an unknown option", `${URL}?dryrun=true`, { entries: [fine] }, { issues: [{ path: "" }] }],
    ["a dry run of maybe", `${URL}?dryRun=maybe`, { entries: [fine] }, { issues: [{ path: "dryRun" }] }],
    ["entries for a job", "/functions/trim", { entries: [fine] }, { issues: [{ path: "entries" }] }],
  ])("is refused for %s, and nothing is done", async (_, path, body, problem) => {
    expect(await http.call("POST", path, body)).toMatchObject({
      status: 422,
      body: { code: "invalid_request", ...problem },
    });
    expect([await published(), await tasks()]).toEqual([[], []]);
  });

  test("for a function that does not exist names those that do", async () => {
    expect(await http.call("POST", "/functions/nothing", { entries: [fine] })).toMatchObject({
      status: 404,
      body: {
        code: "no_such_function",
        hint: "functions: process-signals, execute-strategies, persist-log; jobs: refresh-reference, reclaim, trim",
      },
    });
    expect((await http.call("POST", "/functions/trim/poll")).status).toBe(404);
  });
});

test("the routes are described for openapi.json", () => {
  const { paths } = http.app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "t", version: "1" } });
  expect(Object.keys(paths ?? {})).toEqual(
    expect.arrayContaining(["/functions/{name}", "/functions/{name}/poll", "/tick"]),
  );
});
