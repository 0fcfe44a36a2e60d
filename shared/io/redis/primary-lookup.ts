import { addressText, type RedisTarget } from "../../config/redis-url.ts";
import { messageOf, toError } from "../../error-message.ts";
import { askSentinel, type SentinelAnswer } from "./ask-sentinel.ts";
import { askServer, serverAt, type Login, type Server } from "./ask-server.ts";
import { choosePrimary, isOwner, type Choice, type ServerAnswer } from "./choose-primary.ts";
import { NoPrimaryError, RedisMisconfiguredError } from "./redis-errors.ts";
import { refuseOnCluster } from "./refuse-cluster.ts";

/**
 * Finds the server that owns a key of the router: asks the addresses of REDIS_URL, and the primary that was found before, all at
 * once. @throws NoPrimaryError, RedisMisconfiguredError; the connection's own error where REDIS_URL has one address
 */
export async function findPrimary(options: LookupOptions): Promise<FoundPrimary> {
  const ended = new AbortController();
  const timer = setTimeout(() => ended.abort(new Error("it does not answer")), LOOK_UP_MS_MAX);
  try {
    const { sentinel } = options.target;
    const found =
      sentinel === undefined
        ? await amongServers(options, ended.signal)
        : await bySentinels(options, { ...sentinel, signal: ended.signal });
    if (found.mode === "cluster") refuseOnCluster(options.target, options.key);
    return found;
  } finally {
    clearTimeout(timer);
    ended.abort(new Error("the look-up has ended"));
  }
}

export interface LookupOptions {
  readonly target: RedisTarget;
  /** One of the router's keys. */
  readonly key: string;
  readonly known: Server | undefined;
}

export interface FoundPrimary {
  readonly server: Server;
  readonly mode: string | undefined;
  readonly runId: string | undefined;
  /** False for the only address of REDIS_URL while it says something else: it is reported where its connection is used. */
  readonly isPrimary: boolean;
}

const LOOK_UP_MS_MAX = 4_000;
/** A machine that is off does not refuse, it says nothing: from then on the answers of the others are enough. */
const SILENT_MS_MAX = 1_000;
/** A Cluster whose nodes name each other in turn is not followed for ever. */
const SERVERS_MAX = 64;

async function amongServers(
  { target, key, known }: LookupOptions,
  signal: AbortSignal,
): Promise<FoundPrimary> {
  const servers = new Map<string, Server>();
  const waiting = new Map<string, Promise<void>>();
  const answers: ServerAnswer[] = [];
  const failures = new Map<string, unknown>();

  const ask = (server: Server): void => {
    const at = addressText(server);
    if (servers.has(at) || servers.size >= SERVERS_MAX) return;
    servers.set(at, server);
    const asked = askServer(server, loginOf(target), { key, signal });
    const heard = asked.then(
      (answer) => {
        answers.push(answer);
        if (answer.owner !== undefined) ask(serverAt(answer.owner, server));
      },
      (error: unknown) => void failures.set(at, error),
    );
    waiting.set(
      at,
      heard.finally(() => waiting.delete(at)),
    );
  };
  for (const seed of target.seeds) ask(serverAt(seed));
  if (known !== undefined) ask(known);

  let choice = choosePrimary(answers, { known, waitingCount: waiting.size });
  await untilEnough(waiting, (isLate) => {
    choice = choosePrimary(answers, { known, waitingCount: isLate ? 0 : waiting.size });
    return choice.status === "chosen";
  });
  return choice.status === "chosen"
    ? foundAt(choice.server, servers)
    : theOnly({ target, answers, failures, servers, choice });
}

/** Resolves as soon as `isEnough`, which is asked after each answer and when the rest is late; else when all have ended. */
async function untilEnough(
  waiting: ReadonlyMap<string, Promise<void>>,
  isEnough: (isLate: boolean) => boolean,
): Promise<void> {
  let isLate = false;
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<void>((resolve) => {
    timer = setTimeout(() => {
      isLate = true;
      resolve();
    }, SILENT_MS_MAX);
  });
  try {
    while (!isEnough(isLate) && waiting.size > 0)
      await Promise.race(isLate ? waiting.values() : [...waiting.values(), late]);
  } finally {
    clearTimeout(timer);
  }
}

function foundAt(answer: ServerAnswer, servers: ReadonlyMap<string, Server>): FoundPrimary {
  return {
    server: servers.get(addressText(answer.address)) ?? serverAt(answer.address),
    mode: answer.mode,
    runId: answer.runId,
    isPrimary: isOwner(answer),
  };
}

interface Asked {
  readonly target: RedisTarget;
  readonly answers: readonly ServerAnswer[];
  readonly failures: ReadonlyMap<string, unknown>;
  readonly servers: ReadonlyMap<string, Server>;
  readonly choice: Choice;
}

