import type { SignalRecord } from "../shared/records.ts";

/** A decision as lines for people: what was decided on the signal, then every strategy with its reason. */
export function decisionText(entryId: string, record: SignalRecord): string {
  const { status, symbol, message, direction, outcomes } = record;
  const signal = `${message ?? "(no message)"} on ${symbol ?? "(no symbol)"}`;
  const head = `${entryId}  ${status.toUpperCase()}  ${signal}${direction === null ? "" : ` (${direction})`}`;
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

/** One line as it is, whatever producers wrote: nothing in it moves the cursor or passes for a line of ours. */
export function printable(line: string): string {
  return line.replaceAll(/[\p{C}\p{Zl}\p{Zp}]/gu, "\uFFFD");
}
