import { isIP } from "node:net";
import * as z from "zod";
import { FUNCTION_NAMES } from "../function-names.ts";
import { LEASE_MS_MAX } from "../group-lease.ts";
import { ownStreamAt } from "../keys.ts";
import { EXECUTION_STATUSES, ROUTING_STATUSES } from "../reasons.ts";
import {
  cidrList,
  commaList,
  integer,
  isKeyPrefix,
  matching,
  namesOutOf,
  redisAddresses,
  schemaName,
  text,
} from "./config-values.ts";
import { functionsOf, outcomeStreamsOf, shadowFaults } from "./shadow-settings.ts";
import { readSourceSecrets } from "./source-secrets.ts";
import { url } from "./url-values.ts";

/**
 * The router's settings, parsed once from the environment. The key `claimIdleMs` is the variable `CLAIM_IDLE_MS`, and so on.
 * Space around a value is dropped; an empty variable counts as unset.
 */

/** In ms; Node's timers fire at once when the time is longer. */
export const TIMER_MS_MAX = 2_147_483_647;
const TEN_YEARS_MS = 315_360_000_000;
const LOG_LEVELS = ["trace", "debug", "info", "warn", "error", "fatal", "silent"] as const;

const secret = matching("printable ASCII characters without spaces", /^[\x21-\x7e]+$/);

