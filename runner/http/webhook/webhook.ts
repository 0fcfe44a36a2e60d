import type { Context } from "hono";
import { blockListOf } from "../../../shared/config/config-values.ts";
import { NotConfirmedError } from "../../../shared/io/streams/signal-ingest.ts";
import type { FieldFault } from "../../../shared/signal/signal.ts";
import {
  parseObject,
  readAlert,
  type IntakeAnswer,
  type Members,
} from "../../../shared/signal/tradingview-alert.ts";
import { clientAddressOf, isAmong } from "../auth/client-address.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { newRoutes } from "../routes.ts";
import { authenticate, malformed } from "./authenticate.ts";
import { describeWebhook, type WebhookAnswer } from "./openapi.ts";
import type { BodyAnswer } from "./read-body.ts";
import { refusedAlerts } from "./refused-alerts.ts";

/** TradingView gives up after 3 s and sends again what was answered with 5xx. Both count from the request's arrival. */
const BODY_MS_MAX = 1_500;
const CONFIRM_MS_MAX = 2_000;

/**
 * `POST /webhooks/tradingview`, with or without the secret in the path: an alert becomes an entry of `signals_stream`.
 * What is refused is an event in the log.
 */
export function webhookRoutes(deps: HttpDeps) {
  const { config, events, clock } = deps.services;
  const { ingest } = deps;
  const secret = config.webhookSecret;
  if (secret === undefined || ingest === undefined)
    throw new Error("the webhook needs WEBHOOK_SECRET and an intake");

  const addressOf = clientAddressOf(deps);
  const alerts = refusedAlerts((event) => events.publish(event), secret);
  const limits = { bytesMax: config.httpBodyBytesMax, msMax: BODY_MS_MAX };
  const admit = authenticate({ secret, limits, addressOf, alerts });
  const allowed = config.webhookAllowCidrs.length > 0 ? blockListOf(config.webhookAllowCidrs) : undefined;

  const take = async (client: string | undefined, body: BodyAnswer, msLeft: () => number) => {
    if (allowed !== undefined && (client === undefined || !isAmong(allowed, client))) {
      throw new Problem({
        status: 403,
        code: "address_not_allowed",
        detail: `${client ?? "an unknown address"} is not in WEBHOOK_ALLOW_CIDRS`,
        hint: "behind a proxy, TRUSTED_PROXIES has to name it",
      });
    }
    if (body.status !== "read") throw new Problem(malformed(body.status, limits));
    const { fields, uid } = accepted(
      readAlert(objectIn(body.text), { secret, now: clock.now(), source: "tradingview" }),
    );
    return { entry_id: await ingest.add(fields, { msMax: msLeft() }), uid } satisfies WebhookAnswer;
  };

  const receive = async (c: Context): Promise<Response> => {
    const arrivedAt = performance.now();
    const body = await admit(c);
    const refusal = { client: addressOf(c), body: body.status === "read" ? body.text : undefined };
    try {
      const answer = await take(refusal.client, body, () => arrivedAt + CONFIRM_MS_MAX - performance.now());
      return c.json(answer, 202);
    } catch (error) {
      if (error instanceof NotConfirmedError) {
        alerts.refused({ ...refusal, problem: UNCONFIRMED, cause: error.message });
        throw new Problem(UNCONFIRMED);
      }
      if (error instanceof Problem) alerts.refused({ ...refusal, problem: error.options });
      throw error;
    }
  };

  const routes = newRoutes();
  describeWebhook(routes.openAPIRegistry);
  routes.post("/webhooks/tradingview", receive).post("/webhooks/tradingview/:secret", receive);
  return routes;
}

const UNCONFIRMED = {
  status: 503,
  code: "not_confirmed",
  detail: "Redis has not confirmed the signal in time",
  hint: "send it again; should both arrive, one is traded",
} as const;

function objectIn(text: string): Members {
  const alert = parseObject(text);
  if (alert !== undefined) return alert;
  throw new Problem({
    status: 400,
    code: "not_a_json_object",
    detail: "the body is not a JSON object",
    hint: 'expected something like {"message": "EMA_CROSS_LONG", "symbol": "{{ticker}}", "time": "{{time}}"}',
  });
}

function accepted(answer: IntakeAnswer): Extract<IntakeAnswer, { status: "accepted" }> {
  if (answer.status === "accepted") return answer;
  throw new Problem({
    status: 422,
    code: "invalid_signal",
    detail: "this can never be a signal",
    issues: answer.faults.map((fault) => ({ path: fault.field, message: faultText(fault) })),
  });
}

function faultText({ expected, given }: FieldFault): string {
  return given === undefined
    ? `missing: expected ${expected}`
    : `expected ${expected}, got ${JSON.stringify(given)}`;
}
