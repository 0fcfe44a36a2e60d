import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { processSignals, type SignalCache } from "../../functions/process-signals.ts";
import { DecisionCache } from "../../shared/decide/decision-cache.ts";
import type { Entry } from "../../shared/entry.ts";
import { assertAnswersEach, HOLDER } from "../../shared/function.ts";
import { ROUTING_STATUSES, SIGNAL_REASONS, STRATEGY_REASONS } from "../../shared/reasons.ts";
import { parseExtra } from "../../shared/signal/extra.ts";
import { cleanFields } from "../../shared/text.ts";
import { anyAgeMax, anyFields, anyPaused, anyRows, batchOf, likelyFields } from "../arbitraries.ts";
import { contextFrom, effectsOf, NOW, recordIn, tasksIn } from "../builders.ts";
import { expectedDecision } from "../oracle.ts";
import { effectsFor, publishedIn } from "./process-signals-fixture.ts";

const anyContext = fc
  .record({ rows: anyRows, paused: anyPaused, signalAgeMsMax: anyAgeMax })
  .map((world) => ({ world, context: contextFrom(world) }));
const anything = fc.record({ of: anyContext, entries: batchOf(fc.oneof(anyFields, likelyFields)) });
const REASONS: readonly string[] = [...SIGNAL_REASONS, ...STRATEGY_REASONS];

/** Every text inside a JSON value, keys included. */
function textsIn(value: unknown): string[] {
  if (typeof value === "string") return [value];
  if (typeof value !== "object" || value === null) return [];
  return Object.entries(value).flatMap(([key, inner]) => [key, ...textsIn(inner)]);
}

function freeze(entries: readonly Entry[]): readonly Entry[] {
  for (const entry of entries) {
    Object.freeze(entry.fields);
    Object.freeze(entry);
  }
  return Object.freeze(entries);
}

