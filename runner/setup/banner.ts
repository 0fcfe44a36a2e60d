import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { SECRET_FILES, type LocalSecretName } from "../local/secrets.ts";
import type { BackingServices } from "./backing-services.ts";

export interface BannerFacts {
  /** As it is used, with the secrets of a local stack. */
  readonly config: Config;
  readonly backing: Pick<BackingServices, "localRedis" | "database" | "demoLoaded">;
  readonly consumer: string;
  /** Without user and password. */
  readonly redisUrl: string;
  /** Where HTTP is served; undefined when it is not. */
  readonly httpUrl: string | undefined;
  readonly secrets: ShownSecrets;
}

/** How each secret stands in a line to paste into a shell. */
export type ShownSecrets = Readonly<Record<LocalSecretName, string>>;

export interface SecretFacts {
  /** As the environment has it. */
  readonly given: Config;
  /** As it is used. */
  readonly config: Config;
  readonly forPeople: boolean;
}

/** A secret itself is shown to the person of a local stack only, and only one that they have not given. */
export function shownSecrets({ given, config, forPeople }: SecretFacts): ShownSecrets {
  const shown = (name: LocalSecretName, variable: string): string => {
    const secret = config[name];
    if (given[name] !== undefined || secret === undefined) return `$${variable}`;
    return forPeople ? secret : `$(cat .data/${SECRET_FILES[name]})`;
  };
  return {
    httpToken: shown("httpToken", "HTTP_TOKEN"),
    webhookSecret: shown("webhookSecret", "WEBHOOK_SECRET"),
  };
}

/** What runs where, and what to do next, for the person who started it. */
export function banner(facts: BannerFacts): string {
  const { config, backing, consumer, redisUrl, httpUrl } = facts;
  const postgres =
    config.databaseUrl === undefined
      ? "embedded (PGlite) in .data/postgres; set DATABASE_URL to use a server"
      : `${redactUrl(config.databaseUrl)} (${backing.database.kind})`;
  const lines = [
    "signal router",
    `  Redis      ${redisUrl}${backing.localRedis ? " (on this machine, data in .data/redis; set REDIS_URL to use another)" : ""}`,
    `  Postgres   ${postgres}`,
    `  HTTP       ${httpUrl ?? "off; set HTTP_TOKEN to a secret of your own, as from `openssl rand -hex 32`"}`,
    `  functions  ${config.functions.join(", ")}`,
    `  consumer   ${consumer}${config.keyPrefix === "" ? "" : `, keys under ${config.keyPrefix}`}`,
    ...(backing.demoLoaded ? ["  reference  a small demo, since the database was empty"] : []),
    "",
    ...statusLines(facts),
    "Send a first signal from another terminal in this folder:",
    "",
    "  npm run cli -- send --symbol BTCUSDT --message EMA_CROSS_LONG",
    "",
    ...webhookLines(facts),
    "Its decision appears here. Ctrl-C stops everything in order.",
    "",
  ];
  return lines.join("\n");
}

function statusLines({ httpUrl, backing, secrets }: BannerFacts): string[] {
  if (httpUrl === undefined) return [];
  const kept = backing.localRedis ? `, kept in .data/${SECRET_FILES.httpToken}` : "";
  return [
    `Every route is documented on ${httpUrl}/docs (any user, and the token as password${kept}). See how it is:`,
    "",
    `  curl ${httpUrl}/readyz`,
    `  curl -H "Authorization: Bearer ${secrets.httpToken}" ${httpUrl}/metrics`,
    "",
  ];
}

function webhookLines({ config, httpUrl, secrets }: BannerFacts): string[] {
  if (httpUrl === undefined) return [];
  if (config.webhookSecret === undefined)
    return ["There is no webhook for TradingView; set WEBHOOK_SECRET to have one.", ""];
  return [
    "or as TradingView does:",
    "",
    // The bar is this minute's, so that the line works again in the next one. Another symbol than above: not a duplicate.
    `  curl "${httpUrl}/webhooks/tradingview/${secrets.webhookSecret}" -d '{"message":"EMA_CROSS_LONG","symbol":"ETHUSDT","time":"'$(date -u +%FT%H:%M:00Z)'"}'`,
    "",
  ];
}
