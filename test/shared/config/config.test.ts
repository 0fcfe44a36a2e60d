import { describe, expect, test } from "vitest";
import { readConfig } from "../../../shared/config/config.ts";
import { SERVERS_EXPECTED } from "../../../shared/config/redis-url.ts";
import { FUNCTION_NAMES } from "../../../shared/function-names.ts";
import { DEFAULTS, NAMES, configOf, faultsOf } from "./config-fixture.ts";

test("an empty environment gives the defaults", () => {
  expect(configOf({})).toEqual(DEFAULTS);
});

test("an empty or blank variable counts as unset", () => {
  const env = Object.fromEntries(NAMES.map((name, index) => [name, index % 2 === 0 ? "" : " \t"]));
  expect(configOf(env)).toEqual(DEFAULTS);
});

test("other variables are ignored", () => {
  expect(configOf({ PATH: "/bin", HTTP_PROXY: "nonsense", HTTP_PROT: "80" })).toEqual(DEFAULTS);
});

describe("accepts", () => {
  test.each([
    ["REDIS_URL", "redis://localhost", { redisUrl: "redis://localhost" }],
    ["REDIS_URL", "rediss://u:p@r.example:6380/2", { redisUrl: "rediss://u:p@r.example:6380/2" }],
    ["REDIS_URL", " redis://[::1]:6379/ ", { redisUrl: "redis://[::1]:6379/" }],
    ["REDIS_URL", "redis://host/1?family=6", { redisUrl: "redis://host/1?family=6" }],
    [
      "DATABASE_URL",
      "postgres://u:p@h/d?sslmode=require",
      { databaseUrl: "postgres://u:p@h/d?sslmode=require" },
    ],
    ["DATABASE_URL", "postgresql:///d?host=/run/pg", { databaseUrl: "postgresql:///d?host=/run/pg" }],
    ["KEY_PREFIX", "{signals}:", { keyPrefix: "{signals}:" }],
    ["KEY_PREFIX", "приём:", { keyPrefix: "приём:" }],
    ["HTTP_HOST", "::", { httpHost: "::" }],
    ["HTTP_HOST", "0.0.0.0", { httpHost: "0.0.0.0" }],
    ["HTTP_HOST", "localhost", { httpHost: "localhost" }],
    ["HTTP_PORT", "0", { httpPort: 0 }],
    ["HTTP_PORT", "0080", { httpPort: 80 }],
    [
      "WEBHOOK_ALLOW_CIDRS",
      "52.89.214.238, 10.0.0.0/8,",
      { webhookAllowCidrs: ["52.89.214.238", "10.0.0.0/8"] },
    ],
    ["TRUSTED_PROXIES", "::1,fd00::/8", { trustedProxies: ["::1", "fd00::/8"] }],
    ["FUNCTIONS", "reclaim, persist-log,reclaim", { functions: ["reclaim", "persist-log"] }],
    ["CONSUMER_NAME", "router-1", { consumerName: "router-1" }],
    ["SIGNAL_AGE_MS_MAX", "0", { signalAgeMsMax: 0 }],
    ["STRATEGY_CONNECTIONS_PER_HOST_MAX", "32", { strategyConnectionsPerHostMax: 32 }],
    ["STRATEGY_CONCURRENCY_MAX", "4", { strategyConcurrencyMax: 4, strategyConcurrencyPerStrategyMax: 4 }],
    ["STRATEGY_PRIVATE_ADDRESSES", "true", { strategyPrivateAddresses: true }],
    ["STRATEGY_PRIVATE_ADDRESSES", "false", { strategyPrivateAddresses: false }],
    ["STRATEGY_PRIVATE_ADDRESSES", "0", { strategyPrivateAddresses: false }],
    ["OUTCOME_STREAMS", "signal_log_queue, b", { outcomeStreams: ["signal_log_queue", "b"] }],
    ["REFERENCE_CHANNELS", "a, b:*", { referenceChannels: ["a", "b:*"] }],
    ["REFERENCE_STREAMS", "a, b:c", { referenceStreams: ["a", "b:c"] }],
    ["BLOCK_MS", "20000", { blockMs: 20_000 }],
    ["NOTIFY_URL", "https://chat.example/hook/abc", { notifyUrl: "https://chat.example/hook/abc" }],
    ["NOTIFY_OUTCOMES", "failed,ignored", { notifyOutcomes: ["failed", "ignored"] }],
    ["LOG_LEVEL", "WARN", { logLevel: "warn" }],
  ])("%s=%s", (name, value, expected) => {
    expect(configOf({ [name]: value })).toEqual({ ...DEFAULTS, ...expected });
  });

  test.each([
    "localhost:5433/v1",
    "proxy.example",
    "ws://localhost:5433/v1",
    "wss://proxy.example/v2?a=x",
    "[::1]:80",
  ])("NEON_WS_PROXY=%s", (proxy) => {
    const env = { DATABASE_URL: "postgres://h/d", NEON_WS_PROXY: proxy };
    expect(configOf(env).neonWsProxy).toBe(proxy);
  });

  test.each(["trading", "Own Schema", "схема", "x".repeat(63)])("DATABASE_SCHEMA=%s", (schema) => {
    expect(configOf({ DATABASE_SCHEMA: schema }).databaseSchema).toBe(schema);
  });
});

