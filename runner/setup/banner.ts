import type { Config } from "../../shared/config/config.ts";
import { redactUrl } from "../../shared/config/redact-url.ts";
import { secretVariableOf } from "../../shared/config/source-secrets.ts";
import { originText } from "../../shared/reference/reference-kind.ts";
import { splitTickerText, type SplitTicker } from "../../shared/reference/split-tickers.ts";
import { alertTemplate } from "../../shared/signal/alert-template.ts";
import { SECRET_FILES, type LocalSecretName } from "../local/secrets.ts";
import type { BackingServices } from "./backing-services.ts";
import { oldSystemSettings } from "./old-system-settings.ts";

/** The text that `npm start` prints when the router runs. */

export interface BannerFacts {
  /** The configuration in use, with generated secrets. */
  readonly config: Config;
  readonly backing: Pick<BackingServices, "localRedis" | "database" | "isDemo" | "reference">;
  readonly consumer: string;
  /** Without user and password. */
  readonly redisUrl: string;
  /** URL of the HTTP server; undefined when HTTP is off. */
  readonly httpUrl: string | undefined;
  readonly secrets: ShownSecrets;
  /** Tickers that are two, by which strategies get less than if they were one. */
  readonly splitTickers: readonly SplitTicker[];
}

/** How each secret is written in a line to paste into a shell. */
export type ShownSecrets = Readonly<Record<LocalSecretName, string>>;

export interface SecretFacts {
  /** The configuration of the environment. */
  readonly given: Config;
  /** The configuration in use, with generated secrets. */
  readonly config: Config;
  /** Whether the output is read on a terminal, and not kept in a file. */
  readonly isTerminal: boolean;
}

