import type { Phrase } from "../../../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../../../shared/reference/snapshot.ts";
import type { WebhookSource } from "../../../shared/reference/webhook-source.ts";
import { foldPhrase } from "../../../shared/signal/signal.ts";
import {
  readAlerts,
  type AlertReader,
  type AlertsAnswer,
  type ReadOptions,
} from "../../../shared/webhook-source/read-alerts.ts";
import { NOW } from "../../builders.ts";

/** What a body becomes by a source, with the secret `s3cret-value`. */

export const SECRET = "s3cret-value";
export const MINUTE = Date.UTC(2025, 0, 15, 12);

const redact = (text: string): string => text.replaceAll(SECRET, "***");

export function read(
  body: string,
  source: AlertReader["source"],
  changes: Partial<ReadOptions> = {},
): AlertsAnswer {
  const options = { redact, storedBody: redact, now: NOW, source: "bot", arrivalTime: MINUTE };
  return readAlerts(body, { source }, { ...options, snapshot: SNAPSHOT, ...changes });
}

/** The fields of the only alert, without those that every alert has. */
export function fieldsOf(answer: AlertsAnswer): Readonly<Record<string, string>> {
  if (answer.status !== "accepted") throw new Error(JSON.stringify(answer));
  const { received_at: _, ...fields } = answer.alerts[0]?.fields ?? {};
  return fields;
}

export function uidOf(answer: AlertsAnswer): string | undefined {
  if (answer.status !== "accepted") throw new Error(JSON.stringify(answer));
  return answer.alerts[0]?.signal.uid;
}

/** What is wrong, one line for each fault. */
export function wrongIn(answer: AlertsAnswer): string {
  switch (answer.status) {
    case "accepted":
      return "nothing";
    case "unreadable":
      return `${answer.line ?? "-"}:${answer.column ?? "-"} ${answer.message}`;
    case "invalid":
      return answer.faults
        .map(
          ({ index, field, expected, given }) =>
            `${index ?? ""}${field}: ${expected} (${given ?? "missing"})`,
        )
        .join("\n");
    case "no_snapshot":
      return "no snapshot";
  }
}

export function sourceOf(
  template: WebhookSource["template"],
  more: Partial<WebhookSource> = {},
): WebhookSource {
  return { enabled: true, format: "json", template, ...more };
}

function phrase(
  text: string,
  direction: Phrase["direction"],
  signalIds: number[],
  side?: Phrase["side"],
): [string, Phrase] {
  const [signalId = 0] = signalIds;
  const closes = side === undefined ? {} : { side };
  const ids = { signal_id: signalId, signal_ids: signalIds, strategy_ids: [] };
  return [foldPhrase(text), { phrase: text, state: "enabled", ...ids, direction, ...closes }];
}

/** Signal 1 has an exit for longs and one for both, signal 2 none. */
export const SNAPSHOT: Snapshot = snapshotOf("v", {
  tickers: new Map(),
  strategies: new Map(),
  sources: new Map(),
  phrases: new Map<string, Phrase>([
    phrase("EMA_CROSS_LONG", "long", [1]),
    phrase("EMA_CROSS_SHORT", "short", [1]),
    phrase("EMA_EXIT_LONG", "flat", [1], "long"),
    phrase("EMA_EXIT", "flat", [1]),
    phrase("RSI_LONG", "long", [2]),
    phrase("SHARED", "long", [1, 2]),
  ]),
});
