import type { Redis } from "ioredis";
import type { ReplicaFacts } from "../../config/redis-replicas.ts";

/** Reads which replicas follow the server; nothing when the user may not run INFO. @throws Error when it does not answer */
export async function readReplicaFacts(redis: Redis): Promise<ReplicaFacts> {
  const info = await redis.info("replication").catch((error: unknown) => {
    if (error instanceof Error && error.message.startsWith("NOPERM")) return "";
    throw error;
  });
  return {
    replicas: info.includes("connected_slaves:")
      ? (info.match(/^slave\d+:.*\bstate=online\b/gm)?.length ?? 0)
      : undefined,
    // Only reported while min-replicas-to-write is set.
    refusesAlone: info.includes("min_slaves_good_slaves:"),
  };
}
