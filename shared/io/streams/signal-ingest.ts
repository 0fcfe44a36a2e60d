import { setTimeout as pause } from "node:timers/promises";
import type { ChainableCommander, Redis } from "ioredis";
import type { Fields } from "../../entry.ts";
import { messageOf } from "../../error-message.ts";
import type { Keys } from "../../keys.ts";
import { redisRefusalIn, type RedisRefusal } from "../../redis-refusal.ts";
import { askReplicas, TooFewReplicasError, type ReplicasAsked } from "../redis/confirm.ts";
import { openRedis } from "../redis/connection.ts";

/** Adds entries to `signals_stream` for callers that wait for an answer. */
export interface SignalIngest {
  /**
   * Adds an entry and gives its id once Redis, and the replicas that must have it, have confirmed it; calls do not wait for each
   * other, except for replicas. @throws NotConfirmedError when Redis refuses, or there is no confirmation within `msMax`. The entry may
   * have been added all the same.
   */
  add(fields: Fields, limits: IngestLimits): Promise<string>;
  /** Adds all entries or none, side by side, and gives their ids. @throws NotConfirmedError like `add` */
  addAll(entries: readonly Fields[], limits: IngestLimits): Promise<readonly string[]>;
  close(): void;
}

export interface IngestLimits {
  readonly msMax: number;
}

/** Redis has not confirmed that the entry was added; the message says why, and contains nothing of the entry. */
export class NotConfirmedError extends Error {
  override readonly name = "NotConfirmedError";
  /** What Redis said when it refused the entry, which is then certainly not added. */
  readonly refusal: RedisRefusal | undefined;
  /** It is added, but too few replicas have it: a fail-over now could lose it. */
  readonly lacksReplicas: boolean;

  constructor(message: string, cause?: unknown) {
    super(message);
    this.refusal = redisRefusalIn(cause);
    this.lacksReplicas = cause instanceof TooFewReplicasError;
  }
}

export interface SignalIngestOptions {
  readonly url: string;
  readonly keys: Keys;
  /** Shown by CLIENT LIST. */
  readonly name: string;
  /** The replicas that must have an entry; default: none. */
  readonly replicas?: ReplicasAsked;
  /** LEASE_MS: how often it is asked who the primary is; default: that of the variable. */
  readonly leaseMs?: number;
  /** Called on every connection error; the client reconnects by itself. */
  readonly onError: (error: Error) => void;
}

/** No caller waits longer: after so long without an answer the connection is replaced. */
const ANSWER_MS_MAX = 2_000;

/** Opens a connection of its own, so that no call waits for other commands; Redis may be unavailable now. */
export function openSignalIngest({
  url,
  keys,
  name,
  replicas: asked = { replicasMin: 0, msMax: 0 },
  leaseMs,
  onError,
}: SignalIngestOptions): SignalIngest {
  const isWaiting = asked.replicasMin > 0;
  const replicas = { ...asked, msMax: Math.min(asked.msMax, ANSWER_MS_MAX) };
  const answerMsMax = ANSWER_MS_MAX + (isWaiting ? replicas.msMax : 0);
  const key = keys.stream("signals_stream");
  const every = leaseMs === undefined ? {} : { leaseMs };
  const redis = openRedis({ url, key, role: "commands", name, answerMsMax, onError, ...every });
  // The client's own queue is not used: it would still send an alert that was already reported as not confirmed.
  const waiting = new Set<Addition>();
  let isScheduled = false;
  let isUnconfirmed = false;

  /**
   * Sends what came in one turn of the event loop in one write: a burst of alerts is one round trip. Where replicas must have it, one
   * such group is under way at a time, and what comes meanwhile is the next.
   */
  const schedule = (): void => {
    if (isScheduled || isUnconfirmed || waiting.size === 0) return;
    isScheduled = true;
    setImmediate(() => {
      isScheduled = false;
      if (redis.status !== "ready") return;
      const additions = [...waiting];
      waiting.clear();
      if (!isWaiting) return send(redis, key, additions);
      isUnconfirmed = true;
      void sendConfirmed(redis, key, additions, replicas).then(() => {
        isUnconfirmed = false;
        schedule();
      });
    });
  };
  redis.on("ready", schedule);

  const addAll = async (entries: readonly Fields[], { msMax }: IngestLimits): Promise<readonly string[]> => {
    const ended = new AbortController();
    let addition: Addition | undefined;
    const added = new Promise<readonly string[]>((resolve, reject) => {
      addition = { entries, resolve, reject };
      waiting.add(addition);
      schedule();
    });
    const timeout = pause(msMax, undefined, { signal: ended.signal }).then(() => {
      throw new NotConfirmedError(
        `no confirmation within ${Math.round(msMax)} ms (connection: ${redis.status})`,
      );
    });
    try {
      return await Promise.race([added, timeout]);
    } catch (error) {
      if (error instanceof NotConfirmedError) throw error;
      // The error itself is not passed on: errors of ioredis hold the command with all its arguments.
      throw new NotConfirmedError(messageOf(error), error);
    } finally {
      if (addition !== undefined) waiting.delete(addition);
      // Ends the timer if it lost the race; the race has handled its rejection.
      ended.abort();
    }
  };

  return {
    addAll,
    async add(fields, limits) {
      const [id] = await addAll([fields], limits);
      return String(id);
    },
    close: () => redis.disconnect(),
  };
}

/** Entries that are added together, and what waits for their ids. */
interface Addition {
  readonly entries: readonly Fields[];
  readonly resolve: (ids: readonly string[]) => void;
  readonly reject: (error: unknown) => void;
}

/** Sends them, and WAIT right after them over the same connection, which settles them. Never rejects. */
async function sendConfirmed(
  redis: Redis,
  key: string,
  additions: readonly Addition[],
  replicas: ReplicasAsked,
): Promise<void> {
  const unsettled = additions.map(({ entries, resolve, reject }) => ({
    entries,
    resolve: (ids: readonly string[]) =>
      void asked.then((lacking) => (lacking === undefined ? resolve(ids) : reject(lacking))),
    reject,
  }));
  send(redis, key, unsettled);
  const asked = askReplicas(redis, replicas);
  await asked;
}

function send(redis: Redis, key: string, additions: readonly Addition[]): void {
  const singles = additions.filter(({ entries }) => entries.length === 1);
  if (singles.length > 0) {
    const pipeline = redis.pipeline();
    for (const { entries } of singles) addTo(pipeline, key, entries);
    pipeline.exec().then(
      (replies) => {
        for (const [n, addition] of singles.entries()) settle(addition, replies?.slice(n, n + 1));
      },
      (error: unknown) => {
        for (const { reject } of singles) reject(error);
      },
    );
  }
  for (const addition of additions) {
    if (addition.entries.length === 1) continue;
    const transaction = redis.multi();
    addTo(transaction, key, addition.entries);
    transaction.exec().then((replies) => settle(addition, replies), addition.reject);
  }
}

function addTo(commands: ChainableCommander, key: string, entries: readonly Fields[]): void {
  for (const fields of entries) commands.xadd(key, "*", ...Object.entries(fields).flat());
}

type Replies = readonly (readonly [error: Error | null, result: unknown])[] | null | undefined;

function settle({ entries, resolve, reject }: Addition, replies: Replies): void {
  const failed = replies?.find(([error]) => error !== null)?.[0];
  const ids = (replies ?? []).flatMap(([, id]) => (typeof id === "string" ? [id] : []));
  if (failed !== null && failed !== undefined) reject(failed);
  else if (ids.length === entries.length) resolve(ids);
  else reject(new Error("Redis answered without an entry id"));
}
