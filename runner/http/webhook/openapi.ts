import { z, type OpenAPIHono } from "@hono/zod-openapi";
import { json, jsonBody, problems } from "../routes.ts";

const time = z.union([z.string(), z.number()]);

const alert = z
  .looseObject({
    message: z.string().describe("the phrase of a signal"),
    symbol: z.string(),
    time: time.optional().describe("of the bar; or bar_time"),
    bar_time: time.optional(),
    sent_at: time.optional(),
    source: z.string().optional().describe("default: tradingview"),
    uid: z.string().optional(),
    secret: z.string().optional().describe("WEBHOOK_SECRET, when it is nowhere else; never kept"),
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

const description = `The body is JSON, whatever the content type says. It needs the secret, WEBHOOK_SECRET: in the path, as
\`Authorization: Bearer\`, as \`X-Webhook-Secret\` or, when it is in none of these, as the field \`secret\` of the body.`;

/**
 * Adds the webhook to the OpenAPI document, and only there: routes made with a body schema refuse any content type but
 * its own and read the body before anybody has looked at the secret.
 */
export function describeWebhook(registry: OpenAPIHono["openAPIRegistry"]): void {
  const about = {
    method: "post" as const,
    tags: ["webhook"],
    summary: "Take in an alert as TradingView sends it",
    description,
    security: [],
    responses: {
      202: json(answer, "Redis has confirmed the entry; it will be decided"),
      ...problems(400, 401, 403, 408, 413, 422, 429, 503),
    },
  };
  const body = jsonBody(alert);
  const headers = z.object({ "x-webhook-secret": z.string().optional() });
  const params = z.object({ secret: z.string() });
  registry.registerPath({ ...about, path: "/webhooks/tradingview", request: { body, headers } });
  registry.registerPath({ ...about, path: "/webhooks/tradingview/{secret}", request: { body, params } });
}
