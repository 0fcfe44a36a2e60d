import type { Config } from "../shared/config.ts";
import { redactUrl } from "../shared/redact-url.ts";
import type { Stack } from "./stack.ts";

export interface BannerFacts {
  readonly config: Config;
  readonly stack: Pick<Stack, "localRedis" | "database" | "demoLoaded">;
  readonly consumer: string;
  /** Without user and password. */
  readonly redisUrl: string;
}

/** What runs where, and what to do next, for the person who started it. */
export function banner({ config, stack, consumer, redisUrl }: BannerFacts): string {
  const postgres =
    config.databaseUrl === undefined
      ? "embedded (PGlite) in .data/postgres; set DATABASE_URL to use a server"
      : `${redactUrl(config.databaseUrl)} (${stack.database.kind})`;
  const lines = [
    "signal router",
    `  Redis      ${redisUrl}${stack.localRedis ? " (on this machine, data in .data/redis; set REDIS_URL to use another)" : ""}`,
    `  Postgres   ${postgres}`,
    `  functions  ${config.functions.join(", ")}`,
    `  consumer   ${consumer}${config.keyPrefix === "" ? "" : `, keys under ${config.keyPrefix}`}`,
    ...(stack.demoLoaded ? ["  reference  a small demo, since the database was empty"] : []),
    "",
    "Send a first signal from another terminal in this folder:",
    "",
    "  npm run cli -- send --symbol BTCUSDT --message EMA_CROSS_LONG",
    "",
    "Its decision appears here. Ctrl-C stops everything in order.",
    "",
  ];
  return lines.join("\n");
}
