import * as fc from "fast-check";
import { describe, expect, test } from "vitest";
import { persistLog } from "../../functions/persist-log.ts";
import type { Entry } from "../../shared/entry.ts";
import type { LogConflict, LogStore } from "../../shared/io/log/log-store.ts";
import type { SignalRow } from "../../shared/log-rows.ts";
import { answers, entry, outcomeEntry, signalEntry, NOTHING_UNMATCHED } from "./log-entries.ts";

const WEIGHT_MAX = 24_000;
/** A uid, and a strategy, that the log in memory refuses. */
const REFUSED = "refused";
const REFUSED_ID = 666;

interface Call {
  readonly entries: number;
  readonly outcomes: number;
}

/** A log that keeps signals in memory and is unavailable after so many calls; `calls` says what each was given. */
function memoryLog({ callsMax = Infinity, onWrite = () => {} } = {}): { log: LogStore; calls: Call[] } {
  const stored = new Map<string, SignalRow>();
  const calls: Call[] = [];
  const log: LogStore = {
    async write({ signals, outcomes }) {
      onWrite();
      const carried = signals.reduce((sum, { record }) => sum + record.outcomes.length, 0);
      calls.push({ entries: signals.length + outcomes.length, outcomes: carried });
      if (calls.length > callsMax) return { status: "unavailable", error: "gone" };
      const isRefused =
        signals.some(({ record }) => record.uid === REFUSED) ||
        outcomes.some(({ record }) => record.strategy_id === REFUSED_ID);
      if (isRefused) return { status: "refused", sqlstate: "22003", error: "too large" };
      const conflicts: LogConflict[] = [];
      for (const row of signals) {
        const { entryId, invocation, record } = row;
        const first = stored.get(entryId) ?? row;
        stored.set(entryId, first);
        const { uid: storedUid, status: storedStatus } = first.record;
        if (storedUid !== record.uid || storedStatus !== record.status) {
          conflicts.push({ entryId, invocation, storedUid, storedStatus });
        }
      }
      return { status: "stored", conflicts, unmatched: [] };
    },
  };
  return { log, calls };
}

const heavy = (id: number, outcomes = 5_000): Entry => signalEntry(id, `uid ${id}`, { outcomes });
const heavyOnes = (count: number): Entry[] => Array.from({ length: count }, (_, i) => heavy(i + 1));
const unreadable = (id: number): Entry => entry(id, { kind: "story" });

