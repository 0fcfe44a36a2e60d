import { memoryRemark } from "./redis-measures.ts";
import { fault, ok, warning, type Remark } from "./remark.ts";

/** Checks whether a Redis server is fit for the router; asked at the start and by `cli check`. */
export function redisRemarks(facts: RedisFacts): readonly Remark[] {
  if (facts.infoDenied === true) return [INFO_DENIED];
  return [
    versionRemark(facts),
    roleRemark(facts),
    aofRemark(facts),
    evictionRemark(facts),
    memoryRemark(facts.memory),
  ];
}

const INFO_DENIED = warning(
  "INFO is not permitted: version, role, persistence and eviction were not checked, and memory is not watched; allow it with ACL SETUSER <user> +info, or check them yourself",
);

/** What a Redis server reports about itself; undefined where it reports nothing (managed servers hide some facts). */
export interface RedisFacts {
  /** True when the user may not run INFO, so that nothing is known. */
  readonly infoDenied?: boolean;
  /** From INFO: `redis_version`, or `valkey_version` when there is one. */
  readonly version: string | undefined;
  readonly valkey: boolean;
  readonly role: string | undefined;
  readonly aofEnabled: boolean | undefined;
  readonly maxMemoryPolicy: string | undefined;
  /** Bytes in use, and maxmemory. */
  readonly memory: { readonly used: number | null; readonly max: number | null };
}

/** What scripts may do there. */
export interface ScriptFacts {
  /** The error reply, when scripts are refused. */
  readonly refused?: string;
  readonly hasCmsgpack: boolean;
  /** Commands of the router that the user may not run, or the server does not know. */
  readonly denied: readonly string[];
  /** Pub/Sub channels, of those that were asked about, that the user may not subscribe to. */
  readonly deniedChannels: readonly string[];
}

/** Whether the router hears of changes of the reference; without a permission they wait for the next refresh. */
export function channelRemark({ deniedChannels }: ScriptFacts, refreshMs: number): Remark {
  if (deniedChannels.length === 0) return ok("its user may subscribe to REFERENCE_CHANNELS");
  return warning(
    `the Redis user of REDIS_URL may not subscribe to ${deniedChannels.join(", ")}: changes of the reference are seen only every ${Math.round(refreshMs / 1_000)} s; allow it with ACL SETUSER <user> &<channel>`,
  );
}

/** A warning for each of REFERENCE_STREAMS that cannot be read, with why; one that does not exist yet can. */
export function streamRemarks(unreadable: ReadonlyMap<string, string>, refreshMs: number): readonly Remark[] {
  return [...unreadable].map(([stream, why]) =>
    warning(
      `${stream} of REFERENCE_STREAMS cannot be read as a stream (${why}): what it says is seen only every ${Math.round(refreshMs / 1_000)} s; correct the name, or allow it with ACL SETUSER <user> +xinfo +xread ~${stream}`,
    ),
  );
}

const MAJOR_MIN = 7;

function versionRemark({ version, valkey }: RedisFacts): Remark {
  if (version === undefined) return ok("the server does not report its version");
  const named = `${valkey ? "Valkey" : "Redis"} ${version}`;
  if (valkey || Number.parseInt(version, 10) >= MAJOR_MIN) return ok(named);
  return fault(
    `Redis is version ${version}: expected ${MAJOR_MIN}.0 or later, or Valkey; upgrade it or point REDIS_URL to another`,
  );
}

function roleRemark({ role }: RedisFacts): Remark {
  if (role === undefined) return ok("the server does not report its role");
  if (role === "master") return ok("it is a primary and can be written to");
  const named = role === "slave" ? "replica" : role;
  return fault(`Redis is a ${named}, which cannot be written to: point REDIS_URL to its primary`);
}

function aofRemark({ aofEnabled }: RedisFacts): Remark {
  if (aofEnabled === undefined) return ok("the server does not report whether it has an append-only file");
  if (aofEnabled) return ok("its append-only file is on: signals and tasks survive a restart");
  return warning(
    "Redis has no append-only file: signals and tasks since its last snapshot are lost when it stops; run CONFIG SET appendonly yes",
  );
}

function evictionRemark({ maxMemoryPolicy }: RedisFacts): Remark {
  if (maxMemoryPolicy === undefined) return ok("the server does not report its maxmemory-policy");
  if (maxMemoryPolicy === "noeviction") return ok("it evicts no keys (maxmemory-policy noeviction)");
  return warning(
    `Redis may evict keys (maxmemory-policy ${maxMemoryPolicy}), among them those that keep signals from being traded twice; run CONFIG SET maxmemory-policy noeviction`,
  );
}

/** Whether the scripts of the router can run there. */
export function scriptRemark({ refused, hasCmsgpack, denied }: ScriptFacts): Remark {
  if (refused !== undefined && /\bkeys\b/.test(refused)) {
    return fault(
      `the Redis user of REDIS_URL may not use the keys of KEY_PREFIX (${refused}): allow them with ACL SETUSER <user> ~<KEY_PREFIX>*`,
    );
  }
  if (refused !== undefined) {
    return fault(
      `Redis refuses scripts (${refused}), and every decision is made by one: allow EVAL and EVALSHA, as with ACL SETUSER <user> +@scripting`,
    );
  }
  if (!hasCmsgpack)
    return fault("the scripts of this Redis lack the library cmsgpack: use Redis 7.0 or later, or Valkey");
  if (denied.length > 0) {
    return fault(
      `the Redis user of REDIS_URL may not run ${denied.join(", ")} on the keys of KEY_PREFIX: allow it with ACL SETUSER (commands +…, keys ~…, channels &…)`,
    );
  }
  return ok("scripts work, and its user may run every command that the router needs");
}
