import { normaliseSymbol } from "../signal/signal.ts";
import { storable } from "../text.ts";
import type { ReferenceRows, ReferenceTable } from "./reference.ts";

/** What is expected in each column of the reference tables, and what the router does where it finds something else. */

export interface Column<Value> {
  readonly expected: string;
  /** The value as decisions use it; undefined when it cannot be read. */
  readonly read: (value: unknown) => Value | undefined;
  /** What stands in for a value that cannot be read, always the one that trades least; absent: the row is left out. */
  readonly instead?: (id: number) => Value;
  /** What becomes of the row then, as a clause for people. */
  readonly effect: string;
  /** What a relation without the column means, as a default of the router's own table; absent: it has to be there. */
  readonly absent?: Value;
}

export type RowOf<Table extends ReferenceTable> = Omit<ReferenceRows[Table][number], "faults">;

export type Columns<Row> = { readonly [Name in keyof Row]-?: Column<Row[Name]> };

type Reading<Value> = Pick<Column<Value>, "expected" | "read">;

/** The log has ids as integer, so it could not record a decision with a higher one. Tasks and pauses know none below 1. */
const ID_MAX = 2_147_483_647;
const NESTING_MAX = 100;

const id: Reading<number> = {
  expected: `a whole number from 1 to ${ID_MAX}`,
  read: (value) => {
    const number = wholeNumber(value);
    return number !== undefined && number >= 1 && number <= ID_MAX ? number : undefined;
  },
};

const text: Reading<string> = { expected: "text", read: readText };

const symbol: Reading<string> = {
  expected: "a symbol",
  read: (value) => {
    const given = readText(value);
    return given === undefined || normaliseSymbol(given) === "" ? undefined : given;
  },
};

const switchWord: Reading<"enabled" | "disabled"> = {
  expected: "enabled or disabled",
  read: (value) => (value === "enabled" || value === "disabled" ? value : undefined),
};

const flag: Reading<boolean> = {
  expected: "true or false",
  read: (value) => (typeof value === "boolean" ? value : undefined),
};

const phrase: Reading<string | null> = {
  expected: "text or NULL",
  read: (value) => (value === null ? null : readText(value)),
};

const params: Reading<Readonly<Record<string, unknown>>> = {
  expected: "a JSON object that jsonb can hold",
  read: (value) => (isJsonObject(value) && isStorable(value, 0) ? value : undefined),
};

const ageMax: Reading<number | null> = {
  expected: "NULL, or a whole number from 0 on",
  read: (value) => {
    const number = value === null ? null : wholeNumber(value);
    return typeof number === "number" && number < 0 ? undefined : number;
  },
};

const signalLeftOut = { effect: "the signal is left out: its phrases are ignored as unknown_phrase" };
const subscriptionLeftOut = { effect: "the subscription is left out: the strategy does not get the signal" };
const listingLeftOut = { effect: "the symbol is left out of the strategy's list" };
const cannotRun = "the strategy cannot run: its tasks fail as unusable_reference_row";

export const REFERENCE_COLUMNS: { readonly [Table in ReferenceTable]: Columns<RowOf<Table>> } = {
  tickers: {
    symbol: {
      ...symbol,
      expected: `${symbol.expected} that only one row has`,
      effect: "the ticker is left out: its signals are ignored as unknown_ticker",
    },
    status: {
      ...switchWord,
      absent: "enabled",
      instead: () => "disabled",
      effect: "the ticker counts as disabled: its signals are ignored as ticker_disabled",
    },
    trade_permission: {
      ...switchWord,
      absent: "enabled",
      instead: () => "disabled",
      effect: "the permission counts as disabled: its signals are ignored as trade_not_permitted",
    },
  },
  signals: {
    id: { ...id, ...signalLeftOut },
    // No decision needs it, so whatever it is, it is no reason to leave a signal out.
    name: { ...text, read: (value) => readText(value) ?? "", ...signalLeftOut },
    long_phrase: { ...phrase, absent: null, ...signalLeftOut },
    short_phrase: { ...phrase, absent: null, ...signalLeftOut },
    enabled: { ...flag, absent: true, ...signalLeftOut },
  },
  strategies: {
    id: {
      ...id,
      expected: `${id.expected} that only one row has`,
      effect: "the strategy is left out: it gets no signal",
    },
    name: { ...text, instead: (strategy) => `strategy ${strategy}`, effect: cannotRun },
    enabled: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and it counts as disabled`,
    },
    archived: {
      ...flag,
      absent: false,
      instead: () => true,
      effect: `${cannotRun}, and it counts as archived`,
    },
    allow_open: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and it may not open`,
    },
    reverse: {
      ...flag,
      absent: false,
      instead: () => false,
      effect: `${cannotRun}, and it may not reverse`,
    },
    use_all_tickers: {
      ...flag,
      absent: true,
      instead: () => false,
      effect: `${cannotRun}, and only symbols in its rows of strategy_tickers are dispatched to it`,
    },
    handler: { ...text, absent: "log", instead: () => "", effect: cannotRun },
    params: { ...params, absent: {}, instead: () => ({}), effect: cannotRun },
    signal_age_ms_max: {
      ...ageMax,
      absent: null,
      instead: () => 1,
      effect: `${cannotRun}, and every signal counts as too old for it`,
    },
    shadow: {
      ...flag,
      absent: false,
      instead: () => true,
      effect: `${cannotRun}, and it counts as a shadow`,
    },
  },
  strategy_signals: {
    strategy_id: { ...id, ...subscriptionLeftOut },
    signal_id: { ...id, ...subscriptionLeftOut },
  },
  strategy_tickers: {
    strategy_id: { ...id, ...listingLeftOut },
    symbol: { ...symbol, ...listingLeftOut },
  },
};

function readText(value: unknown): string | undefined {
  return typeof value === "string" && storable(value) === value ? value : undefined;
}

/** Drivers give bigint and numeric as text, so that no digit is lost. */
function wholeNumber(value: unknown): number | undefined {
  const number = typeof value === "string" && /^-?\d{1,16}$/.test(value) ? Number(value) : value;
  return Number.isSafeInteger(number) ? Number(number) : undefined;
}

function isJsonObject(value: unknown): value is Record<string, unknown> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

/** Whether the version can be stored with it: jsonb refuses some texts that a column of type json can hold. */
function isStorable(value: unknown, depth: number): boolean {
  if (typeof value === "string") return storable(value) === value;
  if (typeof value === "number") return Number.isFinite(value);
  if (typeof value !== "object" || value === null) return true;
  return (
    depth < NESTING_MAX &&
    Object.entries(value).every(([name, part]) => storable(name) === name && isStorable(part, depth + 1))
  );
}
