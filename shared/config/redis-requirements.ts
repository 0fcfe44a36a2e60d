/** What a Redis server says of itself; undefined where it does not say (managed servers hide some of it). */
export interface RedisFacts {
  /** Of INFO: `redis_version`, or `valkey_version` where there is one. */
  readonly version: string | undefined;
  readonly valkey: boolean;
  readonly role: string | undefined;
  readonly aofEnabled: boolean | undefined;
  readonly maxMemoryPolicy: string | undefined;
}

/** One thing about the server: a `fault` keeps the router from working, a `warning` weakens what it promises. */
export interface RedisRemark {
  readonly kind: "fault" | "warning";
  readonly message: string;
}

const MAJOR_MIN = 7;

/** What has to be said about a server before signals are trusted to it. */
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
        "Redis has no append-only file: signals and tasks since its last snapshot are lost when it stops; CONFIG SET appendonly yes",
    });
  }
  if (maxMemoryPolicy !== undefined && maxMemoryPolicy !== "noeviction") {
    remarks.push({
      kind: "warning",
      message: `Redis may evict keys (maxmemory-policy ${maxMemoryPolicy}), among them what keeps signals from being traded twice; CONFIG SET maxmemory-policy noeviction`,
    });
  }
  return remarks;
}
