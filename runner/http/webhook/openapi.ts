import { z, type OpenAPIHono } from "@hono/zod-openapi";
import { ALERTS_MAX } from "../../../shared/webhook-source/read-alerts.ts";
import { json, jsonBody, problems } from "../routes.ts";

/**
 * Adds the webhook to the OpenAPI document only: routes made with a body schema accept no other content type and read the body
 * before the secret is checked.
 */
export function describeWebhook(registry: OpenAPIHono["openAPIRegistry"]): void {
  const common = {
    method: "post" as const,
    tags: ["webhook"],
    security: [],
    responses: {
      202: json(answer, "Redis has confirmed the entries; the router will decide them"),
      ...problems(400, 401, 403, 404, 408, 409, 413, 415, 422, 429, 503),
    },
  };
  const headers = z.object({ "x-webhook-secret": z.string().optional() });
  const secret = z.string().describe("a secret of the source");
  const tradingview = {
    ...common,
    summary: "Receive an alert from TradingView",
    description,
  };
  const body = jsonBody(z.union([alert, z.array(alert).min(1).max(ALERTS_MAX)]));
  const params = z.object({ secret });
  registry.registerPath({ ...tradingview, path: "/webhooks/tradingview", request: { body, headers } });
  registry.registerPath({
    ...tradingview,
    path: "/webhooks/tradingview/{secret}",
    request: { body, params },
  });

  const own = { ...common, summary: "Receive an alert of a webhook source", description: ofSources };
  const ownBody = {
    required: true,
    content: {
      "application/json": { schema: z.unknown() },
      "text/plain": { schema: z.string() },
      "application/x-www-form-urlencoded": { schema: z.looseObject({}) },
    },
  };
  const source = z.string().openapi({ example: "tradingview-strategy", description: "name of the source" });
  registry.registerPath({
    ...own,
    path: "/webhooks/{source}",
    request: { body: ownBody, headers, params: z.object({ source }) },
  });
  registry.registerPath({
    ...own,
    path: "/webhooks/{source}/{secret}",
    request: { body: ownBody, params: z.object({ source, secret }) },
  });
}

const description = `The body is read as JSON, whatever its content type: an alert, or a list of at most ${ALERTS_MAX}, which is
accepted or refused as a whole and answered by a list. A secret, WEBHOOK_SECRET or one of WEBHOOK_SECRET_TRADINGVIEW, is required: in the
path, as \`Authorization: Bearer\`, as \`X-Webhook-Secret\` or, if it is in none of these, as the field \`secret\` of the body.`;

const ofSources = `Built-in sources: \`text\` reads \`PHRASE TICKER\` and lines \`KEY=VALUE\`, \`tradingview-strategy\` the orders of a
strategy. Others are rows of the reference, whose format and template say what a body becomes, whatever its content type. The secrets are
those of WEBHOOK_SECRET_<NAME>, in the same places as for \`tradingview\`.`;

const time = z.union([z.string(), z.number()]);

const alert = z
  .looseObject({
    message: z.string().describe("the phrase of a signal"),
    symbol: z.string(),
    time: time.optional().describe("time of the bar; `bar_time` is accepted too"),
    bar_time: time.optional(),
    sent_at: time.optional(),
    source: z.string().optional().describe("default: tradingview"),
    uid: z.string().optional(),
    secret: z.string().optional().describe("WEBHOOK_SECRET, if it is not sent elsewhere; never stored"),
  })
  .openapi("Alert", {
    example: {
      message: "EMA_CROSS_LONG",
      symbol: "BTCUSDT.P",
      time: "2026-01-05T10:00:00Z",
      sent_at: "2026-01-05T10:15:01Z",
    },
  });

const one = z
  .object({
    /** In `signals_stream`. */
    entry_id: z.string(),
    uid: z.string().optional().describe("absent while there is no reference snapshot"),
  })
  .openapi("WebhookAnswer");
const answer = z.union([one, z.array(one)]);
export type WebhookAnswer = z.infer<typeof answer>;
