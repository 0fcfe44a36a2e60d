import { randomInt } from "node:crypto";
import { describe, expect, test } from "vitest";
import { byPace } from "../long/pace.ts";
import type { Facts } from "./facts.ts";
import { FAULT_KINDS, SETTINGS } from "./faults.ts";
import { violationsIn } from "./invariants.ts";
import { violationsText } from "./report.ts";
import { torture, type TortureOptions, type TortureReport } from "./run.ts";

/** `npm run torture` goes on for longer, and with more of everything. */
const RUNS = byPace<readonly Omit<TortureOptions, "say">[]>({
  short: [
    { setting: "plain", seed: 7, minutes: 0.3, routers: 2, rate: 80, faultEveryMs: 700 },
    { setting: "sentinel", seed: 7, minutes: 0.17, routers: 2, rate: 60, faultEveryMs: 700 },
    { setting: "cluster", seed: 7, minutes: 0.17, routers: 2, rate: 60, faultEveryMs: 700 },
  ],
  full: SETTINGS.flatMap((setting) =>
    [0, 1].map(() => ({
      setting,
      seed: randomInt(2 ** 31),
      minutes: 2,
      routers: 3,
      rate: 100,
      faultEveryMs: 2_000,
    })),
  ),
});
/** 5 s on a quiet machine; a router that is started again beside other tests takes its time. */
const READY_MS_MAX = 30_000;

/** Of the first run. */
let report: TortureReport;

describe.each(RUNS)("a torture of $minutes minutes on $setting Redis with seed $seed", (options) => {
  test("loses nothing, doubles nothing, overtakes nothing, decides rightly and counts exactly", async () => {
    const ended = await torture({ ...options, say: () => undefined });
    if (options === RUNS[0]) report = ended;
    const { facts, faults } = ended;
    const violations = violationsIn(facts);
    expect(violations.length > 0 ? violationsText(facts, violations) : "").toBe("");
    const kinds: readonly string[] = FAULT_KINDS[options.setting];
    expect(kinds).toEqual(expect.arrayContaining(Object.keys(faults)));
    if (options.minutes > 0.2) expect(Object.keys(faults).toSorted()).toEqual(kinds.toSorted());
    const statuses = new Set(facts.rows.map(({ status }) => status));
    expect([...statuses].toSorted()).toEqual(["dispatched", "duplicate", "ignored", "rejected"]);
    expect(facts.readyAfterMs.length).toBeGreaterThan(0);
    expect(Math.max(...facts.readyAfterMs)).toBeLessThan(READY_MS_MAX);
  }, 460_000);
});

/** Results of faulty routers, made from the results of a correct one. */
const TAMPERED: readonly (readonly [what: string, tamper: (facts: Facts) => Partial<Facts>])[] = [
  ["a lost entry", ({ results, rows }) => ({ results: results.slice(1), rows: withoutFirst(rows, results) })],
  ["a row that was never written", ({ rows }) => ({ rows: rows.slice(1) })],
  ["an entry decided twice", ({ results }) => ({ results: [...results, ...results.slice(-1)] })],
  ["a doubled task", ({ tasks }) => ({ tasks: [...tasks, ...tasks.slice(0, 1)] })],
  ["a missing task", ({ tasks }) => ({ tasks: tasks.slice(1) })],
  ["a task that was never run", ({ executions }) => ({ executions: executions.slice(1) })],
  [
    "a task with two outcomes",
    ({ executions }) => ({ executions: [...executions, ...executions.slice(0, 1)] }),
  ],
  [
    "a task that failed",
    ({ outcomes }) => ({
      outcomes: outcomes.map((row) => (row.status === "executed" ? { ...row, status: "failed" } : row)),
    }),
  ],
  [
    "a task with another symbol",
    ({ tasks }) => ({ tasks: tasks.map((task) => ({ ...task, fields: { ...task.fields, symbol: "X" } })) }),
  ],
  [
    "an exit that its ticker has stopped",
    ({ rows, outcomes }) => {
      const exit = rows.find(({ direction, status }) => direction === "flat" && status === "dispatched");
      const stopped = { status: "ignored", reason: "ticker_disabled" };
      return {
        outcomes: outcomes.map((row) => (row.entry_id === exit?.entry_id ? { ...row, ...stopped } : row)),
      };
    },
  ],
  [
    "a task without the side of its exit",
    ({ tasks }) => ({
      tasks: tasks.map(({ id, fields: { side: _side, ...fields } }) => ({ id, fields })),
    }),
  ],
  [
    "a task without what came along",
    ({ tasks }) => ({
      tasks: tasks.map(({ id, fields: { extra: _extra, ...fields } }) => ({ id, fields })),
    }),
  ],
  [
    "a uid dispatched twice",
    ({ rows }) => ({
      rows: rows.map((row) =>
        row.status === "duplicate" ? { ...row, status: "dispatched", reason: null } : row,
      ),
    }),
  ],
  [
    "a strategy without an outcome",
    ({ outcomes }) => ({ outcomes: outcomes.filter(({ strategy_id }) => strategy_id !== 11) }),
  ],
  [
    "a counter one too high",
    ({ metrics }) => ({
      metrics: { ...metrics, "signals:ignored": String(Number(metrics["signals:ignored"]) + 1) },
    }),
  ],
  [
    "a pause that was ignored",
    ({ control }) => ({ control: [{ paused: new Set(["*"]), before: 0, after: 0 }, ...control.slice(1)] }),
  ],
  [
    "decisions on an old reference",
    ({ observations, revisions }) => ({
      observations: observations.map(({ at }) => ({ at, version: revisions.at(-1)?.version ?? "" })),
    }),
  ],
  ["a task begun before an earlier one", ({ begun }) => ({ begun: begun.toReversed() })],
  ["signals dispatched in another order", ({ tasks }) => ({ tasks: tasks.toReversed() })],
  ["an attempt that ran twice", ({ begun }) => ({ begun: [...begun, ...begun.slice(-1)] })],
  [
    "a pending entry",
    () => ({ groups: [{ name: "signals_stream/signal_processor", pending: 1, behind: false }] }),
  ],
  [
    "a stream that was trimmed",
    ({ added }) => ({ added: { ...added, entries: (added["entries"] ?? 0) + 1 } }),
  ],
];

function withoutFirst(rows: Facts["rows"], results: Facts["results"]): Facts["rows"] {
  return rows.filter((row) => row.entry_id !== results[0]?.fields["entry_id"]);
}

describe("the checks after a run", () => {
  test.each(TAMPERED)("find %s", (_what, tamper) => {
    expect(violationsIn({ ...report.facts, ...tamper(report.facts) })).not.toEqual([]);
  });
});