describe("refuses", () => {
  test.each([
    ["REDIS_URL", "localhost:6379"],
    ["REDIS_URL", "http://localhost"],
    ["REDIS_URL", "redis:///0"],
    ["REDIS_URL", "redis://host/one"],
    ["REDIS_URL", "redis://host/-1"],
    ["REDIS_URL", "redis://host/1/2"],
    ["REDIS_URL", "redis://host/?db=one"],
    ["REDIS_URL", "redis://host/1?maxRetriesPerRequest=20"],
    ["REDIS_URL", "unix:///run/redis.sock"],
    ["DATABASE_URL", "mysql://h/d"],
    ["DATABASE_URL", "h/d"],
    ["KEY_PREFIX", "a b"],
    ["KEY_PREFIX", "a\u0007"],
    ["KEY_PREFIX", "{signals:"],
    ["KEY_PREFIX", "}signals{:"],
    ["KEY_PREFIX", "{}:"],
    ["KEY_PREFIX", "x".repeat(101)],
    ["HTTP_HOST", "http://localhost"],
    ["HTTP_HOST", "local host"],
    ["HTTP_PORT", "65536"],
    ["HTTP_PORT", "-1"],
    ["HTTP_PORT", "80.5"],
    ["HTTP_PORT", "1e3"],
    ["HTTP_PORT", "0x50"],
    ["HTTP_PORT", "8080 8081"],
    ["HTTP_TOKEN", "two words"],
    ["WEBHOOK_SECRET", "ключ"],
    ["WEBHOOK_ALLOW_CIDRS", "10.0.0.0/33"],
    ["WEBHOOK_ALLOW_CIDRS", "10.0.0/8"],
    ["WEBHOOK_ALLOW_CIDRS", "example.com"],
    ["TRUSTED_PROXIES", "::/129"],
    ["TRUSTED_PROXIES", "fe80::1%eth0"],
    ["HTTP_BODY_BYTES_MAX", "0"],
    ["FUNCTIONS", "process-signal"],
    ["FUNCTIONS", ","],
    ["CONSUMER_NAME", "my router"],
    ["BLOCK_MS", "0"],
    ["CLAIM_IDLE_MS", "299"],
    ["CLAIM_IDLE_MS", "2147483648"],
    ["DELIVERIES_MAX", "0"],
    ["STRATEGY_PRIVATE_ADDRESSES", "maybe"],
    ["LOG_RETENTION_DAYS", "forever"],
    ["NOTIFY_URL", "chat.example"],
    ["NOTIFY_URL", "ftp://chat.example"],
    ["NOTIFY_OUTCOMES", "broken"],
    ...['a"b', "a'b", "a\\b", "a\u0000b", "pg_toast", "information_schema", "ж".repeat(32)].map(
      (schema): [string, string] => ["DATABASE_SCHEMA", schema],
    ),
    ["LOG_LEVEL", "verbose"],
  ])("%s=%s", (name, value) => {
    expect(faultsOf({ [name]: value })).toEqual([name]);
  });

  test.each(["http://proxy/v1", "ws://u:p@proxy", "u:p@proxy", "proxy:port/v1", "/v1"])(
    "NEON_WS_PROXY=%s",
    (proxy) => {
      expect(faultsOf({ DATABASE_URL: "postgres://h/d", NEON_WS_PROXY: proxy })).toEqual(["NEON_WS_PROXY"]);
    },
  );
});