/** The only address there is, whatever it says. @throws where that is no answer, or REDIS_URL has more of them */
function theOnly(asked: Asked): FoundPrimary {
  const { target, answers, failures, servers, choice } = asked;
  const sentinel = answers.find(({ mode }) => mode === "sentinel");
  if (sentinel !== undefined) {
    throw new RedisMisconfiguredError(
      `REDIS_URL names ${addressText(sentinel.address)}, which is a Sentinel: expected redis-sentinel://host[:port][,host2[:port]…]/<master name>`,
    );
  }
  const [first] = answers;
  if (servers.size === 1 && first !== undefined && first.mode !== "cluster") return foundAt(first, servers);
  const [failure] = failures.values();
  if (servers.size === 1 && failure !== undefined) throw toError(failure);
  if (choice.status === "two") {
    const [one, two] = choice.servers.map(({ address }) => addressText(address));
    throw new NoPrimaryError(
      `both ${one} and ${two} of REDIS_URL say that they are the primary: make one a replica of the other with REPLICAOF, or leave it out`,
    );
  }
  const said = [
    ...answers.map((answer) => `${addressText(answer.address)} ${stateOf(answer)}`),
    ...[...failures].map(([at, error]) => `${at}: ${messageOf(error)}`),
  ];
  const which =
    target.seeds.length === 1 ? "the primary of this Redis" : "the primary among the servers of REDIS_URL";
  const cause = answers.find(({ refused }) => refused !== undefined)?.refused;
  throw new NoPrimaryError(`${which} cannot be found now: ${said.join("; ")}`, { cause });
}

function stateOf({ role, owner, refused }: ServerAnswer): string {
  if (owner !== undefined) return `names ${addressText(owner)}`;
  if (refused !== undefined) return `says ${refused.message}`;
  return role === "master" ? "is a primary" : "is a replica";
}

async function bySentinels(
  { target, key }: LookupOptions,
  {
    masterName,
    signal,
    ...credentials
  }: NonNullable<RedisTarget["sentinel"]> & { readonly signal: AbortSignal },
): Promise<FoundPrimary> {
  const login = { ...credentials, ...shared(target) };
  const answers: SentinelAnswer[] = [];
  const failures: string[] = [];
  const sentinels = target.seeds.map((seed) => serverAt(seed));
  const waiting = new Map<string, Promise<void>>();
  for (const sentinel of sentinels) {
    const at = addressText(sentinel);
    const asked = askSentinel(sentinel, login, { masterName, signal }).then(
      (answer) => void answers.push(answer),
      (error: unknown) => void failures.push(`${at}: ${messageOf(error)}`),
    );
    waiting.set(
      at,
      asked.finally(() => waiting.delete(at)),
    );
  }
  await untilEnough(waiting, (isLate) => {
    const naming = answers.filter(({ primary }) => primary !== undefined).length;
    return 2 * naming > sentinels.length || (isLate && naming > 0);
  });
  const [newest] = answers
    .flatMap((answer) => (answer.primary === undefined ? [] : [answer]))
    .toSorted((one, other) => other.epoch - one.epoch);
  if (newest === undefined) throw notNamed(masterName, answers, failures);

  const server = serverAt(newest.primary, newest.sentinel);
  const named = `the Sentinels name ${addressText(server)} as the primary ${masterName}`;
  const answer = await askServer(server, loginOf(target), { key, signal }).catch((error: unknown) => {
    throw new NoPrimaryError(`${named}, which cannot be reached: ${messageOf(error)}`);
  });
  if (!isOwner(answer))
    throw new NoPrimaryError(`${named}, which ${stateOf(answer)}`, { cause: answer.refused });
  return foundAt(answer, new Map([[addressText(server), server]]));
}

function notNamed(
  masterName: string,
  answers: readonly SentinelAnswer[],
  failures: readonly string[],
): Error {
  const known = answers.flatMap((answer) => (answer.primary === undefined ? answer.knows : []));
  if (answers.length > 0) {
    const names = known.length === 0 ? "watch no primary" : `know ${[...new Set(known)].join(", ")}`;
    return new RedisMisconfiguredError(
      `REDIS_URL names the primary ${masterName}, which its Sentinels do not know (they ${names}): correct the name behind the last /`,
    );
  }
  return new NoPrimaryError(`no Sentinel of REDIS_URL answers: ${failures.join("; ")}`);
}

function loginOf({ username, password, ...target }: RedisTarget): Login {
  return {
    ...(username === undefined ? {} : { username }),
    ...(password === undefined ? {} : { password }),
    ...shared(target),
  };
}

function shared({ tls, family }: Pick<RedisTarget, "tls" | "family">): Login {
  return { tls, ...(family === undefined ? {} : { family }) };
}
