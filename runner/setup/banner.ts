import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { SECRET_FILES, type LocalSecretName } from "../local/secrets.ts";
import type { BackingServices } from "./backing-services.ts";

/** The text that `npm start` prints when the router runs. */

export interface BannerFacts {
  /** The configuration in use, with generated secrets. */
  readonly config: Config;
  readonly backing: Pick<BackingServices, "localRedis" | "database" | "demoLoaded">;
  readonly consumer: string;
  /** Without user and password. */
  readonly redisUrl: string;
  /** URL of the HTTP server; undefined when HTTP is off. */
  readonly httpUrl: string | undefined;
  readonly secrets: ShownSecrets;
}

/** How each secret is written in a line to paste into a shell. */
export type ShownSecrets = Readonly<Record<LocalSecretName, string>>;

export interface SecretFacts {
  /** The configuration of the environment. */
  readonly given: Config;
  /** The configuration in use, with generated secrets. */
  readonly config: Config;
  readonly forPeople: boolean;
}

/** Only a generated secret is shown itself, and only in output for people; otherwise its variable or file. */
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

/** What runs where, and what to do next. */
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
    `  HTTP       ${httpUrl ?? "off; set HTTP_TOKEN to a secret, such as the output of `openssl rand -hex 32`"}`,
    `  functions  ${config.functions.join(", ")}`,
    `  consumer   ${consumer}${config.keyPrefix === "" ? "" : `, keys under ${config.keyPrefix}`}`,
    ...(backing.demoLoaded ? ["  reference  a small demo, loaded because the database was empty"] : []),
    "",
    ...statusLines(facts),
    "Send a first signal from another terminal in this folder:",
    "",
    "  npm run cli -- send --symbol BTCUSDT --message EMA_CROSS_LONG",
    "",
    ...webhookLines(facts),
    "Its decision appears here. Ctrl-C finishes the work in flight and stops.",
    "",
  ];
  return lines.join("\n");
}

function statusLines({ httpUrl, backing, secrets }: BannerFacts): string[] {
  if (httpUrl === undefined) return [];
  const kept = backing.localRedis ? `, kept in .data/${SECRET_FILES.httpToken}` : "";
  return [
    `Every route is documented on ${httpUrl}/docs (any user, the token as password${kept}). Health and metrics:`,
    "",
    `  curl ${httpUrl}/readyz`,
    `  curl -H "Authorization: Bearer ${secrets.httpToken}" ${httpUrl}/metrics`,
    "",
  ];
}

function webhookLines({ config, httpUrl, secrets }: BannerFacts): string[] {
  if (httpUrl === undefined) return [];
  if (config.webhookSecret === undefined)
    return ["The webhook for TradingView is off; set WEBHOOK_SECRET to switch it on.", ""];
  return [
    "or send one as TradingView does:",
    "",
    // The bar of this minute makes the line work again a minute later; with another symbol it is no duplicate.
    `  curl "${httpUrl}/webhooks/tradingview/${secrets.webhookSecret}" -d '{"message":"EMA_CROSS_LONG","symbol":"ETHUSDT","time":"'$(date -u +%FT%H:%M:00Z)'"}'`,
    "",
  ];
}
