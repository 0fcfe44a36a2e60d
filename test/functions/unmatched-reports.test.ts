import { expect, test } from "vitest";
import { persistLog } from "../../functions/persist-log.ts";
import type { UnmatchedPorts } from "../../functions/unmatched-reports.ts";
import type { Entry } from "../../shared/entry.ts";
import type { LogStore } from "../../shared/io/log/log-store.ts";

/** Reports whose uid leads to no dispatch in the log. */

const NOW = Date.UTC(2026, 0, 5, 10);
const MINUTES = 60_000;

function report(uid: string, ageMs: number): Entry {
  const record = {
    strategy_id: 7,
    status: "opened",
    detail: {},
    at: "2026-01-05T10:00:00Z",
    stream: "signal_log_queue",
    report_id: `${NOW - ageMs}-0`,
  };
  return { id: `${NOW}-${uid}`, fields: { kind: "report", log_uid: uid, data: JSON.stringify(record) } };
}

/** A log without any dispatch. */
const log: LogStore = {
  write: async ({ reports, uidOutcomes }) => ({
    status: "stored",
    conflicts: [],
    unmatched: [...uidOutcomes, ...reports].map(({ resultId }) => resultId),
  }),
};

async function endsOf(entries: readonly Entry[], pending: readonly string[] = [], pendingCount = 10_000) {
  const unknown: number[] = [];
  const ports: UnmatchedPorts = {
    now: () => NOW,
    pendingCount: async () => pendingCount,
    pendingDecisions: async () => ({ uids: new Set(pending), until: `${NOW}-8` }),
    onUnknown: (count) => unknown.push(count),
  };
  const results: object[] = [];
  for await (const answer of persistLog(entries, { ...ports, stream: "signal_results", log })) {
    if (!("status" in answer)) results.push(...answer);
  }
  return { results, unknown };
}

test("for an hour it waits for its decision, and no delivery counts", async () => {
  expect(await endsOf([report("1", 59 * MINUTES)])).toMatchObject({
    results: [{ status: "retry", expected: true, uncounted: true }],
    unknown: [],
  });
});

test("after that they are acknowledged, counted together, and no error", async () => {
  const counted = { status: "done", effects: { append: [], count: ["worker_reports:unknown"] } };
  expect(await endsOf([report("1", 61 * MINUTES), report("2", 90 * MINUTES)])).toMatchObject({
    results: [counted, counted],
    unknown: [2],
  });
});

test("an older one waits as well while its decision is pending, as after an outage of Postgres", async () => {
  const entries = [report("1", 300 * MINUTES), report("2", 300 * MINUTES)];
  expect(await endsOf(entries, ["2"])).toMatchObject({
    results: [{ status: "done" }, { status: "retry", uncounted: true }],
    unknown: [1],
  });
});

test("an outcome by uid waits in the same way", async () => {
  const record = { strategy_id: 7, status: "executed", reason: null, detail: {}, attempt: 1, duration_ms: 1 };
  const data = JSON.stringify({ ...record, at: "2026-01-05T10:00:00Z" });
  const entry = { id: `${NOW}-0`, fields: { kind: "outcome", log_uid: "u1", data } };
  expect(await endsOf([entry])).toMatchObject({ results: [{ status: "retry" }] });
});

test("one whose sender has chosen a time to come is given up on an hour after it was passed on", async () => {
  const { id, ...entry } = report("1", -9_000_000 * MINUTES);
  expect(id).toBe(`${NOW}-1`);
  expect(await endsOf([{ ...entry, id: `${NOW - 61 * MINUTES}-0` }])).toMatchObject({ unknown: [1] });
});

test("while a flood of them waits, they wait for a minute, or for a decision that is pending", async () => {
  const entries = [report("1", 0), report("2", 2 * MINUTES), report("3", 2 * MINUTES)];
  expect(await endsOf(entries, ["3"], 10_001)).toMatchObject({
    results: [{ status: "retry" }, { status: "done" }, { status: "retry" }],
    unknown: [1],
  });
});

test("one that was delivered after the pending decisions were read waits for the next time they are", async () => {
  expect(await endsOf([report("8", 61 * MINUTES), report("9", 61 * MINUTES)])).toMatchObject({
    results: [{ status: "done" }, { status: "retry" }],
    unknown: [1],
  });
});
