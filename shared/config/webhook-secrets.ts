import type { Config } from "./config.ts";
import { secretRedactor, type SecretRedactor } from "./redact-secret.ts";
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
  const all = [...byName.values()].flat();
  return { byName, all, ...secretRedactor(all) };
}

export interface WebhookSecrets extends SecretRedactor {
  /** Those of each source that has any, by its name. */
  readonly byName: ReadonlyMap<string, readonly string[]>;
  readonly all: readonly string[];
}
