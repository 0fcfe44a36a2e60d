import { directionText } from "../../../shared/direction-text.ts";
import { errorIn, msText, reasonText } from "../../../shared/reason-text.ts";
import { strategyLabel } from "../../../shared/strategy-label.ts";
import { excerpt, printable, printableJsonLine } from "../../../shared/text.ts";
import {
  tailLineSchema,
  type TailedDecision,
  type TailedOutcome,
  type TailLine,
} from "../../http/signals/tail-schemas.ts";
import type { CommandIo } from "../command-io.ts";
import { effortText, reasonedText } from "./outcome-text.ts";

/** `cli tail`: decisions, attempts and outcomes as they are made, until it is interrupted. */

export interface TailOptions {
  readonly strategy?: string;
  readonly symbol?: string;
  readonly status?: string;
  readonly failed: boolean;
  readonly json: boolean;
}

export async function tailResults(
  { strategy, symbol, status, failed, json }: TailOptions,
  io: CommandIo,
  interrupted: AbortSignal,
): Promise<void> {
  const query = { strategy, symbol, status, failed: failed ? true : undefined };
  let isFed = true;
  await io.withRouter(async (router) => {
    for await (const line of router.lines({ path: "/tail", query, signal: interrupted })) {
      if (json) {
        io.print(printableJsonLine(line));
        continue;
      }
      const parsed = tailLineSchema.safeParse(line);
      if (!parsed.success) continue;
      if (parsed.data.kind === "began") io.say("following; Ctrl-C ends it");
      if (parsed.data.kind === "heartbeat" && (parsed.data.redis === "available") !== isFed) {
        isFed = !isFed;
        io.say(isFed ? "Redis answers again" : "Redis does not answer: what is decided follows when it does");
      }
      for (const text of tailTexts(parsed.data)) io.print(text);
    }
  });
  if (!interrupted.aborted) io.say("the router has ended the answer: it is stopping");
}

/** The line for people; none for those that only keep the connection open. */
export function tailTexts(line: TailLine): string[] {
  switch (line.kind) {
    case "began":
    case "heartbeat":
      return [];
    case "missed":
      return [`… ${line.count} not shown: more came than could be printed`];
    case "decision":
      return [printable(decisionLine(line))];
    case "attempt":
    case "outcome":
    case "report":
      return [printable(outcomeLine(line))];
  }
}

const STATUS_WIDTH = 11;

function decisionLine(line: TailedDecision): string {
  const signal = signalText(line, line);
  const head = `${timeOf(line.at)}  ${line.status.toUpperCase().padEnd(STATUS_WIDTH)} ${signal}`;
  return `${head}  ${whyText(line)}  ${line.entry_id ?? ""}`;
}

/** The strategies that got it, or why none did. */
function whyText({ duplicate_of, strategies, status, reason, detail }: TailedDecision): string {
  if (duplicate_of !== null) return `as ${duplicate_of}`;
  const [only] = strategies;
  // What is said of the whole signal holds for each of its strategies.
  if (reason !== null && (reason !== "no_eligible_strategy" || strategies.length !== 1))
    return reasonText(reason, detail);
  if (only !== undefined && strategies.length === 1)
    return `${strategyLabel(only.strategy_id, only.strategy)}: ${reasonedText(only)}`;
  const names = strategies.flatMap((one) =>
    one.status === "dispatched" ? [strategyLabel(one.strategy_id, one.strategy)] : [],
  );
  if (names.length === 0) return status;
  const others = strategies.length - names.length;
  const more = names.length > NAMED_MAX ? ` and ${names.length - NAMED_MAX} more` : "";
  return `→ ${names.slice(0, NAMED_MAX).join(", ")}${more}${others === 0 ? "" : `; ${others} not`}`;
}

/** Strategies that one line names. */
const NAMED_MAX = 4;

function outcomeLine(line: TailedOutcome): string {
  const status = line.kind === "attempt" ? "retrying" : line.status;
  const head = `${timeOf(line.at)}  ${status.padEnd(STATUS_WIDTH)} ${strategyLabel(line.strategy_id, line.strategy)}`;
  const signal = signalText(line, undefined);
  return [head, signal, endText(line), line.entry_id ?? line.uid ?? ""]
    .filter((part) => part !== "")
    .join("  ");
}

/** How it ended, after its status. */
function endText({ kind, attempt, duration_ms, reason, detail }: TailedOutcome): string {
  if (kind === "report")
    return `says its worker${Object.keys(detail).length === 0 ? "" : ` ${excerpt(JSON.stringify(detail))}`}`;
  if (kind === "attempt")
    return `after attempt ${attempt}${duration_ms === null ? "" : ` of ${msText(duration_ms)}`} – ${errorIn(detail) || (reason ?? "failed")}`;
  const effort = effortText({ attempt, duration_ms }).trimStart();
  return reason === null ? effort : `${effort}${effort === "" ? "" : " "}– ${reasonText(reason, detail)}`;
}

function signalText(
  { symbol, message }: Pick<TailLine & TailedDecision, "symbol" | "message">,
  decision: Pick<TailedDecision, "direction" | "side"> | undefined,
): string {
  if (symbol === null && message === null) return "";
  const { direction = null, side } = decision ?? {};
  const how = direction === null ? "" : ` (${directionText(direction, side)})`;
  return `${excerpt(message ?? "(no message)")} on ${excerpt(symbol ?? "(no symbol)")}${how}`;
}

function timeOf(iso: string): string {
  return new Date(iso).toISOString().slice(11, 19);
}
