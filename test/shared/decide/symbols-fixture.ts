import { buildReference } from "../../../shared/reference/build-reference.ts";
import type { Ticker } from "../../../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../../../shared/reference/snapshot.ts";
import { referenceRows } from "../../builders.ts";

export type TickersGiven = Readonly<Record<string, Pick<Ticker, "aliases" | "exchanges">>>;

/** A snapshot with these tickers, enabled, and one strategy for all of them. */
export function snapshotWith(tickers: TickersGiven): Snapshot {
  const { content } = buildReference(referenceRows());
  const enabled = { status: "enabled", trade_permission: "enabled" } as const;
  const listed = Object.entries(tickers).map(([symbol, more]) => [symbol, { ...enabled, ...more }] as const);
  return snapshotOf(JSON.stringify(tickers), { ...content, tickers: new Map(listed) });
}
