import { variableOf, type Config } from "./config.ts";

/**
 * The settings of a router as variables: read as an environment they give the same configuration. Without secrets, without URLs,
 * which may have some in them, and without what is of its process alone.
 */
export function settingsOf(config: Config): Settings {
  const { webhookSourceSecrets: _, ...others } = config;
  const settings = (Object.entries(others) as [Key, Config[Key]][]).flatMap(([key, value]) =>
    NOT_SHARED.has(key) || value === undefined ? [] : [[variableOf(key), textOf(value)] as const],
  );
  return Object.fromEntries(settings);
}

/** Values by the names of variables. */
export type Settings = Readonly<Record<string, string>>;

/** Those that have a variable of their own name. */
type Key = Exclude<keyof Config, "webhookSourceSecrets">;

const NOT_SHARED: ReadonlySet<Key> = new Set([
  "redisUrl",
  "databaseUrl",
  "neonWsProxy",
  "notifyUrl",
  "httpToken",
  "webhookSecret",
  "consumerName",
  "logLevel",
]);

function textOf(value: Config[Key]): string {
  return Array.isArray(value) ? value.join(",") : String(value);
}
