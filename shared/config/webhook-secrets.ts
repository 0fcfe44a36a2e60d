import type { Config } from "./config.ts";
import { redactedBody, redactedExcerpt, redactSecrets } from "./redact-secret.ts";
import { COMMON_SOURCE } from "./source-secrets.ts";

/** The secrets of webhooks: WEBHOOK_SECRET of `tradingview`, and variables WEBHOOK_SECRET_<NAME> of each source. */
export function webhookSecretsOf({
  webhookSecret,
  webhookSourceSecrets,
}: Pick<Config, "webhookSecret" | "webhookSourceSecrets">): WebhookSecrets | undefined {
  const byName = new Map<string, readonly string[]>(Object.entries(webhookSourceSecrets));
  if (webhookSecret !== undefined)
    byName.set(COMMON_SOURCE, [webhookSecret, ...(byName.get(COMMON_SOURCE) ?? [])]);
  if (byName.size === 0) return undefined;
  // The longest first, since one may be part of another.
  const all = [...new Set([...byName.values()].flat())].toSorted((a, b) => b.length - a.length);
  return {
    byName,
    all,
    redact: (text) => redactSecrets(text, all),
    excerptOf: (body) => redactedExcerpt(body, all),
    storedBody: (body) => redactedBody(body, all),
  };
}

export interface WebhookSecrets {
  /** Those of each source that has any, by its name. */
  readonly byName: ReadonlyMap<string, readonly string[]>;
  readonly all: readonly string[];
  /** The text without any of them. */
  readonly redact: (text: string) => string;
  /** The beginning of a body, for the log. */
  readonly excerptOf: (body: string) => string;
  /** A body as it is kept with its signal. */
  readonly storedBody: (body: string) => string;
}
