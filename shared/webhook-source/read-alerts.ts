import type { Fields } from "../entry.ts";
import { exactJson } from "../exact-json.ts";
import type { Snapshot } from "../reference/snapshot.ts";
import type { WebhookSource } from "../reference/webhook-source.ts";
import { BODY_FIELD } from "../signal/extra.ts";
import type { FieldFault, Signal } from "../signal/signal.ts";
import { readAlert, type Members } from "../signal/tradingview-alert.ts";
import { cutText } from "../text.ts";
import { applySource, type SourceOptions } from "./apply-source.ts";
import { isMembers } from "./body-value.ts";
import { parseBody, type BodyFault } from "./parse-body.ts";
import { strategyAlert, type OrderCause, type StrategyAnswer } from "./strategy-alert.ts";
import { textAlert } from "./text-alert.ts";

/**
 * This room makes signals of what other programs send: of a whole body its alerts, by a built-in source or by the template of one's
 * own. A list is accepted as a whole or refused as a whole.
 */
export function readAlerts(body: string, reader: AlertReader, options: ReadOptions): AlertsAnswer {
  const { redact } = options;
  if (isUtf16(body)) return { status: "unreadable", message: UTF16 };
  if (reader.source === "text") {
    const parsed = textAlert(body);
    if (!parsed.ok) return unreadable(parsed, () => textAlert(redact(body)));
    const { time, bar_time: barTime } = parsed.members;
    const hasTime = [time, barTime].some((text) => typeof text === "string" && text.trim() !== "");
    const arrival = hasTime ? {} : { bar_time: new Date(options.arrivalTime).toISOString() };
    const answer = readAlert({ ...parsed.members, ...arrival }, options);
    return wholeOf([answer], { isList: false, bodies: [options.storedBody(body)] });
  }

  const format = typeof reader.source === "string" ? "json" : reader.source.format;
  const parsed = parseBody(body, format);
  if (!parsed.ok) return unreadable(parsed, () => parseBody(redact(body), format));
  const { alerts, isList } = parsed;
  if (isList && (alerts.length === 0 || alerts.length > ALERTS_MAX)) {
    const message = `the list has ${alerts.length} alerts: expected 1 to ${ALERTS_MAX}`;
    return { status: "unreadable", message };
  }
  const other = alerts.findIndex((alert) => !isMembers(alert));
  if (other !== -1) {
    const message = isList ? `alert ${other} of the list is no object` : "the body is JSON, but no object";
    return { status: "unreadable", message };
  }
  if (reader.source === "tradingview-strategy" && options.snapshot === undefined)
    return { status: "no_snapshot" };
  const answers = alerts.map((alert) => readOne(alert as Members, reader, options));
  const keepsBody = reader.source !== "tradingview";
  const bodyOf = (alert: unknown): string => options.storedBody(isList ? exactJson(alert) : body);
  return wholeOf(answers, { isList, bodies: keepsBody ? alerts.map(bodyOf) : [] });
}

/** How the bodies of a webhook are read: by a built-in source, or by one of the reference. */
export interface AlertReader {
  readonly source: BuiltInSource | WebhookSource;
}

export type BuiltInSource = "tradingview" | "text" | "tradingview-strategy";

export interface ReadOptions extends SourceOptions {
  /** The body as it is kept, without secrets. */
  readonly storedBody: (body: string) => string;
  /** What `tradingview-strategy` finds its phrases in. */
  readonly snapshot: Snapshot | undefined;
}

export type AlertsAnswer =
  | { readonly status: "accepted"; readonly alerts: readonly ReadAlert[]; readonly isList: boolean }
  /** The body is not of the form that the source expects. */
  | ({ readonly status: "unreadable" } & BodyFault)
  | {
      readonly status: "invalid";
      readonly faults: readonly AlertFault[];
      /** Of each of its orders that is refused, when it is the same of all. */
      readonly cause: OrderCause | undefined;
    }
  | { readonly status: "no_snapshot" };

/** An alert as fields for `signals_stream`, and the signal they are. */
export interface ReadAlert {
  readonly fields: Fields;
  readonly signal: Signal;
}

export interface AlertFault extends FieldFault {
  /** Which alert of a list, from 0. */
  readonly index?: number;
}

/** Most alerts of one body. */
export const ALERTS_MAX = 100;

function readOne(alert: Members, { source }: AlertReader, options: ReadOptions): StrategyAnswer {
  if (source === "tradingview") return readAlert(alert, options);
  if (source === "text") throw new Error("a text is no list of alerts");
  if (source !== "tradingview-strategy") return applySource(source, withoutSecret(alert), options);
  const { snapshot } = options;
  if (snapshot === undefined) throw new Error("the alerts of strategies need a snapshot");
  return strategyAlert(alert, snapshot, options);
}

/** A template reaches no secret. */
function withoutSecret(alert: Members): Members {
  return Object.fromEntries(Object.entries(alert).filter(([name]) => name !== "secret"));
}

const UTF16 = "the body is in UTF-16, of which every second byte is zero: expected UTF-8";

/** Whether a body that was read as UTF-8 begins as UTF-16 does, with the mark of its byte order or without. */
function isUtf16(body: string): boolean {
  return /^\uFFFD{0,2}(?:[^\0]\0|\0[^\0])/.test(body);
}

function unreadable(found: BodyFault, readRedacted: () => { readonly ok: boolean }): AlertsAnswer {
  const { line, column } = found;
  // What stands there may be a part of the secret.
  const read: { readonly ok: boolean; readonly message?: string } = readRedacted();
  const message = read.message ?? "it cannot be read there";
  const place = line === undefined || column === undefined ? {} : { line, column };
  return { status: "unreadable", message, ...place };
}

function wholeOf(
  answers: readonly StrategyAnswer[],
  { isList, bodies }: { readonly isList: boolean; readonly bodies: readonly string[] },
): AlertsAnswer {
  const alerts: ReadAlert[] = [];
  const faults: AlertFault[] = [];
  const causes = new Set<OrderCause | undefined>();
  for (const [index, answer] of answers.entries()) {
    if (answer.status === "refused") {
      causes.add(answer.cause);
      for (const fault of answer.faults) faults.push(isList ? { ...fault, index } : fault);
      continue;
    }
    const { fields, signal } = answer;
    const body = bodies[index];
    alerts.push({ fields: body === undefined ? fields : { ...fields, [BODY_FIELD]: cutText(body) }, signal });
  }
  const [cause] = causes.size === 1 ? causes : [];
  return faults.length > 0 ? { status: "invalid", faults, cause } : { status: "accepted", alerts, isList };
}
