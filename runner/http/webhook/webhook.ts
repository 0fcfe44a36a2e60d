import type { Context } from "hono";
import { blockListOf } from "../../../shared/config/config-values.ts";
import { NESTING_MAX } from "../../../shared/exact-json.ts";
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
import { authenticator, unreadBody } from "./authenticate.ts";
import { describeWebhook, type WebhookAnswer } from "./openapi.ts";
import type { BodyAnswer } from "./read-body.ts";
import { refusedAlerts } from "./refused-alerts.ts";

/**
 * `POST /webhooks/tradingview`, with or without the secret in the path. This room adds an alert to `signals_stream`, or refuses
 * it and publishes an event that says why.
 */
export function webhookRoutes(deps: HttpDeps) {
  const { config, events, clock, counters } = deps.services;
  const { ingest } = deps;
  const secret = config.webhookSecret;
  if (secret === undefined || ingest === undefined)
    throw new Error("the webhook needs WEBHOOK_SECRET and an ingest");

  const addressOf = clientAddressOf(deps);
  const alerts = refusedAlerts({
    publish: (event) => events.publish(event),
    count: (counter) => counters.add(counter),
    secret,
  });
  const limits = { bytesMax: config.httpBodyBytesMax, msMax: BODY_MS_MAX };
  const authenticate = authenticator({ secret, limits, addressOf, alerts });
  const allowed = config.webhookAllowCidrs.length > 0 ? blockListOf(config.webhookAllowCidrs) : undefined;

  const ingestAlert = async (client: string | undefined, body: BodyAnswer, msLeft: () => number) => {
    if (allowed !== undefined && (client === undefined || !isAmong(allowed, client))) {
      throw new Problem({
        status: 403,
        code: "address_not_allowed",
        detail: `${client ?? "an unknown address"} is not in WEBHOOK_ALLOW_CIDRS`,
        hint: "if the router is behind a proxy, list the proxy in TRUSTED_PROXIES",
      });
    }
    if (body.status !== "read") throw new Problem(unreadBody(body.status, limits));
    const { fields, uid } = accepted(
      readAlert(objectIn(body.text), { secret, now: clock.now(), source: "tradingview" }),
    );
    return { entry_id: await ingest.add(fields, { msMax: msLeft() }), uid } satisfies WebhookAnswer;
  };

  const receive = async (c: Context): Promise<Response> => {
    const arrivedAt = performance.now();
    const msLeft = (): number => arrivedAt + CONFIRM_MS_MAX - performance.now();
    const body = await authenticate(c);
    const refusal = { client: addressOf(c), body: body.status === "read" ? body.text : undefined };
    try {
      return c.json(await ingestAlert(refusal.client, body, msLeft), 202);
    } catch (error) {
      if (error instanceof NotConfirmedError) {
        alerts.authenticated({ ...refusal, problem: UNCONFIRMED, cause: error.message });
        throw new Problem(UNCONFIRMED);
      }
      if (error instanceof Problem) alerts.authenticated({ ...refusal, problem: error.options });
      throw error;
    }
  };

  const routes = newRoutes();
  describeWebhook(routes.openAPIRegistry);
  routes.post("/webhooks/tradingview", receive).post("/webhooks/tradingview/:secret", receive);
  return routes;
}

/** TradingView gives up after 3 s, and sends an alert again after a 5xx. Both limits count from the request's arrival. */
const BODY_MS_MAX = 1_500;
const CONFIRM_MS_MAX = 2_000;

const UNCONFIRMED = {
  status: 503,
  code: "not_confirmed",
  detail: "Redis has not confirmed the signal in time",
  hint: "send the alert again: if both arrive, only one is traded",
} as const;

function objectIn(text: string): Members {
  const alert = parseObject(text);
  if (alert !== undefined) return alert;
  throw new Problem({
    status: 400,
    code: "not_a_json_object",
    detail: `the body is not a JSON object, or nested deeper than ${NESTING_MAX} levels`,
    hint: 'expected an object such as {"message": "EMA_CROSS_LONG", "symbol": "{{ticker}}", "time": "{{time}}"}',
  });
}

function accepted(answer: IntakeAnswer): Extract<IntakeAnswer, { status: "accepted" }> {
  if (answer.status === "accepted") return answer;
  throw new Problem({
    status: 422,
    code: "invalid_signal",
    detail: "the alert is not a valid signal",
    issues: answer.faults.map((fault) => ({ path: fault.field, message: faultText(fault) })),
  });
}

function faultText({ expected, given }: FieldFault): string {
  return given === undefined
    ? `missing: expected ${expected}`
    : `expected ${expected}, got ${JSON.stringify(given)}`;
}
