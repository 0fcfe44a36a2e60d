import { once } from "node:events";
import { request, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { serve } from "@hono/node-server";
import { describe, expect, test, vi } from "vitest";
import { signalFields } from "../../../builders.ts";
import { asRead, mixedReference, mixedSignal } from "../../../mixed-signals.ts";
import { fieldsIn } from "../../../servers/redis-contents.ts";
import { everything } from "../../replay/replay-fixture.ts";
import { decideAll, logAll, routeAll, skipAll } from "../../replay/route-in-process.ts";
import { TOKEN, useHttpApp, type Answered } from "../http-fixture.ts";

const http = useHttpApp();

const LINES = { accept: "application/x-ndjson" };
const ALL = { from: 100_000_000 };
const FORCE = { ...ALL, mode: "force", by: "ann", reason: "the broker lost them" };

const REFUSED: readonly [body: object, messages: readonly string[]][] = [
  [{}, ["expected exactly one of"]],
  [{ from: 1_700_000_000, ids: ["1-1"] }, ["expected exactly one of"]],
  [{ to: "2026-01-01" }, ["expected beside `to`"]],
  [{ from: "soon", to: -1 }, ["expected an entry id", "expected an entry id"]],
  [{ from: "2026-01-02", to: "2026-01-01" }, ["not to be before"]],
  [{ ids: [] }, ["Too small"]],
  [{ ids: ["1"] }, ["expected an entry id such as"]],
  [{ ids: Array<string>(10_001).fill("1-1") }, ["Too big"]],
  [{ uids: [""] }, ["Too small"]],
  [{ ids: ["1-1"], mode: "again" }, ["Invalid option"]],
  [{ ids: ["1-1"], mode: "missing", snapshot: "logged" }, ["only a dry run takes it"]],
  [{ ids: ["1-1"], mode: "force" }, ["required for `force`", "required for `force`"]],
  [{ ids: ["1-1"], invocation: "mine" }, ["Unrecognized key"]],
];

const linesOf = ({ body }: Answered): Record<string, unknown>[] =>
  String(body)
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as Record<string, unknown>);
const tasks = async () => fieldsIn(http.services.redis, http.services.keys.stream("strategy_input_stream"));

/** Publishes many signals at once. */
async function publishAll(count: number, fieldsOf: (n: number) => Readonly<Record<string, string>>) {
  const { redis, keys } = http.services;
  for (let n = 0; n < count;) {
    const pipeline = redis.pipeline();
    for (const until = Math.min(count, n + 500); n < until; n += 1)
      pipeline.xadd(keys.stream("signals_stream"), "*", ...Object.entries(fieldsOf(n)).flat());
    await pipeline.exec();
  }
}

