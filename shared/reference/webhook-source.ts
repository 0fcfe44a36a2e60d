import * as z from "zod";

/**
 * How the bodies of one sender become signals: a row of `webhook_sources`, whose name stands in the path of its webhook. Everything
 * in a signal comes from the body, by `{{path}}`.
 */
export const webhookSourceSchema = z.object({
  enabled: z.boolean(),
  format: z.enum(["json", "text", "form"]),
  /** The fields of the signal by name; others than the router's own go along as `extra`. */
  template: z.record(
    z.string(),
    z.union([
      z.string(),
      z.strictObject({
        /** The text with its `{{path}}`. */
        from: z.string(),
        /** What becomes of the text, such as `buy` → a phrase; a text that it lacks is refused. */
        map: z.record(z.string(), z.string()).optional(),
        /** What counts where the body has no value. */
        default: z.string().optional(),
      }),
    ]),
  ),
  /** What tells its signals apart: `{{path}}`s that are hashed; absent: symbol, phrase and bar time do. */
  uid: z.string().optional(),
});
export type WebhookSource = z.infer<typeof webhookSourceSchema>;
