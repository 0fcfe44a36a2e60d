import { normaliseSymbol } from "../signal/signal.ts";
import { parseTime } from "../signal/time.ts";
import type { OldSignal } from "./logged-signal.ts";

/** Reads a row of the log of the router before, whatever stands in its columns. */
export function oldSignalOf(row: OldRow): OldSignal {
  const direction = DIRECTIONS.get(fold(row.direction)) ?? null;
  const raw = objectIn(row.raw_message);
  return {
    id: row.id ?? "",
    at: row.at,
    symbol: row.symbol === null ? null : normaliseSymbol(row.symbol),
    signalId: idIn(row.signal_id),
    direction,
    message: row.message,
    barTime: hasUnusableBarTime(raw) ? null : timeIn(row.bar_time),
    dispatched: fold(row.status) === "dispatched",
    strategies: strategiesIn(raw, row.raw_message),
  };
}

/** Texts as the columns have them; times of timestamp columns are milliseconds since 1970. */
export interface OldRow {
  readonly id: string | null;
  readonly at: number;
  readonly symbol: string | null;
  readonly signal_id: string | null;
  readonly direction: string | null;
  readonly message: string | null;
  readonly raw_message: string | null;
  readonly bar_time: string | number | null;
  readonly status: string | null;
}

const DIRECTIONS = new Map([
  ["long", "long"],
  ["buy", "long"],
  ["short", "short"],
  ["sell", "short"],
] as const) as ReadonlyMap<string, "long" | "short">;

function fold(text: string | null): string {
  return (text ?? "").trim().toLowerCase();
}

function idIn(value: unknown): number | null {
  return /^[1-9]\d{0,14}$/.test(String(value)) ? Number(value) : null;
}

function timeIn(value: string | number | null): number | null {
  if (typeof value === "number") return Number.isFinite(value) ? value : null;
  return value === null ? null : (parseTime(value) ?? null);
}

type Raw = Readonly<Record<string, unknown>>;

function objectIn(text: string | null): Raw {
  try {
    const value: unknown = JSON.parse(text ?? "");
    return typeof value === "object" && value !== null ? { ...value } : {};
  } catch (error) {
    // Not every writer of that column writes JSON.
    if (error instanceof SyntaxError) return {};
    throw error;
  }
}

/** Without a usable bar time the router before stored another one. */
function hasUnusableBarTime({ bar_time }: Raw): boolean {
  return typeof bar_time === "string" && parseTime(bar_time) === undefined;
}

/** `strategies` or `strategy_ids`: a list of ids, or of objects with an id; also as Python prints it. */
function strategiesIn(raw: Raw, text: string | null): readonly number[] | null {
  const list = raw["strategies"] ?? raw["strategy_ids"];
  if (Array.isArray(list)) {
    const ids = list.map((each: unknown) => idIn(idOf(each)));
    return ids.every((id) => id !== null) ? ids : null;
  }
  const [, printed] = /["']strateg(?:ies|y_ids)["']\s*:\s*[[(]([\d\s,"']*)[\])]/.exec(text ?? "") ?? [];
  return printed === undefined ? null : (printed.match(/\d+/g) ?? []).map(Number);
}

function idOf(each: unknown): unknown {
  if (typeof each !== "object" || each === null) return each;
  const { strategy_id, id }: { strategy_id?: unknown; id?: unknown } = each;
  return strategy_id ?? id;
}
