import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { asRead, mixedReference, mixedSignal } from "../../../mixed-signals.ts";
import { everything } from "../../replay/replay-fixture.ts";
import { routeAll } from "../../replay/route-in-process.ts";
import { TOKEN, useHttpApp, type Answered } from "../http-fixture.ts";
import { ALL, LINES } from "./replay-requests.ts";

const http = useHttpApp();

const linesOf = ({ body }: Answered): Record<string, unknown>[] =>
  String(body)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);

describe("in lines", () => {
  test("come the signals, and the replay last, when requested or for more than 1,000", async () => {
    await http.publishMany(3, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(http.services);
    const requested = await http.call("POST", "/replays", ALL, LINES);
    expect(requested.headers.get("content-type")).toBe("application/x-ndjson");
    const whole = await http.call("POST", "/replays", ALL);
    expect(linesOf(requested)).toEqual([...whole.body.signals, { replay: whole.body.replay }]);

    await http.publishMany(998, () => ({ message: "x" }));
    const many = await http.call("POST", "/replays", ALL);
    expect(many.headers.get("content-type")).toBe("application/x-ndjson");
    expect(linesOf(many)).toHaveLength(1_002);
    const none = await http.call("POST", "/replays", { ids: ["1-1"] }, LINES);
    expect(linesOf(none)).toEqual([{ replay: expect.objectContaining({ not_found: ["1-1"] }) }]);
  });

  test("a dry run over 10,000 signals changes no key and no row, and on the logged snapshots nothing differs", async () => {
    const now = Date.now();
    await http.setReference(mixedReference());
    await http.publishMany(10_000, (n) => asRead(mixedSignal(n % 20 === 16 ? n + 1 : n, now)));
    await routeAll(http.services);
    const before = await everything(http);
    for (const snapshot of ["logged", "current"]) {
      const lines = linesOf(await http.call("POST", "/replays", { ...ALL, snapshot }));
      expect(lines).toHaveLength(10_001);
      expect(lines.at(-1)).toMatchObject({
        replay: { counts: { selected: 10_000, unchanged: 10_000, changed: 0 } },
      });
      for (const { decided, logged } of lines.slice(0, -1)) expect(decided).toEqual(logged);
    }
    expect(await everything(http)).toEqual(before);
  }, 120_000);

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
