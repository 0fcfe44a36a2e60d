import { describe, expect, test } from "vitest";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const URL = "/functions/process-signals";

describe("an invalid call", () => {
  const valid = { id: "1-1", fields: { a: "b" } };

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
      "fields that are not texts",
      URL,
      { entries: [{ fields: { a: 1 } }] },
      { issues: [{ path: "entries.0.fields" }] },
    ],
    [
      "an invalid entry id",
      URL,
      { entries: [{ ...valid, id: "first" }] },
      { issues: [{ path: "entries.0.id" }] },
    ],
    ["a repeated id", URL, { entries: [valid, valid] }, { issues: [{ path: "entries.1.id" }] }],
    [
      "an invocation over entries without ids",
      URL,
      { invocation: "x", entries: [{ fields: { a: "b" } }] },
      { issues: [{ path: "entries.0.id" }] },
    ],
    [
      "the invocation `live`",
      URL,
      { invocation: "live", entries: [valid] },
      { issues: [{ path: "invocation" }] },
    ],
    [
      "an invocation with a colon",
      URL,
      { invocation: "a:b", entries: [valid] },
      { issues: [{ path: "invocation" }] },
    ],
    [
      "a stream it does not read",
      URL,
      { stream: "signal_results", entries: [valid] },
      { issues: [{ path: "stream" }] },
    ],
    ["an unknown option", `${URL}?dryrun=true`, { entries: [valid] }, { issues: [{ path: "" }] }],
    [
      "another value of dryRun",
      `${URL}?dryRun=maybe`,
      { entries: [valid] },
      { issues: [{ path: "dryRun" }] },
    ],
    ["entries for a job", "/functions/trim", { entries: [valid] }, { issues: [{ path: "entries" }] }],
  ])("is refused for %s, and nothing is done", async (_, path, body, problem) => {
    expect(await http.call("POST", path, body)).toMatchObject({
      status: 422,
      body: { code: "invalid_request", ...problem },
    });
    expect([await http.fieldsIn("signal_results"), await http.fieldsIn("strategy_input_stream")]).toEqual([
      [],
      [],
    ]);
  });

  test("for an unknown function names the existing ones", async () => {
    expect(await http.call("POST", "/functions/nothing", { entries: [valid] })).toMatchObject({
      status: 404,
      body: {
        code: "no_such_function",
        hint: "functions: process-signals, execute-strategies, persist-log; jobs: refresh-reference, reclaim, trim",
      },
    });
    expect((await http.call("POST", "/functions/trim/poll")).status).toBe(404);
  });
});
