import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { Ticker } from "../../../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../../../shared/reference/snapshot.ts";
import { parseSignal, type Signal } from "../../../shared/signal/signal.ts";
import { entryFrom, NOW, referenceRows, signalFields } from "../../builders.ts";

export type TickersGiven = Readonly<Record<string, Pick<Ticker, "aliases" | "exchanges">>>;

/** A snapshot with these tickers, enabled, and what else the rows have: by default one strategy for all of them. */
export function snapshotWith(tickers: TickersGiven, rows = referenceRows()): Snapshot {
  const { content } = buildReference(rows);
  const enabled = { status: "enabled", trade_permission: "enabled" } as const;
  const listed = Object.entries(tickers).map(([symbol, more]) => [symbol, { ...enabled, ...more }] as const);
  return snapshotOf(JSON.stringify(tickers), { ...content, tickers: new Map(listed) });
}

/** The valid signal with these fields. */
export function signalOf(fields: Parameters<typeof signalFields>[0]): Signal {
  const parsed = parseSignal(entryFrom(signalFields(fields)), NOW);
  if (parsed.status === "rejected") throw new Error(`rejected: ${JSON.stringify(parsed.faults)}`);
  return parsed.signal;
}
