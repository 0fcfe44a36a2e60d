import { describe, expect, test } from "vitest";
import { useHttpApp } from "../http-fixture.ts";

const http = useHttpApp();
const URL = "/functions/process-signals";

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
    expect([await http.fieldsIn("signal_results"), await http.fieldsIn("strategy_input_stream")]).toEqual([
      [],
      [],
    ]);
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