describe("persist-log stores chunks of a batch", () => {
  test("of which there is one when its records are ordinary", async () => {
    const { log, calls } = memoryLog();
    await answers(
      Array.from({ length: 256 }, (_, i) => heavy(i, 5)),
      log,
    );
    expect(calls).toEqual([{ entries: 256, outcomes: 1_280 }]);
  });

  test("each with its results as soon as it is stored", async () => {
    const { log, calls } = memoryLog();
    const seen: unknown[] = [];
    for await (const answer of persistLog(heavyOnes(10), {
      ...NOTHING_UNMATCHED,
      stream: "signal_results",
      log,
    })) {
      seen.push([calls.length, "status" in answer ? answer.status : answer.map(({ id }) => id)]);
    }
    expect(seen).toEqual([
      [1, ["1-0", "2-0", "3-0", "4-0"]],
      [2, ["5-0", "6-0", "7-0", "8-0"]],
      [3, ["9-0", "10-0"]],
    ]);
    expect(calls).toEqual([4, 4, 2].map((entries) => ({ entries, outcomes: entries * 5_000 })));
  });

  test("and reads only a chunk and the entry behind it before it stores the chunk", async () => {
    const read = new Set<string>();
    const watched = heavyOnes(10).map(({ id, fields }) => ({
      id,
      get fields() {
        read.add(id);
        return fields;
      },
    }));
    const readAtWrites: number[] = [];
    const { log } = memoryLog({ onWrite: () => readAtWrites.push(read.size) });
    await answers(watched, log);
    expect(readAtWrites).toEqual([5, 9, 10]);
  });

  test.each([
    { outcomes: [11_999, 11_999, 0], chunks: [2, 1] },
    { outcomes: [11_999, 12_000, 0], chunks: [1, 2] },
    { outcomes: [23_999, 23_999], chunks: [1, 1] },
    { outcomes: [0, 30_000, 0, 0], chunks: [1, 1, 2] },
    { outcomes: [30_000], chunks: [1] },
  ])("that hold 24,000 entries and outcomes, or one entry: $outcomes", async ({ outcomes, chunks }) => {
    const { log, calls } = memoryLog();
    const batch = outcomes.map((count, i) => heavy(i + 1, count));
    const { results } = await answers(batch, log);
    expect(calls.map(({ entries }) => entries)).toEqual(chunks);
    expect(results).toEqual(Object.fromEntries(batch.map(({ id }) => [id, "done"])));
  });

  test("until Postgres is unavailable: what is stored is answered, the rest is neither stored nor answered", async () => {
    const { log, calls } = memoryLog({ callsMax: 1 });
    const batch = [unreadable(20), ...heavyOnes(12), unreadable(21)];
    const { results, unavailable, all } = await answers(batch, log);
    const stored = ["1-0", "2-0", "3-0", "4-0"].map((id) => [id, "done"]);
    expect(results).toEqual({ "20-0": "invalid_record", ...Object.fromEntries(stored) });
    expect(all).toHaveLength(5);
    expect(unavailable).toMatchObject({ what: "postgres", error: "gone" });
    expect(calls).toHaveLength(2);
  });

  test("until Postgres is unavailable between two halves of a chunk that it refused", async () => {
    const { log, calls } = memoryLog({ callsMax: 3 });
    const batch = [...heavyOnes(3), signalEntry(4, REFUSED), ...heavyOnes(9).slice(4)];
    const { results, unavailable } = await answers(batch, log);
    expect(results).toEqual({ "1-0": "done", "2-0": "done", "3-0": "done" });
    expect(unavailable).toMatchObject({ error: "gone" });
    expect(calls).toHaveLength(4);
  });

  test("with one result for each entry, which is that of the whole batch stored at once", async () => {
    /** Each makes an entry, or the same one so light that a chunk is enough for all. */
    const makers = fc.oneof(
      fc.constantFrom(
        (id: number) => outcomeEntry(id, 7),
        (id: number) => outcomeEntry(id, REFUSED_ID),
        unreadable,
      ),
      fc
        .record({
          of: fc.integer({ min: 1, max: 6 }),
          uid: fc.constantFrom("a", "b", REFUSED),
          status: fc.constantFrom("ignored", "dispatched"),
          outcomes: fc.constantFrom(0, 5, 9_000, 23_999, 25_000),
        })
        .map(({ of, uid, status, outcomes }) => (id: number, isLight: boolean): Entry => {
          const record = signalEntry(of, uid, { status, outcomes: isLight ? 0 : outcomes });
          return { ...record, id: `${id}-0` };
        }),
    );
    const given = fc.array(makers, { maxLength: 12 });
    await fc.assert(
      fc.asyncProperty(given, async (makes) => {
        const { log, calls } = memoryLog();
        const batch = makes.map((make, id) => make(id, false));
        const light = makes.map((make, id) => make(id, true));
        const { results, all, unavailable } = await answers(batch, log);
        expect(all.map(({ id }) => id).toSorted()).toEqual(batch.map(({ id }) => id).toSorted());
        expect(unavailable).toBeUndefined();
        expect(results).toEqual((await answers(light, memoryLog().log)).results);
        for (const { entries, outcomes } of calls) {
          if (entries > 1) expect(entries + outcomes).toBeLessThanOrEqual(WEIGHT_MAX);
        }
      }),
      { numRuns: 25 },
    );
  });
});
