import { variableOf, type Config } from "./config.ts";

/**
 * The settings of a router as variables: read as an environment they give the same configuration. Without secrets, without URLs,
 * which may have some in them, and without what is of its process alone.
 */
export function settingsOf(config: Config): Settings {
  const settings = (Object.entries(config) as [keyof Config, Config[keyof Config]][]).flatMap(
    ([key, value]) =>
      NOT_SHARED.has(key) || value === undefined ? [] : [[variableOf(key), textOf(value)] as const],
  );
  return Object.fromEntries(settings);
}

/** Values by the names of variables. */
export type Settings = Readonly<Record<string, string>>;

const NOT_SHARED: ReadonlySet<keyof Config> = new Set([
  "redisUrl",
  "databaseUrl",
  "neonWsProxy",
  "notifyUrl",
  "httpToken",
  "webhookSecret",
  "webhookSourceSecrets",
  "consumerName",
  "logLevel",
]);

function textOf(value: Config[keyof Config]): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}
