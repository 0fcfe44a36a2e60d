import * as fc from "fast-check";
import type { Fields } from "../../shared/entry.ts";
import type { SignalRecord } from "../../shared/records.ts";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { anyFields, anyRows, likelyFields } from "../arbitraries.ts";
import { asRead, mixedReference, mixedSignal, PAUSED_STRATEGY } from "../mixed-signals.ts";
import { expectedDecision } from "../oracle.ts";

/** What every way of calling process-signals has to decide alike. */
export interface ConformanceSuite {
  readonly rows: ReferenceRows;
  /** Ids of strategies. */
  readonly paused: ReadonlySet<number>;
  /** Fields of the signals, in the order they are given. */
  readonly signals: readonly Fields[];
}

/** The default of the variable, which all of them run with. */
export const SIGNAL_AGE_MS_MAX = 300_000;

/** What is compared of a decision; times and ids are another's each time. */
export interface ComparedDecision {
  readonly status: string;
  readonly reason: string | null;
  /** By strategy id: `dispatched`, or the reason why not. */
  readonly outcomes: readonly (readonly [strategyId: number, outcome: string])[];
  /** Place of the signal it is a duplicate of. */
  readonly duplicateOf: number | null;
}

/** A decision as it was recorded, with the entry it was made on. */
export interface Recorded {
  readonly entryId: string;
  readonly record: SignalRecord;
}

/** Every rule once and again, and random signals for a random reference; built when needed, since signals get too old. */
export const CONFORMANCE_SUITES: readonly {
  readonly name: string;
  readonly build: () => ConformanceSuite;
}[] = [
  {
    name: "a mixture that meets every rule",
    build: () => ({
      rows: mixedReference(),
      paused: new Set([PAUSED_STRATEGY]),
      signals: Array.from({ length: 60 }, (_, i) => asRead(mixedSignal(i, Date.now()))),
    }),
  },
  {
    name: "random signals for a random reference",
    build: () => {
      const [rows = mixedReference()] = fc.sample(anyRows, { numRuns: 1, seed: 7 });
      const likely = fc.sample(likelyFields, { numRuns: 100, seed: 7 });
      const anything = fc.sample(anyFields, { numRuns: 20, seed: 7 });
      const signals = [...likely, ...anything].map(asStored);
      return {
        rows: storable(rows),
        paused: new Set([2]),
        signals: signals.filter((fields) => Object.keys(fields).length > 0),
      };
    },
  },
];

/** What the rules, told independently, say about each signal when they are decided one after the other. */
export function expectedOf(suite: ConformanceSuite): readonly ComparedDecision[] {
  const now = Date.now();
  const holders = new Map<string, number>();
  return suite.signals.map((fields, place) => {
    const { rows, paused } = suite;
    const entryId = `${now}-0`;
    const expected = expectedDecision({
      rows,
      paused,
      fields,
      entryId,
      now,
      signalAgeMsMax: SIGNAL_AGE_MS_MAX,
    });
    const { status, reason, outcomes, identity } = expected;
    const holder = status === "dispatched" ? holders.get(identity ?? "") : undefined;
    if (holder !== undefined) {
      const lost = outcomes.map(
        ([id, outcome]) => [id, TAKEN.has(outcome) ? "duplicate_uid" : outcome] as const,
      );
      return { status: "duplicate", reason: "duplicate_uid", outcomes: lost, duplicateOf: holder };
    }
    if (status === "dispatched") holders.set(identity ?? "", place);
    return { status, reason, outcomes, duplicateOf: null };
  });
}

/** Outcomes of strategies that would have taken the signal. */
const TAKEN = new Set(["dispatched", "shadow"]);

/** The recorded decisions in the form that is compared. */
export function compared(recorded: readonly Recorded[]): readonly ComparedDecision[] {
  const places = new Map(recorded.map(({ entryId }, place) => [entryId, place]));
  return recorded.map(({ record: { status, reason, outcomes, duplicate_of: holder } }) => ({
    status,
    reason,
    outcomes: outcomes.map((outcome) => [outcome.strategy_id, outcome.reason ?? outcome.status] as const),
    duplicateOf: holder === null ? null : (places.get(holder) ?? -1),
  }));
}

/** The rest of the records: everything but times of the run and ids. */
export function restOf(recorded: readonly Recorded[]): readonly object[] {
  return recorded.map(({ record }) => {
    const { decided_at: _decided, received_at: _received, duplicate_of: _holder, ...rest } = record;
    return JSON.parse(JSON.stringify(rest), (name, value: unknown) =>
      name === "age_ms" ? "" : value,
    ) as object;
  });
}

/** Without the rows that Postgres' keys do not allow. */
function storable(rows: ReferenceRows): ReferenceRows {
  const strategies = new Set(rows.strategies.map(({ id }) => id));
  const signals = new Set(rows.signals.map(({ id }) => id));
  const listed = new Map(rows.strategy_tickers.map((row) => [`${row.strategy_id} ${row.symbol}`, row]));
  return {
    ...rows,
    strategy_signals: rows.strategy_signals.filter(
      (row) => strategies.has(row.strategy_id) && signals.has(row.signal_id),
    ),
    strategy_tickers: [...listed.values()].filter((row) => strategies.has(row.strategy_id)),
  };
}

/** As Redis keeps them: UTF-8. */
function asStored(fields: Fields): Fields {
  return Object.fromEntries(
    Object.entries(fields).map(([name, value]) => [name.toWellFormed(), value.toWellFormed()]),
  );
}
