import { hostname } from "node:os";
import type { Config } from "../../shared/config/config.ts";
import { renewEveryMs } from "../../shared/group-lease.ts";
import { groupLeasesOn, type GroupLeases } from "../../shared/io/leases/group-leases.ts";
import { routerBeatsOn, type RouterBeats } from "../../shared/io/leases/router-registry.ts";
import { openRedis } from "../../shared/io/redis/connection.ts";
import { onOtherServer } from "../../shared/io/redis/other-server.ts";
import type { Keys } from "../../shared/keys.ts";

/** The connection on which leases are looked at and renewed: nothing else waits or is waited for on it. */
export interface LeaseConnection {
  readonly leases: GroupLeases;
  readonly beats: RouterBeats;
  close(): void;
}

export interface LeaseConnectionOptions {
  readonly config: Pick<Config, "leaseMs" | "functions">;
  readonly redisUrl: string;
  readonly consumer: string;
  readonly keys: Keys;
}

export function openLeaseConnection(
  { config, redisUrl, consumer, keys }: LeaseConnectionOptions,
  { otherServer }: { readonly otherServer: () => void },
): LeaseConnection {
  const { leaseMs, functions } = config;
  const redis = openRedis({
    url: redisUrl,
    key: keys.stream("signals_stream"),
    leaseMs,
    role: "commands",
    name: `${consumer}:lease`,
    answerMsMax: Math.ceil(leaseMs / 3),
    // After an outage the holder must renew before a standby has looked twice.
    reconnectMsMax: retryAfterMs(leaseMs),
    // Its commands reject with what is wrong.
    onError: () => undefined,
  });
  const stopListening = onOtherServer(redis, otherServer);
  const everyMs = renewEveryMs(leaseMs);
  return {
    leases: groupLeasesOn(redis, keys, { leaseMs }),
    beats: routerBeatsOn(redis, keys, { consumer, functions, everyMs, pid: process.pid, host: hostname() }),
    close() {
      stopListening();
      redis.disconnect();
    },
  };
}

/** How soon a call that failed is repeated, in ms. */
export function retryAfterMs(leaseMs: number): number {
  return leaseMs / 20;
}
