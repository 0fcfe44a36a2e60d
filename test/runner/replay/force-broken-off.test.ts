import { describe, expect, test } from "vitest";
import { prepareReplay } from "../../../runner/replay/replay.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { referenceRows, rowsWithStrategies, strategyRow } from "../../builders.ts";
import { FORCE, uidsOfBatches, WHOLE, useForcedReplays } from "./force-fixture.ts";
import { replay, servicesBeside } from "./replay-fixture.ts";
import { skipAll } from "./route-in-process.ts";

const { http, tasks, add, recordedRuns } = useForcedReplays();

describe("a forced replay that is broken off", () => {
  test("by whoever asked stops after the batch in hand, and its end is recorded", async () => {
    await add(...uidsOfBatches(300));
    await skipAll(http.services);
    const prepared = await prepareReplay(WHOLE, http.services);
    for await (const batch of prepared.run()) {
      expect(batch).toHaveLength(128);
      break;
    }
    expect(await tasks()).toHaveLength(128);
    expect(prepared.summary().counts).toMatchObject({ selected: 300, dispatched: 128, left: 172 });
    expect(await recordedRuns()).toMatchObject([
      { finished_at: expect.any(Date), counts: { dispatched: 128, left: 172 } },
    ]);
  });

  test("by a snapshot that is gone says what was done, what is left, and why", async () => {
    await add(...uidsOfBatches(300));
    await skipAll(http.services);
    const { redis, keys, routing } = http.services;
    const prepared = await prepareReplay(WHOLE, http.services);
    const seen: string[] = [];
    for await (const batch of prepared.run()) {
      seen.push(...batch.map(({ outcome }) => String(outcome)));
      await redis.del(keys.referenceCurrent);
      routing.invalidate();
    }
    expect(seen).toEqual([...Array<string>(128).fill("applied"), ...Array<string>(128).fill("left")]);
    expect(prepared.failure()?.message).toMatch(/^snapshot is not available/);
    expect(prepared.summary().counts).toMatchObject({ dispatched: 128, left: 172 });
    expect(await tasks()).toHaveLength(128);
    expect(await recordedRuns()).toMatchObject([{ finished_at: expect.any(Date), counts: { left: 172 } }]);
  });

  test("knows what was committed of the batch that could not be finished", async () => {
    await http.setReference(rowsWithStrategies(Array.from({ length: 100 }, (_, n) => strategyRow(n + 1))));
    await add(...uidsOfBatches(30));
    await skipAll(http.services);
    const { redis, keys } = http.services;
    let calls = 0;
    const services: Services = {
      ...http.services,
      // Another reference after the first call of a commit: the rest is refused, and then there is none.
      commit: async (items, options) => {
        const parts = [];
        for (let from = 0; from < items.length; from += 10) {
          parts.push(...(await http.services.commit(items.slice(from, from + 10), options)));
          calls += 1;
          if (calls === 1) await redis.set(keys.referenceCurrent, "none");
        }
        return parts;
      },
    };
    const { signals, replay: summary, failure } = await replay(services, FORCE);
    expect(signals.map(({ outcome }) => outcome)).toEqual([
      ...Array<string>(10).fill("applied"),
      ...Array<string>(20).fill("left"),
    ]);
    expect(failure?.message).toMatch(/^snapshot is not available \(reference version none is incomplete/);
    expect(summary.counts).toMatchObject({ dispatched: 10, left: 20 });
    expect(await tasks()).toHaveLength(1_000);
  });

  test("by Postgres says so, and what was done before stands", async () => {
    await add(...uidsOfBatches(200));
    await skipAll(http.services);
    const services = servicesBeside(http.services, {}, http.services.keys.prefix);
    try {
      const prepared = await prepareReplay(WHOLE, services);
      for await (const batch of prepared.run()) {
        expect(batch).toHaveLength(128);
        await http.sql("ALTER TABLE signal_log RENAME TO away");
      }
      await http.sql("ALTER TABLE away RENAME TO signal_log");
      expect(prepared.failure()).toMatchObject({ name: "DatabaseError", kind: "unavailable" });
      expect(prepared.summary().counts).toMatchObject({ dispatched: 128, left: 72 });
      expect(await recordedRuns()).toMatchObject([{ counts: { dispatched: 128, left: 72 } }]);
    } finally {
      services.close();
    }
  });

  test("counts what went away since it was chosen as not found", async () => {
    await http.setReference(referenceRows());
    const [first, second] = await add("a", "b");
    await skipAll(http.services);
    const prepared = await prepareReplay(WHOLE, http.services);
    await http.services.redis.xdel(http.services.keys.stream("signals_stream"), String(first));
    for await (const batch of prepared.run()) expect(batch.map(({ entry_id }) => entry_id)).toEqual([second]);
    expect(prepared.summary()).toMatchObject({
      not_found: [first],
      counts: { selected: 1, not_found: 1, left: 0 },
    });
  });
});
