import type { OpenAPIHono } from "@hono/zod-openapi";
import type { Context } from "hono";
import { bodyLimit } from "hono/body-limit";
import { methodNotAllowed } from "hono/method-not-allowed";
import { requestId } from "hono/request-id";
import { secureHeaders } from "hono/secure-headers";
import { messageOf } from "../../shared/error-message.ts";
import { accessLog } from "./access-log.ts";
import { requireToken } from "./auth/require-token.ts";
import { deadLetterRoutes } from "./dead-letters/routes.ts";
import { addDocs } from "./docs.ts";
import { functionRoutes } from "./functions/routes.ts";
import type { HttpDeps } from "./http-deps.ts";
import { healthRoutes } from "./operations/health.ts";
import { metricsRoutes } from "./operations/metrics.ts";
import { pauseRoutes } from "./operations/pauses.ts";
import { referenceRoutes } from "./operations/reference.ts";
import { Problem, problemOf, problemResponse } from "./problem.ts";
import { replayRoutes } from "./replays/routes.ts";
import { newRoutes, type AppEnv } from "./routes.ts";
import { signalRoutes } from "./signals/routes.ts";
import { webhookRoutes } from "./webhook/webhook.ts";

/** The router over HTTP: a plain `fetch` handler, for a Node server as for serverless platforms. */
export function createHttpApp(deps: HttpDeps): OpenAPIHono<AppEnv> {
  const { redis, logger, config } = deps.services;
  const app = newRoutes();
  app.use(requestId());
  app.use(accessLog(deps));
  app.use(secureHeaders());
  // What answers without the token comes before the guard.
  app.route("/", healthRoutes(deps));
  if (config.webhookSecret !== undefined) app.route("/", webhookRoutes(deps));

  app.use(requireToken(deps));
  app.use(methodNotAllowed({ app, onMethodNotAllowed }));
  app.use(
    bodyLimit({ maxSize: config.httpBodyBytesMax, onError: () => refuseBody(config.httpBodyBytesMax) }),
  );
  app.route("/", functionRoutes(deps));
  app.route("/", replayRoutes(deps));
  app.route("/", pauseRoutes(deps));
  app.route("/", signalRoutes(deps));
  app.route("/", deadLetterRoutes(deps));
  app.route("/", referenceRoutes(deps));
  app.route("/", metricsRoutes(deps));
  addDocs(app);

  app.notFound((c) =>
    problemResponse(c, {
      status: 404,
      code: "no_such_route",
      detail: `there is no ${c.req.method} on this path`,
      hint: "GET /openapi.json lists the routes",
    }),
  );
  app.onError((error, c) => {
    const problem = problemOf(error, { redisReady: redis.status === "ready" });
    if (problem !== undefined) return problemResponse(c, problem);
    // Whoever asked has gone, in the middle of a body perhaps, and reads no answer.
    if (c.req.raw.signal.aborted) return c.body(null, 400);
    logger.error({ err: error, request_id: c.get("requestId") }, `request failed: ${messageOf(error)}`);
    const detail = "something went wrong that should not have";
    const hint = "the router's log has the details under this request_id";
    return problemResponse(c, { status: 500, code: "internal_error", detail, hint });
  });
  return app;
}

function onMethodNotAllowed(c: Context, methods: string[]): Response {
  const allow = methods.join(", ");
  return problemResponse(c, {
    status: 405,
    code: "method_not_allowed",
    detail: `${c.req.method} is not something this path answers; ${allow} is`,
    headers: { allow },
  });
}

function refuseBody(bytesMax: number): never {
  throw new Problem({
    status: 413,
    code: "body_too_large",
    detail: `the body is larger than HTTP_BODY_BYTES_MAX, ${bytesMax} bytes`,
  });
}
