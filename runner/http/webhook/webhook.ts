import type { Context } from "hono";
import { blockListOf } from "../../../shared/config/config-values.ts";
import { redactSecret } from "../../../shared/config/redact-secret.ts";
import { repeatedNameIn } from "../../../shared/exact-json.ts";
import { NotConfirmedError } from "../../../shared/io/streams/signal-ingest.ts";
import { jsonFault } from "../../../shared/signal/json-fault.ts";
import type { FieldFault } from "../../../shared/signal/signal.ts";
import {
  parseObject,
  readAlert,
  type IntakeAnswer,
  type Members,
} from "../../../shared/signal/tradingview-alert.ts";
import { shadowRefusal, TAKES_NO_SIGNALS } from "../../engine/shadow-refused.ts";
import { clientAddressOf, isAmong } from "../auth/client-address.ts";
import { secretMatcher } from "../auth/credentials.ts";
import { encodingProblem } from "../encoding.ts";
import type { NetworkDeps } from "../http-deps.ts";
import { Problem, type ProblemOptions } from "../problem.ts";
import { newRoutes, type AppEnv } from "../routes.ts";
import { isMeantForWebhook, WEBHOOK_PATHS, WRONG_PATH, wrongMethod } from "./addresses.ts";
import { authenticator, unreadBody } from "./authenticate.ts";
import { describeWebhook, type WebhookAnswer } from "./openapi.ts";
import type { BodyAnswer } from "./read-body.ts";
import type { RefusedAlerts } from "./refused-alerts.ts";

/**
 * `POST /webhooks/tradingview`, with or without the secret in the path. This room adds an alert to `signals_stream`, or refuses
 * it and publishes an event that says why.
 */
export function webhookRoutes(deps: NetworkDeps, alerts: RefusedAlerts) {
  const { config, clock, keys } = deps.services;
  const { ingest } = deps;
  const secret = config.webhookSecret;
  if (secret === undefined || ingest === undefined)
    throw new Error("the webhook needs WEBHOOK_SECRET and an ingest");

  const addressOf = clientAddressOf(deps);
  const limits = { bytesMax: config.httpBodyBytesMax, msMax: BODY_MS_MAX };
  const requests = authenticator({ secret, limits, addressOf, alerts });
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
    if (keys.suffix !== "") throw new Problem(SHADOW);
    if (body.status !== "read") throw new Problem(unreadBody(body.status, limits));
    const { fields, uid } = accepted(
      readAlert(objectIn(body.text, secret), { secret, now: clock.now(), source: "tradingview" }),
    );
    return { entry_id: await ingest.add(fields, { msMax: msLeft() }), uid } satisfies WebhookAnswer;
  };

  const receive = async (c: Context<AppEnv>): Promise<Response> => {
    const arrivedAt = performance.now();
    const msLeft = (): number => arrivedAt + CONFIRM_MS_MAX - performance.now();
    const body = await requests.authenticate(c);
    c.get("authenticated")?.();
    const refusal = { client: addressOf(c), body: body.status === "read" ? body.text : undefined };
    try {
      const problem = encodingProblem(c);
      if (problem !== undefined) throw new Problem(problem);
      return c.json(await ingestAlert(refusal.client, body, msLeft), 202);
    } catch (error) {
      if (error instanceof NotConfirmedError) {
        const problem = unconfirmed(error);
        alerts.authenticated({ ...refusal, problem, cause: error.message });
        throw new Problem(problem);
      }
      if (error instanceof Problem) alerts.authenticated({ ...refusal, problem: error.options });
      throw error;
    }
  };

  const routes = newRoutes();
  describeWebhook(routes.openAPIRegistry);
  for (const path of WEBHOOK_PATHS) {
    routes.post(path, receive).all(path, async (c) => requests.refuse(c, wrongMethod(c.req.method)));
  }
  const isSecret = secretMatcher(secret);
  return routes.use(async (c, next) => {
    if (isMeantForWebhook(c, isSecret)) await requests.refuse(c, WRONG_PATH);
    await next();
  });
}

/** TradingView gives up after 3 s, and sends an alert again after a 5xx. Both limits count from the request's arrival. */
const BODY_MS_MAX = 1_500;
const CONFIRM_MS_MAX = 2_000;

const SHADOW = {
  status: 409,
  code: "shadow_router",
  detail: shadowRefusal(TAKES_NO_SIGNALS),
  hint: "send alerts to the router that trades: this one decides them as well",
} as const;

const UNCONFIRMED = {
  status: 503,
  code: "not_confirmed",
  detail: "Redis has not confirmed the signal in time",
  hint: "send the alert again: if both arrive, only one is traded",
} as const;

function unconfirmed({ refusal }: NotConfirmedError): ProblemOptions {
  if (refusal === undefined) return UNCONFIRMED;
  const { meaning, said } = refusal;
  return { ...UNCONFIRMED, detail: `${meaning}, so the signal was not accepted (Redis said: ${said})` };
}

/** @throws Problem that says where the body is no JSON object that means one thing */
function objectIn(text: string, secret: string): Members {
  const alert = parseObject(text);
  if (alert !== undefined && repeatedNameIn(text) === undefined) return alert;
  const fault = jsonFault(text);
  // What stands there may be a part of the secret.
  const said = jsonFault(redactSecret(text, secret)) ?? fault;
  const detail =
    fault === undefined
      ? "the body is JSON, but no object"
      : `the body is no valid JSON: line ${fault.line}, column ${fault.column}: ${said?.message}`;
  const hint =
    'expected an object such as {"message": "EMA_CROSS_LONG", "symbol": "{{ticker}}", "time": "{{time}}"}';
  throw new Problem({ status: 400, code: "not_a_json_object", detail, hint });
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
