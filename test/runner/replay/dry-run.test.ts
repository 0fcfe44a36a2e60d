import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { signalBinding } from "../../../runner/bindings/signal-binding.ts";
import { type Binding } from "../../../runner/engine/binding.ts";
import type { Services } from "../../../runner/setup/services.ts";
import { compareEntryIds } from "../../../shared/entry-range.ts";
import type { Entry } from "../../../shared/entry.ts";
import type { Clock } from "../../../shared/io/redis/clock.ts";
import { pause, resume } from "../../../shared/io/reference/control-store.ts";
import {
  anyAgeMax,
  anyFields,
  anyId,
  anyPaused,
  anyRows,
  likelyFields,
  recentId,
} from "../../arbitraries.ts";
import {
  NOW,
  referenceRows,
  rowsWithStrategies,
  signalFields,
  strategyRow,
  type Paused,
} from "../../builders.ts";
import { asRead, mixedReference, mixedSignal, PAUSED_STRATEGY } from "../../mixed-signals.ts";
import { useHttpApp } from "../http/http-fixture.ts";
import { publishReference, replay, servicesBeside } from "./replay-fixture.ts";
import { decideAll, logAll, routeAll, skipAll } from "./route-in-process.ts";

const http = useHttpApp();

const NOON: Clock = {
  now: () => NOW,
  sample: async () => undefined,
  isDue: () => false,
  check: async () => NOW,
  steadyMs: () => Infinity,
};

/** The routing of signals as if it were noon: the commit does not look at when a decision was made. */
function bindingAtNoon(services: Services): Binding {
  const binding = signalBinding(services);
  return {
    ...binding,
    async *run(entries) {
      for await (const answer of binding.run(entries)) {
        if (answer.status !== "answered" || answer.decidedOn === undefined) yield answer;
        else {
          const { version, epoch } = answer.decidedOn;
          yield { ...answer, decidedOn: { version, epoch } };
        }
      }
    },
  };
}

async function add({ redis, keys }: Services, entries: readonly Entry[]): Promise<void> {
  for (const { id, fields } of entries) {
    const flat = Object.keys(fields).length === 0 ? ["", ""] : Object.entries(fields).flat();
    await redis.xadd(keys.stream("signals_stream"), id, ...flat);
  }
}

async function pauseOnly({ redis, keys, routing }: Services, paused: Paused): Promise<void> {
  const fields = Object.keys(await redis.hgetall(keys.control)).filter((field) => field !== "epoch");
  for (const field of fields) await resume(redis, keys, field === "*" ? undefined : Number(field));
  for (const id of paused) await pause(redis, keys, id === "*" ? undefined : id, { by: "test", at: NOW });
  routing.invalidate();
}

