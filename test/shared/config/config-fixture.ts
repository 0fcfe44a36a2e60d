import { readConfig } from "../../../shared/config/config.ts";
import { FUNCTION_NAMES } from "../../../shared/function-names.ts";

/** The configuration of an empty environment, and what is made of others. */

export const DEFAULTS = {
  redisUrl: undefined,
  databaseUrl: undefined,
  databaseSchema: undefined,
  neonWsProxy: undefined,
  keyPrefix: "",
  groupSuffix: "",
  shadow: false,
  httpHost: "127.0.0.1",
  httpPort: 8080,
  httpToken: undefined,
  webhookSecret: undefined,
  webhookSourceSecrets: {},
  webhookAllowCidrs: [],
  trustedProxies: [],
  httpBodyBytesMax: 262_144,
  functions: [...FUNCTION_NAMES],
  consumerName: undefined,
  batchCountMax: 256,
  blockMs: 2000,
  claimIdleMs: 10_000,
  leaseMs: 5_000,
  redisReplicasMin: 0,
  redisReplicasMsMax: 500,
  deliveriesMax: 5,
  signalAgeMsMax: 300_000,
  dedupTtlMs: 604_800_000,
  outcomeStreams: [],
  strategyTimeoutMs: 10_000,
  strategyConcurrencyMax: 50,
  strategyConcurrencyPerStrategyMax: 10,
  strategyConnectionsPerHostMax: undefined,
  strategyPrivateAddresses: false,
  referenceRefreshMs: 30_000,
  referenceAgeMsMax: 86_400_000,
  referenceChannels: ["reference_events"],
  referenceStreams: [],
  streamRetentionMs: 86_400_000,
  logRetentionDays: 0,
  notifyUrl: undefined,
  notifyOutcomes: ["failed"],
  notifyPerMinuteMax: 20,
  shutdownMsMax: 15_000,
  logLevel: "info",
};

/** Without `webhookSourceSecrets`, which has a variable for each source. */
export const NAMES = Object.keys(DEFAULTS)
  .filter((key) => key !== "webhookSourceSecrets")
  .map((key) => key.replaceAll(/[A-Z]/g, "_$&").toUpperCase());

export function configOf(env: Record<string, string>) {
  const answer = readConfig(env);
  if (!answer.ok) throw new Error(answer.message);
  return answer.config;
}

/** The variables at fault, one per line of the message. */
export function faultsOf(env: Record<string, string>): string[] {
  const answer = readConfig(env);
  return answer.ok ? [] : answer.message.split("\n").map((line) => /^[A-Z_]+/.exec(line)?.[0] ?? line);
}
