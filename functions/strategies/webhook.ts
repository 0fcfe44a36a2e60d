import { createHmac } from "node:crypto";
import * as z from "zod";
import { isoTime } from "../../shared/signal/time.ts";
import {
  address,
  defineStrategy,
  outcomeOfStatus,
  secretName,
  type PostAnswer,
  type StrategyTask,
} from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";
import { webhookHeaders } from "./webhook-headers.ts";

/**
 * The handler `webhook` POSTs the signal to the strategy's URL as JSON. A 2xx is `executed`. Timeouts, lost connections, 408,
 * 425, 429 and 5xx are tried again, each time with the same `Idempotency-Key`. Any other status fails for good as
 * `http_<status>`.
 *
 * With a `secret`, a delivery is signed: `X-Signature` is `sha256=` and the hex HMAC-SHA256, keyed with the secret's value, of
 * `X-Signature-Timestamp` (Unix seconds), a dot and the raw body. To verify it, compute it over the bytes received, compare in
 * constant time, and refuse timestamps more than a few minutes old, so that a recorded delivery cannot be sent again later.
 */
const paramsSchema = z.strictObject({
  url: address(),
  /** Name of the key that deliveries are signed with: the variable STRATEGY_SECRET_<NAME>. */
  secret: secretName().optional(),
  headers: webhookHeaders.default({}),
  timeout_ms: z.int().min(1).max(600_000).default(5_000),
});
type Params = z.output<typeof paramsSchema>;

export const webhook = defineStrategy({
  name: "webhook",
  params: paramsSchema,
  plan(task: StrategyTask<Params>) {
    const { params, idempotencyKey, secret, now } = task;
    const body = JSON.stringify(deliveryOf(task));
    const headers = {
      ...params.headers,
      "Content-Type": "application/json",
      "User-Agent": "signal-router",
      "Idempotency-Key": idempotencyKey,
      ...(params.secret === undefined ? {} : signature(body, secret(params.secret), now)),
    };
    return {
      post: { url: params.url, headers, body, timeoutMs: params.timeout_ms },
      outcome: (answer) =>
        outcomeOfStatus(answer.status, new URL(params.url).host, shownAnswer(answer, params)),
    };
  },
});

function deliveryOf({ signal, strategy, idempotencyKey, attempt }: StrategyTask<Params>) {
  return {
    signal: {
      uid: signal.uid,
      signal_id: signal.signalId,
      symbol: signal.symbol,
      direction: signal.direction,
      ...(signal.direction === "flat" ? { side: signal.side } : {}),
      bar_time: isoTime(signal.barTime),
      sent_at: signal.sentAt === null ? null : isoTime(signal.sentAt),
      received_at: isoTime(signal.receivedAt),
      source: signal.source,
      entry_id: signal.entryId,
      invocation: signal.invocation,
      ...(Object.keys(signal.extra).length === 0 ? {} : { extra: signal.extra }),
    },
    strategy: { id: strategy.id, name: strategy.name },
    idempotency_key: idempotencyKey,
    attempt,
  };
}

function signature(body: string, key: string, now: number): Record<string, string> {
  const timestamp = String(Math.floor(now / 1_000));
  const hex = createHmac("sha256", key).update(`${timestamp}.${body}`).digest("hex");
  return { "X-Signature-Timestamp": timestamp, "X-Signature": `sha256=${hex}` };
}

/** The beginning of the answer, if it is text, without the URL's path: error pages repeat the path, and it may be a token. */
function shownAnswer({ text }: PostAnswer, { url }: Params): { readonly answer?: string } {
  const { pathname, search } = new URL(url);
  let shown = text.trim();
  for (const part of [pathname + search, pathname, search.slice(1)]) {
    if (part.length > 1) shown = shown.replaceAll(part, "***");
  }
  // oxlint-disable-next-line no-control-regex
  return shown === "" || /[\0-\x08\x0e-\x1f\uFFFD]/.test(shown) ? {} : { answer: excerpt(shown) };
}