/** Only a generated secret is shown itself, and only on a terminal; otherwise its variable, or the file to read it from. */
export function shownSecrets({ given, config, isTerminal }: SecretFacts): ShownSecrets {
  const shown = (name: LocalSecretName, variable: string): string => {
    const secret = config[name];
    if (given[name] !== undefined || secret === undefined) return `$${variable}`;
    return isTerminal ? secret : `$(cat .data/${SECRET_FILES[name]})`;
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
  const schema = config.databaseSchema === undefined ? "" : `, schema ${config.databaseSchema}`;
  const lines = [
    "signal router",
    `  Redis      ${redisUrl}${backing.localRedis ? " (on this machine, data in .data/redis; set REDIS_URL to use another)" : ""}`,
    `  Postgres   ${postgres}${schema}`,
    `  HTTP       ${httpUrl ?? HTTP_OFF}`,
    `  functions  ${config.functions.join(", ")}`,
    ...shadowTexts(config).map((text, at) => `  ${(at === 0 ? "shadow" : "").padEnd(11)}${text}`),
    `  consumer   ${consumer}${config.keyPrefix === "" ? "" : `, keys under ${config.keyPrefix}`}`,
    ...referenceLines(facts),
    ...facts.splitTickers.map(
      (split, at) => `  ${(at === 0 ? "tickers" : "").padEnd(11)}${splitTickerText(split)}`,
    ),
    "",
    ...statusLines(facts),
    ...(backing.isDemo ? demoLines(facts) : signalLines(facts)),
    `${RUNNING}, and decisions appear here. Ctrl-C finishes the work in flight and stops.`,
    "",
  ];
  return lines.join("\n");
}

function referenceLines({ backing, config }: BannerFacts): string[] {
  const { isDemo, reference } = backing;
  if (isDemo) return ["  reference  a small demo, whose strategies only log"];
  if (reference === undefined || reference.kind === "own") return [];
  const unset = oldSystemSettings(reference.kind, config);
  return [
    originText(reference),
    ...(unset.length === 0 ? [] : ["to see its changes at once, set", ...unset]),
  ].map((line, index) => `${(index === 0 ? "  reference" : "").padEnd(13)}${line}`);
}

/** Begins the last line of the start. */
export const RUNNING = "The router is running";

/** The same as fields of a line of the log. */
export function bannerFields(facts: BannerFacts): object {
  const { config, backing, consumer, redisUrl, httpUrl } = facts;
  const { databaseUrl, functions, keyPrefix } = config;
  return {
    redis: redisUrl,
    postgres: databaseUrl === undefined ? "embedded" : redactUrl(databaseUrl),
    driver: backing.database.kind,
    http: httpUrl ?? HTTP_OFF,
    webhook: httpUrl !== undefined && takesAlerts(config) ? webhookAddress(facts) : webhookText(facts),
    functions,
    consumer,
    key_prefix: keyPrefix,
    ...(config.shadow ? { shadow: shadowTexts(config).join("; "), group_suffix: config.groupSuffix } : {}),
  };
}

/** A shadow says what it does not do, and by which names it is told from the router that trades. */
function shadowTexts({ shadow, keyPrefix, groupSuffix }: Config): readonly string[] {
  if (!shadow) return [];
  const what = "decides and records, and hands on nothing (SHADOW=true)";
  if (groupSuffix === "") return [what];
  return [
    what,
    `reads ${keyPrefix}signals_stream from now on; its keys, groups and rows end in ${groupSuffix}`,
  ];
}

/** With GROUP_SUFFIX no signals are added to the stream of the other router. */
function takesAlerts({ webhookSecret, groupSuffix }: Config): boolean {
  return webhookSecret !== undefined && groupSuffix === "";
}

/** The webhooks that have secrets of their own, without those: all there are where WEBHOOK_SECRET is not set. */
function sourceAddresses({ config, httpUrl }: BannerFacts): readonly string[] {
  if (httpUrl === undefined || config.groupSuffix !== "") return [];
  return Object.keys(config.webhookSourceSecrets).map(
    (name) => `${httpUrl}/webhooks/${name}/<${secretVariableOf(name)}>`,
  );
}

/** Of the webhook for TradingView, or of those of sources where WEBHOOK_SECRET is not set. */
function withoutCommonSecret(facts: BannerFacts): string[] {
  const addresses = sourceAddresses(facts);
  if (addresses.length === 0) return [`The webhook for TradingView is ${webhookOff(facts.config)}.`, ""];
  return [
    "Alerts are taken on",
    "",
    ...addresses.map((address) => `  ${address}`),
    "",
    "`npm run cli -- template` prints messages for them, `sources try` shows what a body becomes.",
    "",
  ];
}

/** Strategies of the demo only log, so that a signal may be suggested. */
function demoLines(facts: BannerFacts): string[] {
  return [
    "Send a first signal from another terminal in this folder:",
    "",
    "  npm run cli -- send --symbol BTCUSDT --message EMA_CROSS_LONG",
    "",
    "Its decision appears here.",
    "",
    ...webhookLines(facts),
  ];
}

/** On a reference of one's own any signal may trade: where alerts are sent, and no command that sends one. */
function signalLines(facts: BannerFacts): string[] {
  const { config, httpUrl, secrets } = facts;
  if (httpUrl === undefined) return [];
  if (!takesAlerts(config)) return withoutCommonSecret(facts);
  const address = webhookAddress(facts);
  return [
    "Alerts from TradingView are taken on",
    "",
    // Elsewhere than on a terminal the secret is a variable or a file, which the shell reads.
    secrets.webhookSecret.startsWith("$") ? `  echo "${address}"` : `  ${address}`,
    "",
    "with this message; `npm run cli -- template` prints it for each phrase, ready to paste, and for exits and Pine strategies:",
    "",
    ...messageLines("<phrase of a signal>"),
  ];
}

/** The message to paste into an alert, and what makes two alerts one signal. */
function messageLines(phrase: string): string[] {
  return [
    `  ${alertTemplate(phrase)}`,
    "",
    "An alert that fires twice within one bar is one signal then. If two crossings within one bar are to be two signals:",
    "`npm run cli -- template --each-crossing` prints the message with a uid.",
    "",
  ];
}

function webhookAddress({ httpUrl, secrets }: BannerFacts): string {
  return `${httpUrl}/webhooks/tradingview/${secrets.webhookSecret}`;
}

function webhookText(facts: BannerFacts): string {
  const addresses = sourceAddresses(facts);
  return addresses.length === 0 ? webhookOff(facts.config) : addresses.join(", ");
}

const HTTP_OFF = "off; set HTTP_TOKEN to a secret, such as the output of `openssl rand -hex 32`";

function webhookOff({ groupSuffix }: Config): string {
  return groupSuffix === ""
    ? "off; set WEBHOOK_SECRET to switch it on"
    : "off, since signals_stream is that of the router that trades";
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

function webhookLines(facts: BannerFacts): string[] {
  const { config, httpUrl, secrets } = facts;
  if (httpUrl === undefined) return [];
  if (!takesAlerts(config)) return withoutCommonSecret(facts);
  return [
    "or send one as TradingView does:",
    "",
    // The bar of this minute makes the line work again a minute later; with another symbol it is no duplicate.
    `  curl "${httpUrl}/webhooks/tradingview/${secrets.webhookSecret}" -d '{"message":"EMA_CROSS_LONG","symbol":"ETHUSDT","time":"'$(date -u +%FT%H:%M:00Z)'"}'`,
    "",
    "An alert in TradingView has this message:",
    "",
    ...messageLines("EMA_CROSS_LONG"),
  ];
}
