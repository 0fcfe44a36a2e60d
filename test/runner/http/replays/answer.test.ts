import { describe, expect, test } from "vitest";
import { signalFields } from "../../../builders.ts";
import { decideAll, logAll, routeAll, skipAll } from "../../replay/route-in-process.ts";
import { useHttpApp } from "../http-fixture.ts";
import { FORCE } from "./replay-requests.ts";

const http = useHttpApp();

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
        symbol: "BTCUSDT",
        message: "SIGNAL_1_LONG",
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

  test("selects by arrival, both ends included, by id and by uid, in stream order", async () => {
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
    const selected = async (body: object): Promise<[string[], string[]]> => {
      const answer = await http.call("POST", "/replays", body);
      expect(answer.status).toBe(200);
      const signals = answer.body.signals as { entry_id: string }[];
      return [signals.map(({ entry_id }) => entry_id), answer.body.replay.not_found];
    };
    const time = new Date(at).toISOString();
    expect(await selected({ from: time, to: time })).toEqual([ids.slice(0, 2), []]);
    expect(await selected({ from: at / 1000, to: String(at + 5) })).toEqual([ids.slice(0, 3), []]);
    expect(await selected({ from: `${at}-3`, to: ids[3] })).toEqual([ids.slice(1), []]);
    expect(await selected({ from: ids[3] })).toEqual([[ids[3], `${at + 7}-0`], []]);
    expect(await selected({ ids: [ids[1], ids[0], "1-1", ids[0], `0${ids[2]}`] })).toEqual([
      ids.slice(0, 3),
      ["1-1"],
    ]);
    expect(await selected({ uids: ["u9", "u0", "unknown\0"] })).toEqual([
      [ids[0], ids[3], `${at + 7}-0`],
      ["unknown\uFFFD"],
    ]);
    expect(await selected({ from: "2020-01-01", to: "2020-01-02" })).toEqual([[], []]);
  });

  test("answers 200 with the problem when something was done before it stopped", async () => {
    await http.publishMany(200, (n) => signalFields({ uid: `u${n}` }));
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
