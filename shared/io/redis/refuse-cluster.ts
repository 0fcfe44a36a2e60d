import { hashTagOf } from "../../config/hash-tag.ts";
import type { RedisTarget } from "../../config/redis-url.ts";
import { RedisMisconfiguredError } from "./redis-errors.ts";

/** A Cluster keeps keys together only by a hash tag, and has one database. @throws RedisMisconfiguredError */
export function refuseOnCluster({ db }: RedisTarget, key: string): void {
  const faults = [
    ...(hashTagOf(key) === undefined
      ? [
          "REDIS_URL names a Redis Cluster, and KEY_PREFIX has no hash tag: expected one, such as {signals}:, which keeps all keys of the router on one node; what is stored under another prefix stays there",
        ]
      : []),
    ...(db === 0
      ? []
      : [
          `REDIS_URL names database ${db} of a Redis Cluster, which has database 0 only: leave the number out, and keep routers apart with KEY_PREFIX`,
        ]),
  ];
  if (faults.length > 0) throw new RedisMisconfiguredError(faults.join("\n"));
}