describe("whatever the entries", () => {
  test("each has one result, in their order, with a decision that has its reason", () => {
    fc.assert(
      fc.property(anything, ({ of: { context }, entries }) => {
        const results = processSignals(entries, context);
        expect(results.map((result) => result.id)).toEqual(entries.map((entry) => entry.id));
        assertAnswersEach(entries, results);
        for (const result of results) {
          const { status, reason } = recordIn(effectsOf(result));
          expect(["dispatched", "ignored", "rejected"]).toContain(status);
          expect(status === "dispatched" ? [null] : SIGNAL_REASONS).toContain(reason);
        }
      }),
    );
  });

  test("the same input gives the same output, and is not changed", () => {
    fc.assert(
      fc.property(anything, ({ of: { context }, entries }) => {
        const before = structuredClone(context);
        Object.freeze(context);
        const first = processSignals(freeze(entries), context);
        expect(processSignals(structuredClone(entries), structuredClone(context))).toEqual(first);
        expect(context).toEqual(before);
      }),
    );
  });

  test("the other entries of a batch do not change a result", () => {
    fc.assert(
      fc.property(anything, ({ of: { context }, entries }) => {
        const alone = entries.flatMap((entry) => processSignals([entry], context));
        expect(processSignals(entries, context)).toEqual(alone);
        expect(processSignals(entries.toReversed(), context)).toEqual(alone.toReversed());
      }),
    );
  });

  test("the results are the same with a cache, however small it is", () => {
    const batches = fc.array(batchOf(fc.oneof(anyFields, likelyFields)), { maxLength: 2 });
    const outcomesMax = fc.oneof(fc.nat({ max: 6 }), fc.constant(50_000));
    fc.assert(
      fc.property(anyContext, anyContext, batches, outcomesMax, ({ context }, other, before, max) => {
        const cache: SignalCache = new DecisionCache(max);
        // In one process live signals share it with forced replays.
        for (const kind of [
          { forcedAt: NOW, invocation: "forced" },
          { now: NOW + 1_000 },
          { signalAgeMsMax: 1 },
          { control: other.context.control },
          { snapshot: other.context.snapshot },
          {},
        ]) {
          for (const entries of before) {
            const alone = processSignals(entries, { ...context, ...kind });
            expect(processSignals(entries, { ...context, ...kind, cache })).toEqual(alone);
          }
        }
      }),
    );
  });

  test("every subscribed strategy has one outcome, and the tasks are the dispatched ones", () => {
    fc.assert(
      fc.property(anything, ({ of: { world, context }, entries }) => {
        for (const entry of entries) {
          const effects = effectsFor(entry, context);
          const { status, outcomes, uid } = recordIn(effects);
          const expected = expectedDecision({ ...world, now: NOW, entryId: entry.id, fields: entry.fields });
          expect(outcomes.map((outcome) => outcome.strategy_id)).toEqual(expected.outcomes.map(([id]) => id));
          for (const outcome of outcomes) {
            expect(ROUTING_STATUSES).toContain(outcome.status);
            expect(outcome.status === "dispatched" ? [null] : REASONS).toContain(outcome.reason);
          }
          const dispatched = outcomes.filter((outcome) => outcome.status === "dispatched");
          expect(status === "dispatched").toBe(dispatched.length > 0);
          expect(tasksIn(effects).map((task) => task["strategy_id"])).toEqual(
            dispatched.map((outcome) => String(outcome.strategy_id)),
          );
          expect(effects.claim?.uid).toBe(dispatched.length > 0 ? uid : undefined);
        }
      }),
    );
  });

  test("all fields of a task are texts; those that existing workers need are never empty", () => {
    const likely = fc.record({ of: anyContext, entries: batchOf(likelyFields) });
    fc.assert(
      fc.property(likely, ({ of: { context }, entries }) => {
        for (const task of processSignals(entries, context).flatMap((result) => tasksIn(effectsOf(result)))) {
          const { extra = "{}", side, ...fields } = task;
          expect(side === undefined).toBe(fields["direction"] !== "flat");
          expect(["long", "short", "", undefined]).toContain(side);
          expect(parseExtra(extra)).toBeDefined();
          expect(fields).toEqual({
            strategy_id: expect.stringMatching(/^\d+$/),
            strategy: expect.stringMatching(/^strategy \d$/),
            signal_id: expect.stringMatching(/^\d+$/),
            symbol: expect.stringMatching(/^[A-Z]+$/),
            direction: expect.stringMatching(/^(long|short|flat)$/),
            time: expect.stringMatching(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z$/),
            received_at: expect.stringMatching(/^\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d{3}(\d{3})?)?)?$/),
            log_uid: expect.stringMatching(/./),
            source: expect.any(String),
            entry_id: expect.stringMatching(/^\d+-\d+$/),
            invocation: "live",
            snapshot: context.snapshot.version,
            sent_at: expect.any(String),
          });
        }
      }),
    );
  });

  test("the record keeps the fields, and Postgres can store every text in it", () => {
    fc.assert(
      fc.property(anything, ({ of: { context }, entries }) => {
        for (const entry of entries) {
          const effects = effectsFor(entry, context);
          for (const branch of [effects, effects.claim?.ifLost ?? effects]) {
            const record = recordIn(branch);
            expect(Object.entries(record.raw)).toEqual(Object.entries(cleanFields(entry.fields).fields));
            expect(textsIn(record).filter((text) => text.includes("\0") || !text.isWellFormed())).toEqual([]);
            expect(Buffer.byteLength(record.symbol ?? "")).toBeLessThanOrEqual(1024);
            expect(Buffer.byteLength(record.uid ?? "")).toBeLessThanOrEqual(1024);
          }
        }
      }),
    );
  });

  test("a lost claim gives a duplicate with no dispatched outcome, its holder named before any text of the producer", () => {
    const hostile = likelyFields.map((fields) => ({
      ...fields,
      uid: HOLDER,
      source: HOLDER,
      [HOLDER]: HOLDER,
    }));
    fc.assert(
      fc.property(
        fc.record({ of: anyContext, entries: batchOf(hostile) }),
        ({ of: { context }, entries }) => {
          for (const { claim, ...won } of processSignals(entries, context).map(effectsOf)) {
            if (claim === undefined) continue;
            const lost = recordIn(claim.ifLost);
            expect(lost).toMatchObject({
              status: "duplicate",
              reason: "duplicate_uid",
              duplicate_of: HOLDER,
            });
            expect(lost.outcomes.map((outcome) => outcome.strategy_id)).toEqual(
              recordIn(won).outcomes.map((outcome) => outcome.strategy_id),
            );
            expect(lost.outcomes.every((outcome) => outcome.status === "ignored")).toBe(true);
            expect(tasksIn(claim.ifLost)).toEqual([]);
            const [entry] = publishedIn(claim.ifLost);
            expect(entry?.["data"]).toMatch(/^\{"duplicate_of":"\{\{holder\}\}",/);
          }
        },
      ),
    );
  });
});
