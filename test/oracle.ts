import type { Fields } from "../shared/entry.ts";
import type { ReferenceRows } from "../shared/reference/reference.ts";
import type { Paused } from "./builders.ts";
import { meantSymbol, tickerKey } from "./oracle-symbols.ts";

/**
 * The rules of decisions a second time, for comparison: simple, slow, on plain rows, without the router's own code. Gives
 * the decision on an entry, provided that no other entry has dispatched the same identity before.
 */
export function expectedDecision({
  rows,
  fields,
  entryId,
  now,
  paused,
  signalAgeMsMax,
}: OracleInput): Expected {
  const text = (name: string): string => (Object.hasOwn(fields, name) ? (fields[name] ?? "").trim() : "");

  const message = text("message");
  const symbol = meantSymbol(text("symbol"), rows);
  const barText = text("bar_time") || text("time");
  const bar = milliseconds(barText);
  const nothing = { direction: null, side: null, dispatched: [], outcomes: [], identity: null } as const;
  const rejected = { status: "rejected", ...nothing } as const;
  if (message === "" || text("symbol") === "" || barText === "")
    return { ...rejected, reason: "missing_field" };
  if (symbol === "" || bar === undefined || text("uid").length > 256)
    return { ...rejected, reason: "invalid_field" };
  if ([message, text("symbol"), text("uid")].some((named) => /{{[^{}]*}}/.test(named)))
    return { ...rejected, reason: "invalid_field" };

  const meanings = rows.signals
    .flatMap((signal): Meaning[] => [
      { signal, direction: "long", side: null, phrase: signal.long_phrase },
      { signal, direction: "short", side: null, phrase: signal.short_phrase },
      { signal, direction: "flat", side: null, phrase: signal.exit_phrase },
      { signal, direction: "flat", side: "long", phrase: signal.long_exit_phrase },
      { signal, direction: "flat", side: "short", phrase: signal.short_exit_phrase },
    ])
    .filter(({ phrase }) => phrase !== null && phrase.trim().toUpperCase() === message.toUpperCase());
  const usable = meanings.filter(({ signal }) => signal.enabled);
  const counting = usable.length > 0 ? usable : meanings;
  const opening = counting.filter(({ direction }) => direction !== "flat");
  const matching = opening.length > 0 ? opening : counting;
  const kinds = new Set(matching.map(({ direction, side }) => `${direction} ${side}`));
  const { direction, side } = kinds.size === 1 && matching[0] !== undefined ? matching[0] : nothing;
  const isExit = direction === "flat";
  const named = text("uid") || JSON.stringify([symbol, message.toUpperCase(), bar]);
  const identity = isExit ? `${named}:${side ?? "flat"}` : named;
  const subscribed = rows.strategies
    .filter(({ id }) =>
      rows.strategy_signals.some(
        (link) => link.strategy_id === id && matching.some(({ signal }) => signal.id === link.signal_id),
      ),
    )
    .toSorted((a, b) => a.id - b.id);

  const sentAt = milliseconds(text("sent_at"));
  const entryTime = Number(entryId.split("-")[0]);
  const age = now - (sentAt !== undefined && sentAt <= now + FUTURE_MS_MAX ? sentAt : entryTime);
  const tooOld = (ageMsMax: number): boolean => ageMsMax > 0 && age > ageMsMax;

  const spellings = rows.tickers.filter((row) => tickerKey(row.symbol, rows) === symbol);
  const firstSpelling = spellings.toSorted((a, b) => (a.symbol < b.symbol ? -1 : 1))[0];
  const ticker = spellings.find((row) => row.symbol === symbol) ?? firstSpelling;

  const stoppedBy = firstTrue([
    ["unknown_phrase", meanings.length === 0],
    ["signal_disabled", usable.length === 0],
    ["ambiguous_phrase", kinds.size > 1],
    ["unknown_ticker", ticker === undefined],
    ["ticker_disabled", !isExit && ticker?.status === "disabled"],
    ["trade_not_permitted", !isExit && ticker?.trade_permission === "disabled"],
    ["no_strategies", subscribed.length === 0],
    ["stale", !isExit && tooOld(signalAgeMsMax)],
    ["paused", paused.has("*")],
  ]);
  const outcomes = subscribed.map((strategy): readonly [number, string] => {
    const listed = rows.strategy_tickers.some(
      (row) => row.strategy_id === strategy.id && tickerKey(row.symbol, rows) === symbol,
    );
    const ageMsMax = strategy.exit_age_ms_max;
    const tooOldForIt =
      isExit && ageMsMax !== null
        ? tooOld(ageMsMax)
        : tooOld(signalAgeMsMax) || tooOld(strategy.signal_age_ms_max ?? 0);
    const why = firstTrue([
      [stoppedBy ?? "", stoppedBy !== undefined],
      ["strategy_disabled", !strategy.enabled],
      ["strategy_archived", strategy.archived],
      ["exits_not_taken", isExit && !strategy.exits],
      ["open_not_allowed", !isExit && !strategy.allow_open && !strategy.reverse],
      ["ticker_not_allowed", !isExit && !strategy.use_all_tickers && !listed],
      ["stale", tooOldForIt],
      ["paused", paused.has(strategy.id)],
      ["shadow", strategy.shadow],
    ]);
    return [strategy.id, why ?? "dispatched"];
  });
  const dispatched = outcomes.filter(([, outcome]) => outcome === "dispatched").map(([id]) => id);
  const rest = { direction, side, dispatched, outcomes, identity };
  if (dispatched.length > 0) return { status: "dispatched", reason: null, ...rest };
  return { status: "ignored", reason: stoppedBy ?? "no_eligible_strategy", ...rest };
}

