import { z, type OpenAPIHono } from "@hono/zod-openapi";
import { json, jsonBody, problems } from "../routes.ts";

/**
 * Adds the webhook to the OpenAPI document only: routes made with a body schema accept no other content type and read the body
 * before the secret is checked.
 */
export function describeWebhook(registry: OpenAPIHono["openAPIRegistry"]): void {
  const common = {
    method: "post" as const,
    tags: ["webhook"],
    summary: "Receive an alert from TradingView",
    description,
    security: [],
    responses: {
      202: json(answer, "Redis has confirmed the entry; the router will decide it"),
      ...problems(400, 401, 403, 408, 413, 415, 422, 429, 503),
    },
  };
  const body = jsonBody(alert);
  const headers = z.object({ "x-webhook-secret": z.string().optional() });
  const params = z.object({ secret: z.string() });
  registry.registerPath({ ...common, path: "/webhooks/tradingview", request: { body, headers } });
  registry.registerPath({ ...common, path: "/webhooks/tradingview/{secret}", request: { body, params } });
}

const description = `The body is read as JSON, whatever its content type. The secret, WEBHOOK_SECRET, is required: in the path, as
\`Authorization: Bearer\`, as \`X-Webhook-Secret\` or, if it is in none of these, as the field \`secret\` of the body.`;

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

const answer = z
  .object({
    /** In `signals_stream`. */
    entry_id: z.string(),
    uid: z.string(),
  })
  .openapi("WebhookAnswer");
export type WebhookAnswer = z.infer<typeof answer>;
