import type { Context } from "hono";
import { webhookSecretsOf } from "../../../shared/config/webhook-secrets.ts";
import { NotConfirmedError } from "../../../shared/io/streams/signal-ingest.ts";
import { clientAddressOf } from "../auth/client-address.ts";
import { encodingProblem } from "../encoding.ts";
import type { NetworkDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { newRoutes, type AppEnv } from "../routes.ts";
import { isMeantForWebhook, isSourceName, WEBHOOK_PATHS, WRONG_PATH, wrongMethod } from "./addresses.ts";
import { authenticator } from "./authenticate.ts";
import { alertIntake } from "./intake.ts";
import { describeWebhook } from "./openapi.ts";
import { unconfirmed } from "./problems.ts";
import type { RefusedAlerts } from "./refused-alerts.ts";

/**
 * `POST /webhooks/<source>`, with or without its secret in the path. This room adds alerts to `signals_stream`, or refuses them and
 * publishes an event that says why.
 */
export function webhookRoutes(deps: NetworkDeps, alerts: RefusedAlerts) {
  const { services, ingest } = deps;
  const secrets = webhookSecretsOf(services.config);
  if (secrets === undefined || ingest === undefined) throw new Error("webhooks need a secret and an ingest");

  const addressOf = clientAddressOf(deps);
  const limits = { bytesMax: services.config.httpBodyBytesMax, msMax: BODY_MS_MAX };
  const requests = authenticator({ secrets: secrets.byName, limits, addressOf, alerts });
  const intake = alertIntake({ services, ingest, secrets, limits });

  const receive = async (c: Context<AppEnv>): Promise<Response> => {
    const arrivedAt = performance.now();
    const msLeft = (): number => arrivedAt + CONFIRM_MS_MAX - performance.now();
    const source = c.req.param("source") ?? "";
    // A path may lack the name, and have the secret in its place.
    const isName =
      isSourceName(source) && (c.req.param("secret") !== undefined || !requests.isSecret(source));
    if (!isName) return requests.refuse(c, WRONG_PATH);
    const body = await requests.authenticate(c, source);
    c.get("authenticated")?.();
    const client = addressOf(c);
    const refusal = { client, source, body: body.status === "read" ? body.text : undefined };
    try {
      const problem = encodingProblem(c);
      if (problem !== undefined) throw new Problem(problem);
      return c.json(await intake({ source, client, body, msLeft }), 202);
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
  return routes.use(async (c, next) => {
    if (isMeantForWebhook(c, requests.isSecret)) await requests.refuse(c, WRONG_PATH);
    await next();
  });
}

/** TradingView gives up after 3 s, and sends an alert again after a 5xx. Both limits count from the request's arrival. */
const BODY_MS_MAX = 1_500;
const CONFIRM_MS_MAX = 2_000;