interface Meaning {
  readonly signal: ReferenceRows["signals"][number];
  readonly direction: "long" | "short" | "flat";
  readonly side: "long" | "short" | null;
  readonly phrase: string | null;
}

const FUTURE_MS_MAX = 5000;

export interface OracleInput {
  readonly rows: ReferenceRows;
  readonly fields: Fields;
  readonly entryId: string;
  /** Milliseconds since 1970. */
  readonly now: number;
  readonly paused: Paused;
  /** 0: no limit. */
  readonly signalAgeMsMax: number;
}

export interface Expected {
  readonly status: "dispatched" | "ignored" | "rejected";
  readonly reason: string | null;
  /** Null for an unknown or ambiguous phrase, too. */
  readonly direction: "long" | "short" | "flat" | null;
  /** The only side that an exit closes. */
  readonly side: "long" | "short" | null;
  /** Ids of the strategies that get a task, ascending. */
  readonly dispatched: readonly number[];
  /** For every subscribed strategy `dispatched`, or the reason why not. By id, ascending. */
  readonly outcomes: readonly (readonly [strategyId: number, outcome: string])[];
  /** Entries with the same identity are the same signal; null for an invalid signal. */
  readonly identity: string | null;
}

function firstTrue(reasons: readonly (readonly [reason: string, applies: boolean])[]): string | undefined {
  return reasons.find(([, applies]) => applies)?.[0];
}

/** Milliseconds since 1970 of a time as producers write it, by the platform's own parser. */
function milliseconds(text: string): number | undefined {
  if (/^\d{9,13}(\.\d+)?$/.test(text)) {
    const [whole = "", decimals = ""] = text.split(".");
    if (Number(whole) < 100_000_000) return undefined;
    return Number(whole) < 100_000_000_000 ? Number(whole + threeDecimals(decimals)) : Number(whole);
  }
  const iso = /^(\d{4}-\d\d-\d\d)(?:[T ]([01]\d|2[0-3]):([0-5]\d)(?::([0-5]\d)(?:[.,](\d+))?)?\s?(.*))?$/i;
  const [match, date, hour = "00", minute = "00", second = "00", decimals = "", zone = ""] =
    iso.exec(text) ?? [];
  if (match === undefined || date === undefined) return undefined;
  const midnight = new Date(`${date}T00:00:00Z`);
  if (Number.isNaN(midnight.getTime()) || !midnight.toISOString().startsWith(date)) return undefined;
  const [zoneMatch, sign, zoneHour = "", zoneMinute = "00"] =
    /^([+-])(\d\d)(?::?(\d\d))?Z?$/i.exec(zone) ?? [];
  if (zoneMatch === undefined && zone !== "" && zone.toUpperCase() !== "Z") return undefined;
  const offset = sign === undefined ? "Z" : `${sign}${zoneHour}:${zoneMinute}`;
  const time = Date.parse(`${date}T${hour}:${minute}:${second}.${threeDecimals(decimals)}${offset}`);
  return time >= 0 && time < Date.UTC(10_000, 0) ? time : undefined;
}

function threeDecimals(decimals: string): string {
  return `${decimals}000`.slice(0, 3);
}
