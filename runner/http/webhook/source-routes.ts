import { createRoute, z } from "@hono/zod-openapi";
import { secretVariableOf } from "../../../shared/config/source-secrets.ts";
import { webhookSecretsOf, type WebhookSecrets } from "../../../shared/config/webhook-secrets.ts";
import { decide } from "../../../shared/decide/decide.ts";
import { resolveSignal, uidIn } from "../../../shared/decide/resolve-symbol.ts";
import type { Snapshot } from "../../../shared/reference/snapshot.ts";
import type { Signal } from "../../../shared/signal/signal.ts";
import { BUILT_IN_NAMES, sourceFaults } from "../../../shared/source-faults.ts";
import { readAlerts } from "../../../shared/webhook-source/read-alerts.ts";
import type { RoutingContext } from "../../bindings/routing-context.ts";
import type { Services } from "../../setup/services.ts";
import type { HttpDeps } from "../http-deps.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { alertReaderOf, refusedAnswer } from "./alert-reader.ts";
import { NO_SNAPSHOT } from "./problems.ts";
import { sourcesSchema, trialSchema, type SourceView, type Trial } from "./source-schemas.ts";

/** `GET /sources` and `POST /sources/{name}/try`: the webhook sources, and what a body would become. */

const common = { security: BEARER, tags: ["webhook"] };

const listRoute = createRoute({
  ...common,
  method: "get",
  path: "/sources",
  summary: "The webhook sources: the built-in ones, and those of the reference",
  responses: { 200: json(sourcesSchema, "all of them"), ...problems(401, 503) },
});

const tryRoute = createRoute({
  ...common,
  method: "post",
  path: "/sources/{name}/try",
  summary: "What a body would become, if it were sent to the webhook of this source",
  description:
    "The body is read as the source says, whatever its content type. Nothing is added to a stream, and no uid is claimed: a signal that would be a duplicate is shown as decided.",
  request: {
    params: z.object({ name: z.string().openapi({ example: "tradingview" }) }),
    body: { required: true, content: { "text/plain": { schema: z.string() } } },
  },
  responses: {
    200: json(trialSchema, "what it would become, or why it would be refused"),
    ...problems(401, 404, 409, 413, 415, 503),
  },
});

export function sourceRoutes({ services }: HttpDeps) {
  const secrets = webhookSecretsOf(services.config) ?? NO_SECRETS;
  return newRoutes()
    .openapi(listRoute, async (c) => {
      const { snapshot } = await contextOf(services);
      return c.json({ version: snapshot.version, sources: [...sourceViews(snapshot, secrets)] }, 200);
    })
    .openapi(tryRoute, async (c) => {
      const context = await contextOf(services);
      const { name } = c.req.valid("param");
      const body = await c.req.text();
      return c.json(tryBody(body, name, { context, services, secrets }), 200);
    });
}

const NO_SECRETS: WebhookSecrets = {
  byName: new Map(),
  all: [],
  redact: (text) => text,
  excerptOf: (body) => body,
  storedBody: (body) => body,
};

/** @throws Problem while there is no snapshot */
async function contextOf({ routing }: Services): Promise<RoutingContext> {
  const context = await routing.latest();
  if ("status" in context) throw new Problem(NO_SNAPSHOT);
  return context;
}

function sourceViews({ sources }: Snapshot, { byName }: WebhookSecrets): readonly SourceView[] {
  const view = (name: string) => ({
    name,
    secrets: byName.get(name)?.length ?? 0,
    variable: secretVariableOf(name),
  });
  const builtIn = [...BUILT_IN_NAMES].map((name) => ({
    ...view(name),
    built_in: true,
    enabled: true,
    faults: [],
  }));
  const own = [...sources].map(([name, source]) => ({
    ...view(name),
    built_in: false,
    ...source,
    faults: sourceFaults(source, name).map(({ path, message }) => `${path}: ${message}`),
  }));
  return [...builtIn, ...own];
}

interface TrialDeps {
  readonly context: RoutingContext;
  readonly services: Services;
  readonly secrets: WebhookSecrets;
}

function tryBody(body: string, name: string, { context, services, secrets }: TrialDeps): Trial {
  const { snapshot } = context;
  const { clock } = services;
  const now = clock.now();
  const { redact, storedBody } = secrets;
  const arrivalTime = now - (now % 60_000);
  const options = { redact, storedBody, now, source: name, arrivalTime, snapshot };
  const answer = readAlerts(body, alertReaderOf(name, snapshot), options);
  if (answer.status !== "accepted") {
    const { status, code, detail, hint, issues = [] } = refusedAnswer(answer, name);
    return { accepted: false, problem: { status, code, detail, hint: hint ?? null, issues } };
  }
  const alerts = answer.alerts.map(({ fields, signal }) => ({
    fields: { ...fields },
    uid: uidIn(signal, snapshot),
    decision: decisionOn(signal, context, services),
  }));
  return { accepted: true, alerts };
}

/** The decision, as it would be now. */
function decisionOn(
  signal: Signal,
  { snapshot, control }: RoutingContext,
  { clock, config }: Services,
): Extract<Trial, { accepted: true }>["alerts"][number]["decision"] {
  const context = { snapshot, control, now: clock.now(), signalAgeMsMax: config.signalAgeMsMax };
  const at = { ...resolveSignal(signal, snapshot), ageFrom: signal.sentAt ?? context.now };
  const { status, reason, detail, signalId, direction, side, outcomes } = decide(at, {
    ...context,
    shadow: config.shadow,
  });
  return {
    status,
    reason,
    detail,
    signal_id: signalId,
    direction,
    side,
    symbol: at.symbol,
    outcomes: [...outcomes],
  };
}
