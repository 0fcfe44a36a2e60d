import type { Violation } from "../evidence.ts";
import type { Facts } from "../facts.ts";

/** What stops openings alone. */
const OF_OPENING = new Set([
  "ticker_disabled",
  "trade_not_permitted",
  "open_not_allowed",
  "ticker_not_allowed",
]);

/** No rule about opening has stopped an exit. A run too short to have exits on disabled tickers says so. */
export function exitViolations({ rows, outcomes }: Facts): Violation[] {
  const exits = new Set(rows.flatMap((row) => (row.direction === "flat" ? [row.entry_id] : [])));
  const found = outcomes
    .filter(
      ({ entry_id, stage, reason }) => stage === "routing" && exits.has(entry_id) && isOfOpening(reason),
    )
    .map(({ entry_id: entryId, strategy_id, reason }) => ({
      entryId,
      text: `exit stopped for strategy ${strategy_id} by ${reason}, which is about opening`,
    }));
  const onDisabled = rows.filter(({ direction, symbol }) => direction === "flat" && symbol === "OFFUSDT");
  return onDisabled.some(({ status }) => status === "dispatched")
    ? found
    : [...found, { text: "no exit was dispatched on a disabled ticker" }];
}

function isOfOpening(reason: string | null): boolean {
  return OF_OPENING.has(reason ?? "");
}
