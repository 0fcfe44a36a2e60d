import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import type { FieldFault } from "../../../shared/signal/signal.ts";
import type {
  AlertFault,
  AlertReader,
  AlertsAnswer,
  BuiltInSource,
} from "../../../shared/webhook-source/read-alerts.ts";
import type { OrderCause } from "../../../shared/webhook-source/strategy-alert.ts";
import { Problem, type ProblemOptions } from "../problem.ts";
import { disabledSource, NO_SNAPSHOT, unknownSource } from "./problems.ts";

/** How the bodies of a source are read on a snapshot. @throws Problem when there is no such source, or it is disabled */
export function alertReaderOf(name: string, snapshot: Snapshot): AlertReader {
  if (isBuiltIn(name)) return { source: name };
  const source = snapshot.sources.get(name);
  if (source === undefined) throw new Problem(unknownSource(name));
  if (!source.enabled) throw new Problem(disabledSource(name));
  return { source };
}

/** The problem with a body that does not become signals. */
export function refusedAnswer(
  answer: Exclude<AlertsAnswer, { status: "accepted" }>,
  source: string,
): ProblemOptions {
  switch (answer.status) {
    case "no_snapshot":
      return NO_SNAPSHOT;
    case "unreadable":
      return unreadable(answer, source);
    case "invalid":
      return problemOf(answer.cause, answer.faults);
  }
}

function problemOf(cause: OrderCause | undefined, faults: readonly AlertFault[]): ProblemOptions {
  switch (cause) {
    case "size_change":
      return sizeChange(faults);
    case "no_exit_phrase":
      return noExitPhrase(faults);
    case undefined:
      return invalid(faults);
  }
}

function isBuiltIn(name: string): name is BuiltInSource {
  return name === "tradingview" || name === "text" || name === "tradingview-strategy";
}

function unreadable(
  { message, line, column }: Extract<AlertsAnswer, { status: "unreadable" }>,
  source: string,
): ProblemOptions {
  const isPlaced = line !== undefined && column !== undefined;
  if (source !== "tradingview" && source !== "tradingview-strategy") {
    const place = isPlaced ? `, line ${line}, column ${column}` : "";
    const detail = `the body is not of the form that ${source} reads${place}: ${message}`;
    return {
      status: 400,
      code: "unreadable_body",
      detail,
      hint: `try it with \`cli sources try ${source}\``,
    };
  }
  const detail = isPlaced ? `the body is no valid JSON: line ${line}, column ${column}: ${message}` : message;
  return { status: 400, code: "not_a_json_object", detail, hint: JSON_HINTS[source] };
}

const JSON_HINTS = {
  tradingview:
    'expected an object such as {"message": "EMA_CROSS_LONG", "symbol": "{{ticker}}", "time": "{{time}}"}',
  "tradingview-strategy":
    'expected an object with "signal", "symbol", "time", "timenow", "order_id", "market_position" and "prev_market_position"',
} as const;

function sizeChange(faults: readonly AlertFault[]): ProblemOptions {
  return {
    status: 422,
    code: "size_change",
    detail: "the order changes the size of a position, and not its side",
    hint: 'nothing has to be done; to act on such orders, name a phrase for them in the body: "map": {"size_change": "…"}',
    issues: issuesOf(faults),
  };
}

function noExitPhrase(faults: readonly AlertFault[]): ProblemOptions {
  return {
    status: 422,
    code: "no_exit_phrase",
    detail: `the order closes a position, and its signal (${faults[0]?.given ?? ""}) has no phrase for that, so nothing is closed`,
    hint: "give the signal an exit_phrase, or one of that side; strategies without `exits` ignore it",
    issues: issuesOf(faults),
  };
}

function invalid(faults: readonly AlertFault[]): ProblemOptions {
  const isList = faults.some(({ index }) => index !== undefined);
  return {
    status: 422,
    code: "invalid_signal",
    detail: isList
      ? "the list has alerts that are no valid signals, so none of it was accepted"
      : "the alert is not a valid signal",
    issues: issuesOf(faults),
  };
}

/** More would not be read, and each is in the event. */
const ISSUES_MAX = 50;

function issuesOf(faults: readonly AlertFault[]): NonNullable<ProblemOptions["issues"]> {
  const issues = faults.slice(0, ISSUES_MAX).map(({ index, ...fault }) => ({
    path: index === undefined ? fault.field : `[${index}].${fault.field}`,
    message: faultText(fault),
  }));
  const more = faults.length - issues.length;
  return more === 0 ? issues : [...issues, { path: "", message: `${more} more` }];
}

function faultText({ expected, given }: FieldFault): string {
  return given === undefined
    ? `missing: expected ${expected}`
    : `expected ${expected}, got ${JSON.stringify(given)}`;
}
