import type { Entry, Fields } from "../../shared/entry.ts";
import type { ReferenceRows } from "../../shared/reference/reference.ts";
import { meantSymbol } from "../oracle-symbols.ts";
import { expectedDecision, type Expected } from "../oracle.ts";
import type { LogRow } from "./facts.ts";
import { pausedAt, type ControlChange, type Revision } from "./timeline.ts";

/** The results that a run must have for one entry, computed without the router's own code. */

/** A decision as the log shows it; outcomes as `strategy:reason`, or `strategy:dispatched`. */
export interface Decided {
  readonly status: string;
  readonly reason: string | null;
  readonly outcomes: readonly string[];
}

/** What may be logged for one entry: the decision, and its form as a duplicate of another entry with the uid. */
export interface Possible {
  readonly expected: Expected;
  readonly first: Decided;
  readonly repeated: Decided | undefined;
}

interface DecidedWhere {
  readonly entry: Entry;
  readonly row: LogRow;
  readonly revision: Revision;
  readonly control: readonly ControlChange[];
  /** Redis' time of the commit. */
  readonly committedAt: number;
  readonly signalAgeMsMax: number;
}

/** The right decisions on the reference of the row: one per state of the pauses that the commit may have met. */
export function possibleDecisions(where: DecidedWhere): Possible[] {
  const { entry, row, revision, control, committedAt, signalAgeMsMax } = where;
  return pausedAt(control, committedAt).map((paused) => {
    const expected = expectedDecision({
      rows: revision.rows,
      fields: entry.fields,
      entryId: entry.id,
      now: row.decided_at.getTime(),
      paused,
      signalAgeMsMax,
    });
    const { status, reason, outcomes } = expected;
    const first = { status, reason, outcomes: outcomes.map(([id, outcome]) => `${id}:${outcome}`) };
    return { expected, first, repeated: status === "dispatched" ? repeatedOf(expected) : undefined };
  });
}

/** A duplicate changes the outcome of strategies that would have been dispatched or shadowed. */
function repeatedOf({ outcomes }: Expected): Decided {
  return {
    status: "duplicate",
    reason: "duplicate_uid",
    outcomes: outcomes.map(([id, outcome]) => {
      const isEligible = outcome === "dispatched" || outcome === "shadow";
      return `${id}:${isEligible ? "duplicate_uid" : outcome}`;
    }),
  };
}

/** The phrases' columns, with what a task for them has as direction and side. */
const MEANINGS = [
  ["long_phrase", "long", undefined],
  ["short_phrase", "short", undefined],
  ["exit_phrase", "flat", ""],
  ["long_exit_phrase", "flat", "long"],
  ["short_exit_phrase", "flat", "short"],
] as const;

/** The fields of a task that strategies rely on, undefined: it has none; the producer writes bar times in only two forms. */
export function expectedTask(
  rows: ReferenceRows,
  { id, fields }: Entry,
  strategyId: number,
): Readonly<Record<string, string | undefined>> {
  const message = text(fields, "message").toUpperCase();
  const matching = rows.signals
    .filter((signal) => signal.enabled)
    .flatMap((signal) =>
      MEANINGS.filter(([column]) => message === signal[column]).map(([, direction, side]) => ({
        id: signal.id,
        direction,
        side,
      })),
    )[0];
  const bar = text(fields, "bar_time") || text(fields, "time");
  return {
    strategy_id: String(strategyId),
    signal_id: String(matching?.id),
    symbol: meantSymbol(text(fields, "symbol"), rows),
    direction: matching?.direction,
    side: matching?.side,
    extra: extraIn(fields),
    time: new Date(/^\d+$/.test(bar) ? Number(bar) * 1000 : bar).toISOString(),
    received_at: new Date(Number(id.split("-")[0])).toISOString().replace("Z", "000"),
    source: text(fields, "source"),
    strategy: rows.strategies.find((strategy) => strategy.id === strategyId)?.name ?? "",
    entry_id: id,
    invocation: "live",
  };
}

const READ_BY_THE_ROUTER = /^(?:message|symbol|bar_time|time|sent_at|received_at|source|uid)$/;

/** What came along; of the producer's fields only long ones are left out. */
function extraIn(fields: Fields): string {
  const others = Object.entries(fields).filter(([name]) => !READ_BY_THE_ROUTER.test(name));
  return JSON.stringify(Object.fromEntries(others.filter(([, value]) => value.length <= 512)));
}

/** A decision as text: equal for equal decisions. */
export function decidedText({ status, reason, outcomes }: Decided): string {
  return `${status}${reason === null ? "" : `: ${reason}`} [${outcomes.join(", ")}]`;
}

function text(fields: Fields, name: string): string {
  return (fields[name] ?? "").trim();
}
