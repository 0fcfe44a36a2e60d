import type { Redis } from "ioredis";
import { messageOf } from "../../error-message.ts";
import { openRedis, runIdOf } from "./connection.ts";

/**
 * Resolves when REDIS_REPLICAS_MIN replicas have everything that was written before the call; with 0 at once, without a round trip.
 * @throws TooFewReplicasError when they do not within REDIS_REPLICAS_MS_MAX
 */
export type Confirm = () => Promise<void>;

/** Redis has taken the writes, but too few replicas have them: a fail-over now could lose them. */
export class TooFewReplicasError extends Error {
  override readonly name = "TooFewReplicasError";
  /** How many have them; undefined when Redis did not say it. */
  readonly replicas: number | undefined;

  constructor(message: string, replicas?: number) {
    super(message);
    this.replicas = replicas;
  }
}

/** Where no replica has to have anything. */
export const CONFIRMED: Confirm = async () => undefined;

export interface ConfirmOptions extends ReplicasAsked {
  /** The connection over which the writes were made. */
  readonly redis: Redis;
  readonly url: string;
  /** Of the connection that asks, shown by CLIENT LIST. */
  readonly name: string;
  /** A key that is written before each question. */
  readonly key: string;
  /** LEASE_MS: how often it is asked who the primary is; default: that of the variable. */
  readonly leaseMs?: number;
  readonly onError: (error: Error) => void;
}

/** A {@link Confirm} with the connection that it asks over, which is opened when it is first needed. */
export interface Confirmation {
  readonly confirm: Confirm;
  close(): void;
}

/** Asks over a connection of its own, which WAIT blocks: one question is under way, and callers who come meanwhile share the next. */
export function confirmOn(options: ConfirmOptions): Confirmation {
  const { redis, url, name, key, leaseMs, replicasMin, msMax, onError } = options;
  if (replicasMin === 0) return { confirm: CONFIRMED, close: () => undefined };
  let connection: Redis | undefined;
  let waiting: Caller[] = [];
  let isAsking = false;

  async function askForAll(): Promise<void> {
    // All that is confirmed in one turn of the event loop shares one question.
    await new Promise(setImmediate);
    while (waiting.length > 0) {
      const callers = waiting;
      waiting = [];
      connection ??= openRedis({
        url,
        key,
        role: "commands",
        name,
        answerMsMax: msMax + ANSWER_GRACE_MS,
        ...(leaseMs === undefined ? {} : { leaseMs }),
        onError,
      });
      const answer = await ask(connection, options);
      for (const caller of callers) settle(caller, answer);
    }
    isAsking = false;
  }

  return {
    confirm: async () =>
      new Promise((resolve, reject) => {
        waiting.push({ server: runIdOf(redis), resolve, reject });
        if (isAsking) return;
        isAsking = true;
        void askForAll();
      }),
    close: () => connection?.disconnect(),
  };
}

/** WAIT may answer so much later than its limit, in ms. */
const ANSWER_GRACE_MS = 2_000;

interface Caller {
  /** Run id of the server that has taken the caller's writes. */
  readonly server: string | undefined;
  readonly resolve: () => void;
  readonly reject: (error: TooFewReplicasError) => void;
}

/** Run id of the server whose replicas have everything; undefined when the server does not say it. Or why they do not. */
type Answer = { readonly server: string | undefined } | TooFewReplicasError;

/** Another server, such as a replica that was promoted meanwhile, knows nothing about the replicas of the one that was written to. */
function settle({ server, resolve, reject }: Caller, answer: Answer): void {
  if (answer instanceof TooFewReplicasError) return reject(answer);
  if (server === undefined || answer.server === undefined)
    return reject(new TooFewReplicasError("Redis does not say which server it is: allow its user INFO"));
  if (server !== answer.server)
    return reject(new TooFewReplicasError("another Redis server than before answers, which may lack it"));
  resolve();
}

/**
 * Since Redis 7.2 WAIT covers what was written before the last write of the client that sends it, and with a new connection nothing:
 * so a write goes before it, in one pipeline, which one connection answers. By EVAL: one that is sent again would come after WAIT.
 */
async function ask(connection: Redis, { key, name, replicasMin, msMax }: ConfirmOptions): Promise<Answer> {
  try {
    const replies = await connection
      .pipeline()
      .eval(WRITE_SCRIPT, 1, key, name)
      .wait(replicasMin, msMax)
      .exec();
    for (const [error] of replies ?? []) if (error !== null) throw error;
    return tooFew(replies?.at(-1)?.[1], { replicasMin, msMax }) ?? { server: runIdOf(connection) };
  } catch (error) {
    return unanswered(error);
  }
}

/** KEYS 1 a string that nothing reads. ARGV 1 its value. Also when Redis is full, since what has begun is finished then. */
const WRITE_SCRIPT = `#!lua flags=allow-oom
redis.call('SET', KEYS[1], ARGV[1])
`;

export interface ReplicasAsked {
  readonly replicasMin: number;
  readonly msMax: number;
}

/** For a connection that has written itself, right after it has: undefined when replicas have it. Never rejects. */
export async function askReplicas(
  redis: Redis,
  asked: ReplicasAsked,
): Promise<TooFewReplicasError | undefined> {
  return redis.wait(asked.replicasMin, asked.msMax).then((reply) => tooFew(reply, asked), unanswered);
}

/** Undefined when the reply of WAIT names enough replicas. */
function tooFew(replicas: unknown, { replicasMin, msMax }: ReplicasAsked): TooFewReplicasError | undefined {
  if (typeof replicas === "number" && replicas >= replicasMin) return undefined;
  const found = Number(replicas);
  return new TooFewReplicasError(
    `${found} replicas had confirmed it after ${msMax} ms, REDIS_REPLICAS_MIN is ${replicasMin}`,
    found,
  );
}

function unanswered(error: unknown): TooFewReplicasError {
  return new TooFewReplicasError(`Redis did not say whether its replicas have it (${messageOf(error)})`);
}
