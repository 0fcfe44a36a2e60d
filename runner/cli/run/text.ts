import { parse, stringify } from "lossless-json";
import { directionText } from "../../../shared/direction-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import type { StrategyRunAnswer } from "../../http/functions/run-strategy.ts";

/** What `cli run` prints, line by line. */

type DryRun = Extract<StrategyRunAnswer, { dry_run: true }>;

/** What would be done, as a person reads it: the request with its body indented when it is JSON. */
export function previewText({
  preview,
  symbol,
  direction,
  side,
  time,
  invocation,
}: DryRun): readonly string[] {
  const { strategy_id: id, strategy, handler, stops, would, no_dry_run: unknown } = preview;
  const stopLines = stops.map(({ reason, text }) => `  ${reason}: ${text}`);
  return [
    `${strategyLabel(id, strategy)}, handler ${handler ?? "none"}: ${directionText(direction, side)} on ${symbol}, bar ${time}`,
    `invocation ${invocation}, idempotency key ${preview.idempotency_key}`,
    ...(stops.length === 0 ? [] : ["would be stopped by", ...stopLines]),
    "",
    ...(would === undefined ? [unknown ?? "what it would do is not known"] : actLines(would)),
    "",
    "dry run: nothing was sent or changed",
  ];
}

/** What a run came to. */
export function doneText(answer: StrategyRunAnswer): readonly string[] {
  if (answer.dry_run) return previewText(answer);
  const { execution, symbol, direction, side, entry_id: entryId, invocation, dead_letter: letter } = answer;
  const { status, reason, detail, duration_ms: ms } = execution;
  const took = ms === null ? "" : ` in ${ms} ms`;
  const mayHaveActed = reason === "timeout" || "may_have_arrived" in detail;
  return [
    `${status}${reason === null ? "" : `: ${reason}`}${took}, ${directionText(direction, side)} on ${symbol}`,
    ...(Object.keys(detail).length === 0 ? [] : [`  ${JSON.stringify(detail)}`]),
    ...(mayHaveActed
      ? ["  no answer came: the receiver may have acted; look there before you run it again"]
      : []),
    ...(letter === undefined
      ? []
      : ["  it is a dead letter too: `dead-letters retry` runs it again with the same key"]),
    `invocation ${invocation}, idempotency key ${answer.idempotency_key}, entry ${entryId}`,
  ];
}

type Act = NonNullable<DryRun["preview"]["would"]>;

function actLines({ post, append, log, outcome }: Act): readonly string[] {
  return [
    ...(post === undefined ? [] : requestLines(post)),
    ...(append === undefined
      ? []
      : [
          `XADD ${append.stream}`,
          ...Object.entries(append.fields).map(([name, value]) => `  ${name}: ${value}`),
        ]),
    ...(log === undefined ? [] : [`log: ${log}`]),
    ...(outcome === undefined ? [] : [outcomeLine(outcome)]),
  ];
}

function requestLines({
  method,
  url,
  headers,
  body,
  timeout_ms: ms,
}: NonNullable<Act["post"]>): readonly string[] {
  return [
    `${method} ${url}`,
    ...Object.entries(headers).map(([name, value]) => `${name}: ${value}`),
    "",
    ...indented(body).split("\n"),
    "",
    `waits up to ${ms} ms for the answer, which decides what the task comes to`,
  ];
}

function outcomeLine({ status, reason, detail }: NonNullable<Act["outcome"]>): string {
  const shown = Object.keys(detail).length === 0 ? "" : ` ${JSON.stringify(detail)}`;
  return `outcome: ${status}${reason === null ? "" : `: ${reason}`}${shown}`;
}

/** JSON indented, with its numbers as they are written; any other text as it is. */
function indented(body: string): string {
  try {
    return stringify(parse(body), undefined, 2) ?? body;
  } catch (error) {
    if (error instanceof SyntaxError) return body;
    throw error;
  }
}
