import type { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { accessLog } from "./access-log.ts";
import { clientAddressOf } from "./auth/client-address.ts";
import { limitInFlight } from "./auth/in-flight-limit.ts";
import { requireToken } from "./auth/require-token.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { addDocs } from "./docs.ts";
import { encodingProblem } from "./encoding.ts";
import { functionRoutes } from "./functions/routes.ts";
import type { HttpDeps } from "./http-deps.ts";
import { eventRoutes } from "./operations/events.ts";
import { healthRoutes } from "./operations/health.ts";
import { invocationRoutes } from "./operations/invocations.ts";
import { metricsRoutes } from "./operations/metrics.ts";
import { pauseRoutes } from "./operations/pauses.ts";
import { referenceRoutes } from "./operations/reference.ts";
import { statusRoutes } from "./operations/status.ts";
import { strategyRoutes } from "./operations/strategies.ts";
import {
  bodyTooLarge,
  Problem,
  problemOf,
  problemResponse,
  unexpectedProblem,
  type ProblemOptions,
} from "./problem.ts";
import { referenceEditRoutes } from "./reference/routes.ts";
import { replayRoutes } from "./replays/routes.ts";
import { newRoutes, type AppEnv } from "./routes.ts";
import { signalRoutes } from "./signals/routes.ts";
import { tailRoutes } from "./signals/tail.ts";
import { isLikeWebhook } from "./webhook/addresses.ts";
import { refusedAlertsOf } from "./webhook/refused-alerts.ts";
import { webhookRoutes } from "./webhook/webhook.ts";

/**
 * The router over HTTP: a plain `fetch` handler, for a Node server as for serverless platforms. Each room of this folder is
 * a group of its routes; `server` accepts the connections, `auth` checks tokens and secrets.
 */
export function createHttpApp(deps: HttpDeps): OpenAPIHono<AppEnv> {
  const { redis, logger, config } = deps.services;
  const alerts = refusedAlertsOf(deps.services);
  const addressOf = clientAddressOf(deps);
  const app = newRoutes();
  app.use(requestId());
  app.use(accessLog(deps));
  app.use(secureHeaders());
  app.use(
    limitInFlight(deps, {
      onRefused(c, problem) {
        if (isLikeWebhook(c.req.path)) alerts?.unauthenticated({ problem, client: addressOf(c) });
      },
    }),
  );
  // Routes that need no token come before the check of the token.
  app.route("/", healthRoutes(deps));
  if (alerts !== undefined) app.route("/", webhookRoutes(deps, alerts));

  app.use(requireToken(deps));
  app.use(
    methodNotAllowed({
      app,
      onMethodNotAllowed: (c, methods) => problemResponse(c, wrongMethod(c.req.method, methods)),
    }),
  );
  app.use(async (c, next) => {
    const problem = encodingProblem(c);
    if (problem !== undefined) throw new Problem(problem);
    await next();
  });
  app.use(
    bodyLimit({
      maxSize: config.httpBodyBytesMax,
      onError() {
        throw new Problem(bodyTooLarge(config.httpBodyBytesMax));
      },
    }),
  );
  app.route("/", functionRoutes(deps));
  app.route("/", replayRoutes(deps));
  app.route("/", pauseRoutes(deps));
  app.route("/", signalRoutes(deps));
  app.route("/", tailRoutes(deps));
  app.route("/", deadLetterRoutes(deps));
  app.route("/", referenceRoutes(deps));
  app.route("/", referenceEditRoutes(deps));
  app.route("/", statusRoutes(deps));
  app.route("/", strategyRoutes(deps));
  app.route("/", eventRoutes(deps));
  app.route("/", invocationRoutes(deps));
  app.route("/", metricsRoutes(deps));
  addDocs(app);

  app.notFound((c) =>
    problemResponse(c, {
      status: 404,
      code: "no_such_route",
      detail: `this path has no route for ${c.req.method}`,
      hint: "GET /openapi.json lists the routes",
    }),
  );
  app.onError((error, c) => {
    const problem = problemOf(error, { redisReady: redis.status === "ready" });
    if (problem !== undefined) return problemResponse(c, problem);
    // The client has disconnected, perhaps in the middle of its body, and reads no answer.
    if (c.req.raw.signal.aborted) return c.body(null, 400);
    return problemResponse(c, unexpectedProblem(c, error, logger));
  });
  return app;
}

function wrongMethod(method: string, allowed: readonly string[]): ProblemOptions {
  const allow = allowed.join(", ");
  const detail = `this path does not accept ${method}, only ${allow}`;
  return { status: 405, code: "method_not_allowed", detail, headers: { allow } };
}