describe("POST /replays", () => {
  test("answers each signal with both decisions and the difference", async () => {
    const id = await http.publish(signalFields({ uid: "a" }));
    await routeAll(http.services);
    await http.sql("UPDATE strategies SET allow_open = false");
    await http.services.refresh();
    const { status, body } = await http.call("POST", "/replays", { uids: [" a "] });
    expect(status).toBe(200);
    const [logged] = await http.sql(
      "SELECT snapshot, (extract(epoch FROM decided_at) * 1000)::float AS ms FROM signal_log",
    );
    const was = { status: "dispatched", reason: null };
    const decision = {
      decided_at: new Date(Number(logged?.["ms"])).toISOString(),
      duplicate_of: null,
    };
    const strategy = { strategy_id: 10, strategy: "strategy 10" };
    expect(body.signals).toEqual([
      {
        entry_id: id,
        uid: "a",
        source: "stream",
        logged: {
          ...decision,
          ...was,
          detail: {},
          snapshot: logged?.["snapshot"],
          outcomes: [{ ...strategy, ...was, detail: {} }],
        },
        decided: {
          ...decision,
          status: "ignored",
          reason: "no_eligible_strategy",
          detail: { strategies: { open_not_allowed: 1 } },
          snapshot: await http.services.referenceStore.currentVersion(),
          outcomes: [{ ...strategy, status: "ignored", reason: "open_not_allowed", detail: {} }],
        },
        difference: {
          signal: { was, now: { status: "ignored", reason: "no_eligible_strategy" } },
          strategies: [{ ...strategy, was, now: { status: "ignored", reason: "open_not_allowed" } }],
        },
      },
    ]);
    expect(body.replay).toMatchObject({
      mode: "dry-run",
      snapshot: "current",
      invocation: null,
      counts: { selected: 1, changed: 1, ignored: 1 },
      not_found: [],
    });
  });

  test("chooses by arrival, both ends included, by id and by uid, in stream order", async () => {
    const { redis, keys } = http.services;
    const at = 1_700_000_000_000;
    const ids = [`${at}-2`, `${at}-10`, `${at + 5}-0`, `${at + 6}-0`];
    for (const [n, id] of ids.entries())
      await redis.xadd(
        keys.stream("signals_stream"),
        id,
        ...Object.entries(signalFields({ uid: `u${n % 3}` })).flat(),
      );
    await decideAll(http.services);
    await redis.xadd(
      keys.stream("signals_stream"),
      `${at + 7}-0`,
      ...Object.entries(signalFields({ uid: "u9" })).flat(),
    );
    await logAll(http.services);
    await redis.xtrim(keys.stream("signals_stream"), "MINID", ids[2] ?? "");
    const chosen = async (body: object): Promise<[string[], string[]]> => {
      const answer = await http.call("POST", "/replays", body);
      expect(answer.status).toBe(200);
      const signals = answer.body.signals as { entry_id: string }[];
      return [signals.map(({ entry_id }) => entry_id), answer.body.replay.not_found];
    };
    const time = new Date(at).toISOString();
    expect(await chosen({ from: time, to: time })).toEqual([ids.slice(0, 2), []]);
    expect(await chosen({ from: at / 1000, to: String(at + 5) })).toEqual([ids.slice(0, 3), []]);
    expect(await chosen({ from: `${at}-3`, to: ids[3] })).toEqual([ids.slice(1), []]);
    expect(await chosen({ from: ids[3] })).toEqual([[ids[3], `${at + 7}-0`], []]);
    expect(await chosen({ ids: [ids[1], ids[0], "1-1", ids[0], `0${ids[2]}`] })).toEqual([
      ids.slice(0, 3),
      ["1-1"],
    ]);
    expect(await chosen({ uids: ["u9", "u0", "nobody\0"] })).toEqual([
      [ids[0], ids[3], `${at + 7}-0`],
      ["nobody\uFFFD"],
    ]);
    expect(await chosen({ from: "2020-01-01", to: "2020-01-02" })).toEqual([[], []]);
  });

  test("refuses what cannot be done, with every fault, and does nothing", async () => {
    await http.publish(signalFields());
    const before = await everything(http);
    for (const [body, messages] of REFUSED) {
      const answer = await http.call("POST", "/replays", body);
      expect(answer).toMatchObject({ status: 422, body: { code: "invalid_request" } });
      const said = (answer.body.issues as { message: string }[]).map(({ message }) => message);
      expect(said).toEqual(messages.map((message) => expect.stringContaining(message)));
    }
    expect(await everything(http)).toEqual(before);
  });

  test("is described in the document of all routes", () => {
    const document = http.app.getOpenAPI31Document({ openapi: "3.1.0", info: { title: "t", version: "1" } });
    const { post } = document.paths?.["/replays"] ?? {};
    expect(Object.keys(post?.responses?.["200"]?.content ?? {})).toEqual([
      "application/json",
      "application/x-ndjson",
    ]);
    expect(document.components?.schemas?.["ReplayRequest"]).toMatchObject({
      additionalProperties: false,
      properties: {
        from: { anyOf: [{ type: "string" }, { type: "number" }] },
        ids: { type: "array", maxItems: 10_000 },
        mode: { enum: ["dry-run", "missing", "force"], default: "dry-run" },
      },
    });
  });

  test("refuses an unknown version", async () => {
    const answer = await http.call("POST", "/replays", { ...ALL, snapshot: "0123456789abcdef" });
    expect(answer).toMatchObject({
      status: 422,
      body: { code: "unknown_snapshot", hint: expect.any(String) },
    });
  });

  test("answers 409, and what to do, while what is missing cannot be known", async () => {
    await http.publish(signalFields());
    const noGroup = await http.call("POST", "/replays", { ...ALL, mode: "missing" });
    expect(noGroup).toMatchObject({ status: 409, body: { code: "no_group" } });
    expect(noGroup.body.hint).toContain("groups create signal_processor");
    await decideAll(http.services);
    const behind = await http.call("POST", "/replays", { ...ALL, mode: "missing" });
    expect(behind).toMatchObject({ status: 409, body: { code: "log_behind" } });
  });

  test("answers 409 to a forced one before the first tick, which then dispatches what was chosen once", async () => {
    const id = await http.publish(signalFields({ uid: "a" }));
    const forced = { ids: [id], mode: "force", by: "ann", reason: "it is not there" };
    expect(await http.call("POST", "/replays", forced)).toMatchObject({
      status: 409,
      body: {
        code: "no_group",
        detail: expect.stringContaining(`entry ${id} may still be decided`),
        hint: expect.stringContaining("call POST /tick"),
      },
    });
    expect(await tasks()).toEqual([]);
    expect(await http.call("POST", "/tick")).toMatchObject({ status: 200 });
    expect(await tasks()).toMatchObject([{ entry_id: id, invocation: "live" }]);
  });

  test("answers 503 while Postgres, or the snapshot to decide on, is away", async () => {
    await http.publish(signalFields());
    await skipAll(http.services);
    await http.services.redis.del(http.services.keys.referenceCurrent);
    http.services.routing.invalidate();
    const forced = await http.call("POST", "/replays", FORCE);
    expect(forced).toMatchObject({
      status: 503,
      body: { detail: expect.stringContaining("snapshot is not available") },
    });
    expect(await tasks()).toEqual([]);
    await http.sql("ALTER TABLE signal_log RENAME TO away");
    for (const mode of ["missing", "dry-run"]) {
      const answer = await http.call("POST", "/replays", {
        ...ALL,
        mode,
        snapshot: mode === "missing" ? "current" : "logged",
      });
      expect(answer).toMatchObject({ status: 503, body: { code: "postgres_unavailable" } });
    }
  });

  test("answers 200 with the problem when something was done before it was stopped", async () => {
    await publishAll(200, (n) => signalFields({ uid: `u${n}` }));
    await skipAll(http.services);
    const { redis, keys, routing } = http.services;
    const { commit } = http.services;
    Object.assign(http.services, {
      commit: async (...args: Parameters<typeof commit>) => {
        const parts = await commit(...args);
        await redis.del(keys.referenceCurrent);
        routing.invalidate();
        return parts;
      },
    });
    const { status, body } = await http.call("POST", "/replays", FORCE);
    expect(status).toBe(200);
    expect(body.problem).toMatchObject({ status: 503, code: "unavailable", request_id: expect.any(String) });
    expect(body.replay.counts).toMatchObject({ selected: 200, dispatched: 128, left: 72 });
    expect(body.signals).toHaveLength(200);
  });
});