describe("pairs that cannot work together", () => {
  test.each([
    ["NEON_WS_PROXY", { NEON_WS_PROXY: "proxy/v1" }],
    ["DEDUP_TTL_MS", { DEDUP_TTL_MS: "300000" }],
    ["DEDUP_TTL_MS", { SIGNAL_AGE_MS_MAX: "604800000" }],
    ["STRATEGY_CONCURRENCY_PER_STRATEGY_MAX", { STRATEGY_CONCURRENCY_PER_STRATEGY_MAX: "51" }],
    ["REFERENCE_AGE_MS_MAX", { REFERENCE_AGE_MS_MAX: "30000" }],
    ["REFERENCE_STREAMS", { REFERENCE_STREAMS: "changes,signals_stream" }],
    ["REFERENCE_STREAMS", { REFERENCE_STREAMS: "{a}:dead_letters", KEY_PREFIX: "{a}:" }],
    ["REFERENCE_STREAMS", { REFERENCE_STREAMS: "strategies:7" }],
  ])("%s is at fault in %o", (name, env) => {
    expect(faultsOf(env)).toEqual([name]);
  });

  test.each([
    [{ DEDUP_TTL_MS: "300001" }],
    [{ DEDUP_TTL_MS: "1", SIGNAL_AGE_MS_MAX: "0" }],
    [{ STRATEGY_CONCURRENCY_PER_STRATEGY_MAX: "50" }],
    [{ REFERENCE_AGE_MS_MAX: "30001" }],
  ])("%o is fine", (env) => {
    expect(faultsOf(env)).toEqual([]);
  });

  test("a stream of the router among REFERENCE_STREAMS is named", () => {
    const answer = readConfig({ REFERENCE_STREAMS: "changes,signals_stream" });
    expect(answer).toMatchObject({
      message: expect.stringMatching(
        /names the router's own signals_stream: expected streams of other programs/,
      ),
    });
  });

  test("a faulty database URL is not reported as missing", () => {
    expect(faultsOf({ NEON_WS_PROXY: "proxy/v1", DATABASE_URL: "nonsense" })).toEqual(["DATABASE_URL"]);
  });
});

test("all faults are reported at once, with what was given and what is expected", () => {
  const answer = readConfig({
    HTTP_PORT: "eighty",
    FUNCTIONS: "reclaim,trade",
    LOG_LEVEL: "loud\nand clear",
    DEDUP_TTL_MS: "7",
    REDIS_URL: "http://user:hunter2-hunter2@cache",
  });
  expect(answer).toEqual({
    ok: false,
    message: [
      `REDIS_URL (value not shown): expected ${SERVERS_EXPECTED}`,
      'HTTP_PORT is "eighty": expected an integer from 0 to 65535',
      `FUNCTIONS is "reclaim,trade": expected a comma list of names out of: ${FUNCTION_NAMES.join(", ")}`,
      String.raw`LOG_LEVEL is "loud\nand clear": expected one of trace, debug, info, warn, error, fatal, silent`,
      "DEDUP_TTL_MS is 7: expected more than SIGNAL_AGE_MS_MAX (300000), or a repeated signal could be traded twice",
    ].join("\n"),
  });
});

test("a stream of the router is no outcome stream, with or without its prefix", () => {
  for (const name of ["signal_results", "p:signal_results", "strategies:a", "p:strategies:a"])
    expect(faultsOf({ KEY_PREFIX: "p:", OUTCOME_STREAMS: name })).toEqual(["OUTCOME_STREAMS"]);
});
