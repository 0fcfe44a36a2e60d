import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { routeAll } from "../../replay/route-in-process.ts";
import { TOKEN, useHttpApp } from "../http-fixture.ts";
import { ALL, LINES, linesOf } from "./replay-requests.ts";

const http = useHttpApp();

describe("in lines", () => {
  test("come the signals, and the replay last, when requested or for more than 1,000", async () => {
    await http.publishMany(3, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(http.services);
    const requested = await http.call("POST", "/replays", ALL, LINES);
    expect(requested.headers.get("content-type")).toBe("application/x-ndjson");
    const whole = await http.call("POST", "/replays", ALL);
    // Each ends at its own moment.
    const replay = { ...whole.body.replay, range: { ...whole.body.replay.range, to: expect.any(String) } };
    expect(linesOf(requested)).toEqual([...whole.body.signals, { replay }]);

    await http.publishMany(998, () => ({ message: "x" }));
    const many = await http.call("POST", "/replays", ALL);
    expect(many.headers.get("content-type")).toBe("application/x-ndjson");
    expect(linesOf(many)).toHaveLength(1_002);
    const none = await http.call("POST", "/replays", { ids: ["1-1"] }, LINES);
    expect(linesOf(none)).toEqual([{ replay: expect.objectContaining({ not_found: ["1-1"] }) }]);
  });

  test("an error in the middle is the last line", async () => {
    await http.publishMany(200, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(http.services);
    const answer = await http.app.request("/replays", {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...LINES },
      body: JSON.stringify(ALL),
    });
    await http.sql("ALTER TABLE signal_log RENAME TO renamed");
    const lines = linesOf({ status: 200, headers: answer.headers, body: await answer.text() });
    expect(lines).toHaveLength(129);
    expect(lines.at(-1)).toEqual({
      problem: expect.objectContaining({
        status: 503,
        code: "postgres_unavailable",
        request_id: expect.any(String),
      }),
    });
  });
});