describe("on the logged snapshots", () => {
  const stage = fc.record({ rows: anyRows, paused: anyPaused });
  const anyEntries = fc
    .uniqueArray(
      fc.record({
        id: fc.oneof({ weight: 5, arbitrary: recentId }, { weight: 1, arbitrary: anyId }),
        fields: fc.oneof({ weight: 4, arbitrary: likelyFields }, { weight: 1, arbitrary: anyFields }),
      }),
      { selector: ({ id }) => id, minLength: 2, maxLength: 24 },
    )
    .map((entries) =>
      entries.filter(({ id }) => id !== "0-0").toSorted((a, b) => compareEntryIds(a.id, b.id)),
    );

  test("whatever was decided is decided so again, from the stream and, when that is gone, from the log", async () => {
    const history = fc.tuple(
      anyEntries,
      fc.array(stage, { minLength: 1, maxLength: 3 }),
      anyAgeMax,
      anyAgeMax,
    );
    await fc.assert(
      fc.asyncProperty(history, async ([entries, stages, ageMax, otherAgeMax]) => {
        const own = servicesBeside(http.services, { SIGNAL_AGE_MS_MAX: String(ageMax) });
        const later = servicesBeside(own, { SIGNAL_AGE_MS_MAX: String(otherAgeMax) }, own.keys.prefix);
        const services = { ...own, clock: NOON };
        try {
          const share = Math.ceil(entries.length / stages.length);
          for (const [i, { rows, paused }] of stages.entries()) {
            await publishReference(services, rows);
            await pauseOnly(services, paused);
            await add(services, entries.slice(i * share, (i + 1) * share));
            await decideAll(services, bindingAtNoon(services));
          }
          await logAll(services);
          await publishReference(services, referenceRows());
          await pauseOnly(services, new Set());
          const fromStream = await replay(later, { snapshot: "logged" });
          await own.redis.del(own.keys.stream("signals_stream"));
          const fromLog = await replay(later, { snapshot: "logged" });
          for (const { replay: summary, signals } of [fromStream, fromLog]) {
            expect(signals.map(({ entry_id }) => entry_id)).toEqual(entries.map(({ id }) => id));
            for (const { logged, decided } of signals) expect(decided).toStrictEqual(logged);
            expect(summary.counts).toMatchObject({ unchanged: entries.length, changed: 0 });
          }
          expect(fromLog.signals.every(({ source }) => source === "log")).toBe(true);
        } finally {
          later.close();
          own.close();
        }
      }),
      { numRuns: 60 },
    );
  }, 120_000);

  test("every kind of signal comes out the same after the reference has changed twice", async () => {
    const now = Date.now();
    await http.setReference(mixedReference());
    // The log has fields in an order of its own, in which others would be left out.
    const more = Array.from({ length: 35 }, (_, n) => ["z".repeat(40 - n), "1"]);
    await http.publish({ ...asRead(mixedSignal(0, now)), ...Object.fromEntries(more) });
    for (let i = 1; i < 40; i += 1) await http.publish(asRead(mixedSignal(i, now)));
    await routeAll(http.services);
    const strategies = mixedReference().strategies.map((row) => ({ ...row, allow_open: row.id % 2 === 0 }));
    await http.setReference({ ...mixedReference(), strategies });
    await pauseOnly(http.services, new Set([PAUSED_STRATEGY, 10]));
    for (let i = 40; i < 80; i += 1) await http.publish(asRead(mixedSignal(i, now)));
    await routeAll(http.services);
    await pauseOnly(http.services, new Set(["*"]));
    for (let i = 80; i < 120; i += 1) await http.publish(asRead(mixedSignal(i, now)));
    await routeAll(http.services);
    await http.setReference(referenceRows());
    const { redis, keys } = http.services;
    const before = await replay(http.services, { snapshot: "logged" });
    await redis.xtrim(keys.stream("signals_stream"), "MAXLEN", 0);
    const after = await replay(http.services, { snapshot: "logged" });
    for (const { signals, replay: summary } of [before, after]) {
      for (const { logged, decided } of signals) expect(decided).toStrictEqual(logged);
      expect(summary.counts).toMatchObject({ selected: 120, unchanged: 120, duplicate: expect.any(Number) });
      expect(new Set(signals.map(({ decided }) => decided?.reason)).size).toBeGreaterThan(10);
      expect(summary.counts.duplicate).toBeGreaterThan(0);
      expect(signals.some(({ decided }) => decided?.reason === "paused")).toBe(true);
    }
    expect(new Set(after.signals.map(({ source }) => source))).toEqual(new Set(["log"]));
  });

  test("a forced decision comes out the same, though its signal was too old", async () => {
    const id = await http.publish(signalFields({ sent_at: "2025-01-15T11:59:59Z" }));
    await skipAll(http.services);
    await replay(http.services, {
      selection: { kind: "ids", ids: [id] },
      mode: "force",
      by: "ann",
      reason: "x",
    });
    await logAll(http.services);
    const { signals } = await replay(http.services, { snapshot: "logged" });
    expect(signals).toMatchObject([{ entry_id: id, decided: { status: "dispatched" } }]);
    expect(signals[0]?.decided).toStrictEqual(signals[0]?.logged);
  });

  test("a version that is no longer kept is reported as missing, and the others are decided", async () => {
    const first = await http.publish(signalFields());
    await routeAll(http.services);
    const [logged] = await http.sql("SELECT snapshot FROM signal_log");
    await http.setReference(rowsWithStrategies([strategyRow(11)]));
    await http.publish(signalFields({ uid: "other" }));
    await routeAll(http.services);
    await http.sql("DELETE FROM reference_snapshots WHERE version = $1", [logged?.["snapshot"]]);
    const { replay: summary, signals } = await replay(http.services, { snapshot: "logged" });
    expect(signals[0]).toMatchObject({
      entry_id: first,
      decided: null,
      difference: null,
      note: `reference_snapshots has no version ${String(logged?.["snapshot"])}`,
    });
    expect(summary.counts).toMatchObject({ selected: 2, undecidable: 1, unchanged: 1, left: 0 });
  });
});