describe("in lines", () => {
  test("comes a signal each, and the replay last, when it is asked for or there are more than 1,000", async () => {
    await publishAll(3, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(http.services);
    const asked = await http.call("POST", "/replays", ALL, LINES);
    expect(asked.headers.get("content-type")).toBe("application/x-ndjson");
    const whole = await http.call("POST", "/replays", ALL);
    expect(linesOf(asked)).toEqual([...whole.body.signals, { replay: whole.body.replay }]);

    await publishAll(998, () => ({ message: "x" }));
    const many = await http.call("POST", "/replays", ALL);
    expect(many.headers.get("content-type")).toBe("application/x-ndjson");
    expect(linesOf(many)).toHaveLength(1_002);
    const none = await http.call("POST", "/replays", { ids: ["1-1"] }, LINES);
    expect(linesOf(none)).toEqual([{ replay: expect.objectContaining({ not_found: ["1-1"] }) }]);
  });

  test("a dry run over 10,000 signals changes no key and no row, and on the logged snapshots nothing differs", async () => {
    const now = Date.now();
    await http.setReference(mixedReference());
    await publishAll(10_000, (n) => asRead(mixedSignal(n % 20 === 16 ? n + 1 : n, now)));
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

  test("an error in their middle is the last line", async () => {
    await publishAll(200, (n) => signalFields({ uid: `u${n}` }));
    await routeAll(http.services);
    const answer = await http.app.request("/replays", {
      method: "POST",
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...LINES },
      body: JSON.stringify(ALL),
    });
    await http.sql("ALTER TABLE signal_log RENAME TO away");
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

describe("a client that goes away", () => {
  /** Asks over a real connection, and gives the answer when its head has come. */
  async function asked(body: object): Promise<{ answer: IncomingMessage; close: () => Promise<void> }> {
    const server = serve({ fetch: http.app.fetch, port: 0, hostname: "127.0.0.1" });
    await once(server, "listening");
    const { port } = server.address() as AddressInfo;
    const headers = { authorization: `Bearer ${TOKEN}`, "content-type": "application/json", ...LINES };
    const asking = request({ port, path: "/replays", method: "POST", headers });
    asking.end(JSON.stringify(body));
    const [answer] = (await once(asking, "response")) as [IncomingMessage];
    return {
      answer,
      close: async () => {
        server.close();
        await once(server, "close");
      },
    };
  }
  const ends = async () => {
    const results = await fieldsIn(http.services.redis, http.services.keys.stream("signal_results"));
    return results
      .filter(({ kind }) => kind === "invocation")
      .map(
        ({ data = "" }) =>
          JSON.parse(data) as { finished_at: string | null; counts: Record<string, number> | null },
      )
      .filter(({ finished_at }) => finished_at !== null);
  };

  test("stops a writing replay after the batch in hand, and its end is recorded", async () => {
    // Large enough not to fit into the buffers on the way.
    const note = "x".repeat(8_000);
    await http.sql(
      "INSERT INTO strategies (id, name) SELECT n, repeat('long name ', 400) || n FROM generate_series(100, 104) n",
    );
    await http.sql("INSERT INTO strategy_signals SELECT n, 1 FROM generate_series(100, 104) n");
    await http.services.refresh();
    await publishAll(5_000, (n) => signalFields({ uid: `u${n}`, note }));
    await skipAll(http.services);
    const { answer, close } = await asked(FORCE);
    await once(answer, "readable");
    answer.destroy();
    await vi.waitFor(async () => expect(await ends()).toHaveLength(1), { timeout: 20_000 });
    const [{ counts } = { counts: null }] = await ends();
    expect(counts).toMatchObject({ selected: 5_000 });
    expect(counts?.["left"]).toBeGreaterThan(0);
    expect(await tasks()).toHaveLength(6 * Number(counts?.["dispatched"]));
    expect(Number(counts?.["dispatched"]) + Number(counts?.["left"])).toBe(5_000);
    await close();
  }, 60_000);

  test("ends also what would have been answered in one piece", async () => {
    await publishAll(400, (n) => signalFields({ uid: `u${n}` }));
    await skipAll(http.services);
    const gone = new AbortController();
    const { commit } = http.services;
    Object.assign(http.services, {
      commit: async (...args: Parameters<typeof commit>) => {
        gone.abort();
        return commit(...args);
      },
    });
    await http.app.request("/replays", {
      method: "POST",
      signal: gone.signal,
      headers: { authorization: `Bearer ${TOKEN}`, "content-type": "application/json" },
      body: JSON.stringify(FORCE),
    });
    expect(await ends()).toMatchObject([{ counts: { dispatched: 128, left: 272 } }]);
    expect(await tasks()).toHaveLength(128);
  });
});
