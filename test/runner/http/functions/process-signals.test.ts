import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const URL = "/functions/process-signals";
const UNITS = { message: "SIGNAL_1_LONG", symbol: "BTCUSDT" };

const signal = (uid: string) => signalFields({ uid });

describe("process-signals on posted entries", () => {
  test("decides and commits them, and answers each with the record that was written", async () => {
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
    expect(await http.fieldsIn("strategy_input_stream")).toMatchObject([
      { entry_id: first.id, log_uid: "a", invocation: body.invocation },
    ]);
    const records = (await http.fieldsIn("signal_results")).filter(({ kind }) => kind === "signal");
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

  test("is an invocation of its own, recorded with requester, reason and result", async () => {
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

  test("makes ids from Redis' clock for entries without one", async () => {
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
    const [record] = (await http.fieldsIn("signal_results")).filter(({ kind }) => kind === "signal");
    expect(JSON.stringify(JSON.parse(record?.["data"] ?? "").raw)).toBe(fields);
  });

  test("reports that a strategy is paused, and changes nothing without a snapshot", async () => {
    await http.call("POST", "/pause", {});
    const { body } = await http.call("POST", URL, { entries: [{ fields: signal("a") }] });
    expect(body.results).toMatchObject([{ decision: { status: "ignored", reason: "paused" } }]);
    const before = await http.fieldsIn("signal_results");
    await http.services.redis.del(http.services.keys.referenceCurrent);
    const answer = await http.call("POST", URL, { entries: [{ fields: signal("b") }] });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringContaining("no reference snapshot") },
    });
    expect(await http.fieldsIn("signal_results")).toEqual(before);
  });
});
