/** Checks whether a Redis server is fit for the router. */
export function remarksOn({
  version,
  valkey,
  role,
  aofEnabled,
  maxMemoryPolicy,
}: RedisFacts): readonly RedisRemark[] {
  const remarks: RedisRemark[] = [];
  if (!valkey && version !== undefined && Number.parseInt(version, 10) < MAJOR_MIN) {
    remarks.push({
      kind: "fault",
      message: `Redis is version ${version}: expected ${MAJOR_MIN}.0 or later, or Valkey; upgrade it or point REDIS_URL to another`,
    });
  }
  if (role !== undefined && role !== "master") {
    remarks.push({
      kind: "fault",
      message: `Redis is a ${role === "slave" ? "replica" : role}, which cannot be written to: point REDIS_URL to its primary`,
    });
  }
  if (aofEnabled === false) {
    remarks.push({
      kind: "warning",
      message:
        "Redis has no append-only file: signals and tasks since its last snapshot are lost when it stops; run CONFIG SET appendonly yes",
    });
  }
  if (maxMemoryPolicy !== undefined && maxMemoryPolicy !== "noeviction") {
    remarks.push({
      kind: "warning",
      message: `Redis may evict keys (maxmemory-policy ${maxMemoryPolicy}), among them those that keep signals from being traded twice; run CONFIG SET maxmemory-policy noeviction`,
    });
  }
  return remarks;
}

/** What a Redis server reports about itself; undefined where it reports nothing (managed servers hide some facts). */
export interface RedisFacts {
  /** From INFO: `redis_version`, or `valkey_version` when there is one. */
  readonly version: string | undefined;
  readonly valkey: boolean;
  readonly role: string | undefined;
  readonly aofEnabled: boolean | undefined;
  readonly maxMemoryPolicy: string | undefined;
}

/** A finding about the server: with a `fault` the router cannot work, with a `warning` its promise is weaker. */
export interface RedisRemark {
  readonly kind: "fault" | "warning";
  readonly message: string;
}

const MAJOR_MIN = 7;
