import type { ComparedLogs } from "../../shared/compare/compare-logs.ts";
import {
  DIFFERENCE_CLASSES,
  type Difference,
  type DifferenceClass,
} from "../../shared/compare/difference.ts";
import type { LoggedSignal, OldSignal, OurSignal } from "../../shared/compare/logged-signal.ts";
import { directionText } from "../../shared/direction-text.ts";
import type { ComparedSpan } from "../../shared/io/log/compared-logs.ts";
import { strategyLabel } from "../../shared/strategy-label.ts";
import { excerpt, printable } from "../../shared/text.ts";

/** What `cli compare` prints: for people, or as JSON. */

export interface ComparedFacts {
  readonly table: string;
  readonly shard: string;
  readonly span: ComparedSpan;
  readonly compared: ComparedLogs;
  /** Strategies by id. */
  readonly names: ReadonlyMap<number, string>;
}

const MEANINGS: Readonly<Record<DifferenceClass, string>> = {
  other: "not one of the differences that are known: look at each before you switch",
  repeat: "a repeated signal, which the router before traded again",
  union_of_phrases: "a phrase on several signals, of which the router before knew only the first",
  case: "a phrase or symbol in lower case, which the router before dropped",
  exit: "an exit, which the router before did not know",
  time: "no usable bar time, which the router before dispatched all the same",
};

export function comparedText({ table, shard, span, compared, names }: ComparedFacts): string {
  const { ours, old, agreeing, atEdges, strategiesUnknown, classes, first } = compared;
  const why = span.isCommon ? ", where both logs have signals" : "";
  const lines = [
    `${table} and the live decisions of shard ${JSON.stringify(shard)}`,
    `received from ${utc(span.from)} to ${utc(span.to)}${why}`,
    `  ${ours} signals here, ${old} there; ${agreeing} agree`,
    ...DIFFERENCE_CLASSES.map(
      (each) => `  ${String(classes[each]).padStart(9)} ${each.padEnd(18)}${MEANINGS[each]}`,
    ),
    ...(atEdges === 0
      ? []
      : [`  ${atEdges} left out: at the ends of the logs, where the other log may lack the signal`]),
    ...(strategiesUnknown === 0
      ? []
      : [`  of ${strategiesUnknown} signals ${table} does not name the strategies: these are not compared`]),
    ...(first.length === 0 ? [] : ["The first of each:"]),
    ...first.flatMap((difference) => differenceLines(difference, names)),
  ];
  return lines.map(printable).join("\n");
}

function differenceLines(
  { class: known, ours, old }: Difference,
  names: ComparedFacts["names"],
): readonly string[] {
  const signal = ours ?? old;
  if (signal === undefined) return [];
  const here = ours === undefined ? "no entry" : `${decisionText(ours, names)} (entry ${ours.id})`;
  const there = old === undefined ? "no row" : `${decisionText(old, names)} (row ${old.id})`;
  return [
    `  ${known}: ${signalText(signal)}, ${utc(signal.at)}`,
    `    here   ${here}`,
    `    there  ${there}`,
  ];
}

function signalText({ message, symbol, direction }: LoggedSignal): string {
  const how = direction === null ? "" : ` (${directionText(direction, null)})`;
  return `${excerpt(message ?? "no message")} on ${excerpt(symbol ?? "no symbol")}${how}`;
}

function decisionText(signal: OurSignal | OldSignal, names: ComparedFacts["names"]): string {
  if (!signal.dispatched) {
    if (!("reason" in signal)) return "ignored";
    return signal.reason === null ? signal.status : `${signal.status}: ${signal.reason}`;
  }
  if (signal.strategies === null) return "dispatched";
  const labels = signal.strategies.toSorted((a, b) => a - b).map((id) => strategyLabel(id, names.get(id)));
  return `dispatched to ${labels.length === 0 ? "no strategy" : labels.join(", ")}`;
}

/** The same for programs. */
export function comparedJson({ table, shard, span, compared, names }: ComparedFacts): object {
  const { first, ...counts } = compared;
  const labels = (ids: readonly number[] | null) =>
    ids?.map((id) => ({ id, name: names.get(id) ?? null })) ?? null;
  return {
    table,
    shard,
    from: utc(span.from),
    to: utc(span.to),
    common_span: span.isCommon,
    here: counts.ours,
    there: counts.old,
    agreeing: counts.agreeing,
    at_edges: counts.atEdges,
    strategies_unknown: counts.strategiesUnknown,
    differences: counts.classes,
    first: first.map((difference) => {
      const { ours, old } = difference;
      const signal = ours ?? old;
      return {
        class: difference.class,
        kind: difference.kind,
        received_at: signal === undefined ? null : utc(signal.at),
        message: signal?.message ?? null,
        symbol: signal?.symbol ?? null,
        direction: signal?.direction ?? null,
        entry_id: ours?.id ?? null,
        status: ours?.status ?? null,
        reason: ours?.reason ?? null,
        strategies: labels(ours?.strategies ?? null),
        there:
          old === undefined
            ? null
            : { id: old.id, dispatched: old.dispatched, strategies: labels(old.strategies) },
      };
    }),
  };
}

function utc(ms: number): string {
  return new Date(ms).toISOString();
}
