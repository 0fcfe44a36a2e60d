import type { OpenAPIHono } from "@hono/zod-openapi";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { DOCUMENT_BYTES_MAX } from "../../shared/reference-document/document-fields.ts";
import { accessLog } from "./access-log.ts";
import { clientAddressOf } from "./auth/client-address.ts";
import { limitInFlight } from "./auth/in-flight-limit.ts";
import { requireToken } from "./auth/require-token.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { addDocs } from "./docs.ts";
import { encodingProblem } from "./encoding.ts";
import { executionRoutes } from "./executions/routes.ts";
import { functionRoutes } from "./functions/routes.ts";
import type { AppDeps, NetworkDeps, OwnerDeps } from "./http-deps.ts";
import { eventRoutes } from "./operations/events.ts";
import { healthRoutes } from "./operations/health.ts";
import { invocationRoutes } from "./operations/invocations.ts";
import { metricsRoutes } from "./operations/metrics.ts";
import { pauseRoutes } from "./operations/pauses.ts";
import { referenceRoutes } from "./operations/reference.ts";
import { routerRoutes } from "./operations/routers.ts";
import { settingsRoutes } from "./operations/settings.ts";
import { statusRoutes } from "./operations/status.ts";
import { strategyRoutes } from "./operations/strategies.ts";
import { taskRoutes } from "./operations/tasks.ts";
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
import { newRoutes, type AppEnv, type PlatformBindings } from "./routes.ts";
import { signalRoutes } from "./signals/routes.ts";
import { tailRoutes } from "./signals/tail.ts";
import { isLikeWebhook } from "./webhook/addresses.ts";
import { refusedAlertsOf } from "./webhook/refused-alerts.ts";
import { sourceRoutes } from "./webhook/source-routes.ts";
import { webhookRoutes } from "./webhook/webhook.ts";

/**
 * The router over HTTP: a plain `fetch` handler, for a Node server as for serverless platforms. Each room of this folder is
 * a group of its routes; `server` accepts the connections, `auth` checks tokens and secrets.
 */
export function createHttpApp(deps: AppDeps): OpenAPIHono<AppEnv> {
  const { redis, logger } = deps.services;
  const app = newRoutes();
  app.use(requestId());
  app.use(accessLog(deps));
  app.use(secureHeaders());
  if ("token" in deps) checkRequests(app, deps);
  else admitOwner(app, deps);
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
  const bytesMax = bodyBytesMaxOf(deps);
  app.use(
    bodyLimit({
      maxSize: bytesMax,
      onError() {
        throw new Problem(bodyTooLarge(bytesMax));
      },
    }),
  );
  app.route("/", functionRoutes(deps));
  app.route("/", replayRoutes(deps));
  app.route("/", sourceRoutes(deps));
  app.route("/", pauseRoutes(deps));
  app.route("/", signalRoutes(deps));
  app.route("/", tailRoutes(deps));
  app.route("/", deadLetterRoutes(deps));
  app.route("/", executionRoutes(deps));
  app.route("/", referenceRoutes(deps));
  app.route("/", referenceEditRoutes(deps));
  app.route("/", taskRoutes(deps));
  app.route("/", routerRoutes(deps));
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

/** What may be asked over a network without the token, and the limits of such requests; everything else needs it. */
function checkRequests(app: OpenAPIHono<AppEnv>, deps: NetworkDeps): void {
  const alerts = refusedAlertsOf(deps.services);
  const addressOf = clientAddressOf(deps);
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
}

/** Every request is the owner's, as one with the token would be; alerts have no route. */
function admitOwner(app: OpenAPIHono<AppEnv>, deps: OwnerDeps): void {
  app.use(async (c, next) => {
    (c.env as PlatformBindings | undefined)?.authenticated?.();
    await next();
  });
  app.route("/", healthRoutes(deps));
  app.route("/", settingsRoutes(deps));
}

/** A document that a command may read has to reach the route. */
function bodyBytesMaxOf(deps: AppDeps): number {
  const { httpBodyBytesMax } = deps.services.config;
  return "token" in deps ? httpBodyBytesMax : Math.max(httpBodyBytesMax, DOCUMENT_BYTES_MAX);
}

function wrongMethod(method: string, allowed: readonly string[]): ProblemOptions {
  const allow = allowed.join(", ");
  const detail = `this path does not accept ${method}, only ${allow}`;
  return { status: 405, code: "method_not_allowed", detail, headers: { allow } };
}