const schema = z.object({
  /** Unset: a local redis-server with its data in `.data/`. */
  redisUrl: redisAddresses.optional(),
  /** Unset: PGlite with its data in `.data/`. */
  databaseUrl: url({
    expected: "postgres://[user:password@]host[:port]/database or the same with postgresql://",
    protocols: ["postgres:", "postgresql:"],
    fits: ({ hash }) => hash === "",
  }).optional(),
  /** Unset: statements name tables without a schema. */
  databaseSchema: schemaName.optional(),
  neonWsProxy: text("[ws://|wss://]host[:port][/path]", (value) => {
    const address = value.replace(/^wss?:\/\//, "");
    return /^(\[[^\s/]+\]|[^\s/?#@:]+)(:\d+)?(\/[^\s#@]*)?$/.test(address) && URL.canParse(`ws://${address}`)
      ? value
      : undefined;
  }).optional(),
  keyPrefix: text(
    "at most 100 printable characters, no spaces, braces in pairs and not empty, such as {signals}:",
    (value) => (isKeyPrefix(value) ? value : undefined),
  ).default(""),
  groupSuffix: matching("1 to 32 letters, digits, _ and -, such as _new", /^[A-Za-z0-9_-]{1,32}$/).default(
    "",
  ),
  shadow: z.stringbool({ error: "true or false" }).default(false),

  httpHost: text("an IP address or a host name", (value) =>
    isIP(value) !== 0 || z.regexes.hostname.test(value) ? value : undefined,
  ).default("127.0.0.1"),
  /** 0: any free port. */
  httpPort: integer(0, 65_535).default(8080),
  httpToken: secret.optional(),
  webhookSecret: secret.optional(),
  /** Empty: all addresses. */
  webhookAllowCidrs: cidrList.default([]),
  trustedProxies: cidrList.default([]),
  httpBodyBytesMax: integer(1, 104_857_600).default(262_144),

  functions: namesOutOf(FUNCTION_NAMES).default([...FUNCTION_NAMES]),
  /** Unset: the entry point builds one from host, pid and random characters. */
  consumerName: matching("at most 100 printable characters, no spaces", /^[^\s\p{C}]{1,100}$/u).optional(),
  batchCountMax: integer(1, 10_000).default(256),
  /** Never 0, with which Redis blocks for ever. */
  blockMs: integer(1, 600_000).default(2000),
  /** Heartbeats come every third of it; with less than the minimum a busy process would lose entries in flight. */
  claimIdleMs: integer(300, TIMER_MS_MAX).default(10_000),
  /** How long the lease of a group is valid without a renewal; renewed every quarter of it. */
  leaseMs: integer(600, LEASE_MS_MAX).default(5_000),
  /** 0: what Redis has acknowledged counts, whether or not a replica has it. */
  redisReplicasMin: integer(0, 100).default(0),
  redisReplicasMsMax: integer(1, 60_000).default(500),
  deliveriesMax: integer(1, 1_000_000).default(5),
  /** 0: no signal is too old. */
  signalAgeMsMax: integer(0, TEN_YEARS_MS).default(300_000),
  dedupTtlMs: integer(1, TEN_YEARS_MS).default(604_800_000),
  /** Literal names, without the prefix. */
  outcomeStreams: commaList("names of streams", (item) =>
    /^[^\s\p{C}]{1,200}$/u.test(item) ? item : undefined,
  ).default([]),

  strategyTimeoutMs: integer(1, TIMER_MS_MAX).default(10_000),
  strategyConcurrencyMax: integer(1, 100_000).default(50),
  /** Unset: 10, or STRATEGY_CONCURRENCY_MAX when that is less. */
  strategyConcurrencyPerStrategyMax: integer(1, 100_000).optional(),
  /** Unset: as many as there are runs. */
  strategyConnectionsPerHostMax: integer(1, 100_000).optional(),
  strategyPrivateAddresses: z.stringbool({ error: "true or false" }).default(false),

  referenceRefreshMs: integer(100, TIMER_MS_MAX).default(30_000),
  referenceAgeMsMax: integer(1, TEN_YEARS_MS).default(86_400_000),
  referenceChannels: commaList("Pub/Sub channels", (item) => item).default(["reference_events"]),
  referenceStreams: commaList("streams of other programs", (item) => item).default([]),
  streamRetentionMs: integer(1, TEN_YEARS_MS).default(86_400_000),
  /** 0: rows are kept for ever. */
  logRetentionDays: integer(0, 36_500).default(0),

  notifyUrl: url({
    expected: "an http:// or https:// URL",
    protocols: ["http:", "https:"],
    atInPath: true,
  }).optional(),
  notifyOutcomes: namesOutOf([...new Set([...EXECUTION_STATUSES, ...ROUTING_STATUSES])]).default(["failed"]),
  notifyPerMinuteMax: integer(1, 100_000).default(20),
  shutdownMsMax: integer(0, TIMER_MS_MAX).default(15_000),
  logLevel: text(`one of ${LOG_LEVELS.join(", ")}`, (value) =>
    LOG_LEVELS.find((level) => level === value.toLowerCase()),
  ).default("info"),
});

type Parsed = z.output<typeof schema>;
type Key = keyof Parsed;

const KEYS = Object.keys(schema.shape) as Key[];
const SECRET_KEYS = [
  "redisUrl",
  "databaseUrl",
  "neonWsProxy",
  "notifyUrl",
  "httpToken",
  "webhookSecret",
] as const;

/** All settings, with defaults for those the environment does not set. Names end in their unit. */
export type Config = Readonly<Omit<Parsed, "strategyConcurrencyPerStrategyMax">> & {
  readonly strategyConcurrencyPerStrategyMax: number;
  /** WEBHOOK_SECRET_<NAME>: by the name of the webhook source. */
  readonly webhookSourceSecrets: Readonly<Record<string, readonly string[]>>;
};

export type ConfigAnswer =
  | { readonly ok: true; readonly config: Config }
  /** One line per fault, each starting with the variable's name; never a secret. */
  | { readonly ok: false; readonly message: string };

/** The settings from the environment, or everything that is wrong with it at once. */
export function readConfig(env: Readonly<Record<string, string | undefined>>): ConfigAnswer {
  const given: Partial<Record<Key, string>> = {};
  for (const key of KEYS) {
    const value = env[variableOf(key)]?.trim();
    if (value !== undefined && value !== "") given[key] = value;
  }

  const parsed: Partial<Parsed> = {};
  const faults: string[] = [];
  for (const key of KEYS) {
    const answer = schema.shape[key].safeParse(given[key]);
    if (answer.success) Object.assign(parsed, { [key]: answer.data });
    else
      faults.push(
        `${variableOf(key)}${shown(key, given)}: expected ${answer.error.issues[0]?.message ?? ""}`,
      );
  }
  const sources = readSourceSecrets(env);
  faults.push(
    ...sources.faults,
    ...pairFaults(parsed),
    ...shadowFaults(parsed, { namesFunctions: given.functions !== undefined }),
  );
  if (faults.length > 0) return { ok: false, message: faults.join("\n") };

  const config = parsed as Parsed;
  const perStrategy = config.strategyConcurrencyPerStrategyMax ?? Math.min(10, config.strategyConcurrencyMax);
  const inUse = { functions: functionsOf(config), outcomeStreams: outcomeStreamsOf(config) };
  const own = { strategyConcurrencyPerStrategyMax: perStrategy, webhookSourceSecrets: sources.secrets };
  return { ok: true, config: { ...config, ...inUse, ...own } };
}

/**
 * Settings that are valid alone but cannot work together; a setting with a fault of its own is not compared. BLOCK_MS may
 * exceed CLAIM_IDLE_MS, since heartbeats do not wait for a read.
 */
function pairFaults(config: Partial<Parsed>): string[] {
  const faults: string[] = [];
  const { signalAgeMsMax: age, dedupTtlMs: ttl, referenceAgeMsMax, referenceRefreshMs } = config;
  const { strategyConcurrencyMax: all, strategyConcurrencyPerStrategyMax: perStrategy } = config;

  if (config.neonWsProxy !== undefined && "databaseUrl" in config && config.databaseUrl === undefined) {
    faults.push("NEON_WS_PROXY: expected DATABASE_URL as well, the URL of the database behind the proxy");
  }
  if (age !== undefined && ttl !== undefined && age > 0 && ttl <= age) {
    faults.push(
      `DEDUP_TTL_MS is ${ttl}: expected more than SIGNAL_AGE_MS_MAX (${age}), or a repeated signal could be traded twice`,
    );
  }
  if (all !== undefined && perStrategy !== undefined && perStrategy > all) {
    faults.push(
      `STRATEGY_CONCURRENCY_PER_STRATEGY_MAX is ${perStrategy}: expected at most STRATEGY_CONCURRENCY_MAX (${all})`,
    );
  }
  if (
    referenceAgeMsMax !== undefined &&
    referenceRefreshMs !== undefined &&
    referenceAgeMsMax <= referenceRefreshMs
  ) {
    faults.push(
      `REFERENCE_AGE_MS_MAX is ${referenceAgeMsMax}: expected more than REFERENCE_REFRESH_MS (${referenceRefreshMs}), or health is degraded before each refresh`,
    );
  }
  const { keyPrefix, groupSuffix } = config;
  for (const stream of config.outcomeStreams ?? []) {
    // The router knows its streams by their bare names as well.
    const own = ownStreamAt(stream) ?? ownStreamAt(stream, keyPrefix, groupSuffix);
    if (own !== undefined)
      faults.push(`OUTCOME_STREAMS names the router's own ${own}: expected streams of another system`);
  }
  for (const stream of config.referenceStreams ?? []) {
    const own = ownStreamAt(stream, keyPrefix, groupSuffix);
    if (own !== undefined)
      faults.push(
        `REFERENCE_STREAMS names the router's own ${own}: expected streams of other programs, or the router's own work would ask for refreshes`,
      );
  }
  return faults;
}

/** `claimIdleMs` → `CLAIM_IDLE_MS` */
export function variableOf(key: keyof Config): string {
  return key.replaceAll(/[A-Z]/g, (letter) => `_${letter}`).toUpperCase();
}

/** Names of all variables but those of strategies' secrets. */
export const VARIABLES: readonly string[] = KEYS.map(variableOf);

/** The value, for a message: nothing of a secret, of a URL, or of a value that repeats a secret. */
function shown(key: Key, given: Partial<Record<Key, string>>): string {
  const value = given[key] ?? "";
  const containsSecret = SECRET_KEYS.some((other) => key === other || value.includes(given[other] ?? "\0"));
  if (containsSecret || /:\/\/|@/.test(value)) return " (value not shown)";
  return ` is ${JSON.stringify(value.length > 60 ? `${value.slice(0, 60)}…` : value)}`;
}
