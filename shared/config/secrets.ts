import type { Config } from "./config.ts";

/** The secrets of strategies, and everything that this configuration keeps out of records and logs. */
export function secretsOf(
  env: Readonly<Record<string, string | undefined>>,
  config: Pick<Config, "httpToken" | "webhookSecret" | "webhookSourceSecrets" | "notifyUrl">,
): Secrets {
  const { httpToken, webhookSecret, webhookSourceSecrets, notifyUrl } = config;
  return strategySecrets(env, [
    httpToken,
    webhookSecret,
    ...Object.values(webhookSourceSecrets).flat(),
    notifyUrl,
  ]);
}

/** The secrets of strategies, variables STRATEGY_SECRET_<NAME>; texts are redacted from these and from `others`. */
export function strategySecrets(
  env: Readonly<Record<string, string | undefined>>,
  others: readonly (string | undefined)[] = [],
): Secrets {
  const values = new Map<string, string>();
  for (const [variable, value] of Object.entries(env)) {
    const name = VARIABLE.exec(variable)?.[1];
    if (name !== undefined && value !== undefined && value !== "") values.set(name, value);
  }
  // The longest first, since one may be part of another.
  const hidden = [...values.values(), ...others]
    .filter((value) => value !== undefined && value.length >= REDACTED_LENGTH_MIN)
    .flatMap((value) => [String(value), JSON.stringify(value).slice(1, -1)])
    .toSorted((a, b) => b.length - a.length);
  return {
    valueOf: (name) => values.get(name),
    redact: (text) => hidden.reduce((clean, secret) => clean.replaceAll(secret, "***"), text),
  };
}

/** The values of secrets, by name; they are only in the environment. */
export interface Secrets {
  /** Undefined when it is not set. */
  valueOf(name: string): string | undefined;
  /** The text with `***` in place of each secret's value, also as it is written in JSON. */
  redact(text: string): string;
}

const VARIABLE = /^STRATEGY_SECRET_(.+)$/;
/** A shorter value may be part of any text by chance. */
const REDACTED_LENGTH_MIN = 4;
