/** The error reply in what was thrown, put into words; undefined when it is no error reply, or not one of these. */
export function redisRefusalIn(thrown: unknown): RedisRefusal | undefined {
  if (!(thrown instanceof Error)) return undefined;
  // A transaction is discarded because of an earlier reply, which says why.
  const before: unknown = "previousErrors" in thrown ? thrown.previousErrors : undefined;
  if (Array.isArray(before) && before.length > 0) return redisRefusalIn(before[0]);
  // What the servers said when none of them was found to be the primary.
  if (thrown.name === "NoPrimaryError") return redisRefusalIn(thrown.cause);
  // ioredis' name for an error reply, also of a script.
  return thrown.name === "ReplyError" ? redisRefusalOf(thrown.message) : undefined;
}

/** Whether Redis answered with an error about the data, such as a key of another type, and not about its own state. */
export function isDataError(thrown: unknown): boolean {
  return thrown instanceof Error && thrown.name === "ReplyError" && redisRefusalIn(thrown) === undefined;
}

/** Why Redis refuses a command, for people. */
export interface RedisRefusal {
  readonly code: RefusalCode;
  /** What it means for the router. */
  readonly meaning: string;
  /** What ends it. */
  readonly advice: string;
  /** The first sentence of the reply. */
  readonly said: string;
}

/** An error reply put into words; undefined when it is not about the state of the server or the connection's user. */
export function redisRefusalOf(reply: string): RedisRefusal | undefined {
  const [, code, rest = ""] = REPLY.exec(reply) ?? [];
  if (code === undefined || STREAM_GONE.test(reply)) return undefined;
  const [meaning, advice] = WORDS[code as RefusalCode];
  return { code: code as RefusalCode, meaning, advice, said: `${code} ${firstSentence(rest)}` };
}

/** In one line: what it means, what to do, and what Redis said. */
export function refusalText({ meaning, advice, said }: RedisRefusal): string {
  return `${meaning}: ${advice} (Redis said: ${said})`;
}

export type RefusalCode = keyof typeof WORDS;

const WORDS = {
  OOM: [
    "Redis is full: its memory has reached maxmemory",
    "raise maxmemory; if Postgres is unavailable, start it, so that what is logged can be trimmed",
  ],
  MISCONF: [
    "Redis cannot save its data and refuses every write",
    "free disk space or correct its folder; Redis' own log says what failed",
  ],
  READONLY: [
    "this Redis is a replica and refuses every write",
    "point REDIS_URL to its primary, or promote it with REPLICAOF NO ONE",
  ],
  NOREPLICAS: [
    "Redis has fewer replicas than its min-replicas-to-write and refuses every write",
    "start its replicas, or lower that setting",
  ],
  MASTERDOWN: [
    "this Redis is a replica that has lost its primary and answers nothing",
    "start its primary, or point REDIS_URL to the current one",
  ],
  LOADING: ["Redis is loading its data after a start", "wait, it goes on by itself"],
  BUSY: ["Redis is busy with a script that does not end", "end it with SCRIPT KILL"],
  NOAUTH: ["Redis expects a password and was given none", "set it in REDIS_URL and restart the router"],
  WRONGPASS: [
    "Redis refuses the user name or password of REDIS_URL",
    "correct it there and restart the router, or correct the user in Redis",
  ],
  NOPERM: ["the Redis user of REDIS_URL may not do this", "give it the permission with ACL SETUSER"],
  CLUSTERDOWN: [
    "the Redis Cluster is down: a part of its slots has no primary, or this node does not reach most others",
    "wait for a fail-over, else start its nodes; CLUSTER INFO and CLUSTER NODES say what is missing",
  ],
  TRYAGAIN: [
    "the slot of the router's keys is being moved to another node of the Redis Cluster",
    "wait for the end of the move, it goes on by itself; if the move was given up, end it with redis-cli --cluster fix",
  ],
  ASK: [
    "the slot of the router's keys is being moved to another node of the Redis Cluster",
    "wait for the end of the move, it goes on by itself; if the move was given up, end it with redis-cli --cluster fix",
  ],
  MOVED: [
    "another node of the Redis Cluster has the router's keys now",
    "wait, the router connects to it by itself",
  ],
  UNBLOCKED: [
    "this Redis has become a replica, or its slot has moved, while a read was waiting",
    "wait, the router connects to the new primary by itself",
  ],
  CROSSSLOT: [
    "the keys of a command are in different slots of the Redis Cluster",
    "set KEY_PREFIX to one with a hash tag, such as {signals}:, and give the same tag to the streams of OUTCOME_STREAMS and REFERENCE_STREAMS",
  ],
} as const satisfies Record<string, readonly [meaning: string, advice: string]>;

/** A read that waited is also unblocked when its stream is deleted, which is not the server's state. */
const STREAM_GONE = /UNBLOCKED the stream/;

/** Within a script that fails, the reply may come after words about the script. */
const REPLY = new RegExp(`(?:^|: |-)(${Object.keys(WORDS).join("|")}) (.*)`, "s");

/** Without the place in a script, which Redis adds to an error inside one. */
function firstSentence(text: string): string {
  return text
    .split("\n", 1)
    .join("")
    .replace(/\.? script: .*$/, "")
    .replace(/\. .*$/s, "")
    .replace(/\.$/, "");
}
