import { directionText } from "../../shared/direction-text.ts";
import type { OutcomeRecord, SignalRecord } from "../../shared/records.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { printable } from "../../shared/text.ts";

/** A decision as text: a line for the signal, and one per strategy with its reason. */
export function decisionText(entryId: string, record: SignalRecord): string {
  const { status, symbol, message, direction, side, outcomes } = record;
  const signal = `${message ?? "(no message)"} on ${symbol ?? "(no symbol)"}`;
  const head = `${entryId}  ${status.toUpperCase()}  ${signal}${direction === null ? "" : ` (${directionText(direction, side)})`}`;
  const why = [
    ...(record.reason === null ? [] : [record.reason]),
    ...(record.duplicate_of === null ? [] : [`of ${record.duplicate_of}`]),
    ...(Object.keys(record.detail).length === 0 ? [] : [JSON.stringify(record.detail)]),
  ].join(" ");
  const width = Math.max(0, ...outcomes.map((outcome) => outcome.strategy.length));
  const lines = outcomes.map(({ strategy, status: outcome, reason, detail }) => {
    const because = reason === null || reason === outcome ? "" : `: ${reason}`;
    const more = Object.keys(detail).length === 0 ? "" : ` ${JSON.stringify(detail)}`;
    return `    ${strategy.padEnd(width)}  ${outcome}${because}${more}`;
  });
  return [why === "" ? head : `${head}  ${why}`, ...lines].map(printable).join("\n");
}

/** The outcome of a task as a line of text; `name` is that of the strategy, if it is known. */
export function outcomeText(entryId: string, record: OutcomeRecord, name: string | undefined): string {
  const { strategy_id, status, reason, detail, attempt, duration_ms } = record;
  const because = reason === null ? "" : `: ${reason}`;
  const more = Object.keys(detail).length === 0 ? "" : ` ${JSON.stringify(detail)}`;
  const took =
    duration_ms === null ? "" : `  (${duration_ms} ms${(attempt ?? 1) > 1 ? `, attempt ${attempt}` : ""})`;
  return printable(`${entryId}  ${strategyLabel(strategy_id, name)} ${status}${because}${more}${took}`);
}

/** The same as fields of a log line; the times and ids are in the record that is logged in Postgres. */
export function decisionFields(entryId: string, record: SignalRecord): object {
  const { status, symbol, message, direction, side, reason, outcomes } = record;
  const strategies = outcomes.map(({ strategy_id, strategy, status: outcome, reason: why }) => ({
    strategy_id,
    strategy,
    status: outcome,
    reason: why,
  }));
  const closes = side === undefined ? {} : { side };
  return { entry_id: entryId, status, reason, phrase: message, symbol, direction, ...closes, strategies };
}

export function outcomeFields(entryId: string, record: OutcomeRecord, name: string | undefined): object {
  const { strategy_id, status, reason, attempt, duration_ms } = record;
  return { entry_id: entryId, strategy_id, strategy: name ?? null, status, reason, attempt, duration_ms };
}
