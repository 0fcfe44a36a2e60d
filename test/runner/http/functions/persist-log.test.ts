import { describe, expect, test } from "vitest";
import { useHttpApp } from "../http-fixture.ts";
import { OUTCOME_FIELDS } from "../router-steps.ts";

const http = useHttpApp();

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

  test("writes them to the log as if they were read from the named stream", async () => {
    const entries = [{ fields: OUTCOME_FIELDS }];
    const results = await http.call("POST", "/functions/persist-log", { entries });
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

  test("makes an invalid record a dead letter, and answers it in order", async () => {
    const body = {
      stream: "system_events",
      entries: [{ fields: event("one") }, { fields: { no: "event" } }],
    };
    const answer = await http.call("POST", "/functions/persist-log", body);
    expect(answer.body.results).toMatchObject([
      { outcome: "applied" },
      { outcome: "applied", error: expect.stringContaining("invalid_record: not a record") },
    ]);
    const letters = await http.fieldsIn("dead_letters");
    expect(letters.map((letter) => [letter["function"], letter["entry_id"]])).toEqual([
      ["persist-log", answer.body.results[1].id],
    ]);
  });

  test("is unavailable while Postgres is, and begins no invocation", async () => {
    await http.services.database.close();
    const answer = await http.call("POST", "/functions/persist-log", { entries: [{ fields: event("x") }] });
    expect(answer).toMatchObject({
      status: 503,
      body: { code: "unavailable", detail: expect.stringMatching(/^postgres/) },
    });
    expect(await http.fieldsIn("signal_results")).toEqual([]);
  });
});
