import { mkdir } from "node:fs/promises";
import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pRetry from "p-retry";
import { lock } from "proper-lockfile";
import { launchRedis, logTail } from "./redis-launch.ts";
import { freePort, isListening, probe } from "./redis-probe.ts";
import { isAlive, readState, writeState } from "./redis-state.ts";

/**
 * The Redis of a stack that runs on one machine: its data is in `<dataDir>/redis`, where the AOF keeps it over restarts and
 * crashes. Never two servers on one folder: one that outlived its router is found again and used as it is.
 */
export interface LocalRedis {
  readonly url: string;
  readonly port: number;
  /** Another one after the server died and was started again. */
  readonly pid: number;
  /** False when a server that ran already was found. */
  readonly startedByUs: boolean;
  /** Ends the server, unless another router that still runs owns it. The data is kept. */
  stop(): Promise<void>;
}

export interface LocalRedisOptions {
  readonly dataDir: string;
  /** Such as a pino logger. */
  readonly log: Log;
  /** Path of redis-server or valkey-server; asked for only when one has to be started. */
  readonly findServer: () => Promise<string>;
  /** Used if free, unless an earlier run used another one. */
  readonly preferredPort?: number;
}

interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** A server that answers; `ended` resolves with how it ended. */
interface Running {
  readonly port: number;
  readonly pid: number;
  readonly startedByUs: boolean;
  readonly ended: Promise<string>;
}

const STOP_MS_MAX = 10_000;
const RESTART_MS_MAX = 10_000;
const QUICK_DEATH_MS = 10_000;
const LOOK_MS = 500;

/** Finds or starts the local Redis and keeps it running until `stop`. @throws Error that says why it does not start */
export async function startLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  const { log } = options;
  const dir = join(options.dataDir, "redis");
  await mkdir(dir, { recursive: true });
  const stopping = new AbortController();
  const { signal } = stopping;
  const first = await ensureRunning(dir, options, signal);
  const { port } = first;
  let running: Running | undefined = first;
  let starting: Promise<Running> = Promise.resolve(first);

  const isOurs = (): boolean => {
    const owner = readState(dir)?.owner;
    return owner === undefined || owner === process.pid || !isAlive(owner);
  };
  // For a router that ends without `stop`; only something synchronous is possible at this point.
  const endWithProcess = (): void => {
    if (running !== undefined && isOurs()) terminate(running.pid);
  };
  process.once("exit", endWithProcess);

  const restart = async (): Promise<Running> => {
    starting = ensureRunning(dir, options, signal, port);
    running = await starting;
    log.info({ port, pid: running.pid }, "the local Redis runs again");
    return running;
  };
  const keepRunning = async (): Promise<void> => {
    let server = first;
    let quickDeaths = 0;
    for (;;) {
      const since = Date.now();
      const how = await server.ended;
      if (signal.aborted) return;
      running = undefined;
      quickDeaths = Date.now() - since < QUICK_DEATH_MS ? quickDeaths + 1 : 0;
      log.error({ port, pid: server.pid, how }, "the local Redis ended; starting it again");
      await delay(Math.min(50 * 2 ** quickDeaths, RESTART_MS_MAX), undefined, { signal, ref: false });
      server = await pRetry(restart, {
        retries: Number.POSITIVE_INFINITY,
        minTimeout: 200,
        maxTimeout: RESTART_MS_MAX,
        unref: true,
        signal,
        onFailedAttempt: ({ error }) => log.error({ port, err: error }, "the local Redis does not start"),
      });
    }
  };
  void keepRunning().catch((error: unknown) => {
    if (!signal.aborted) log.error({ port, err: error }, "the local Redis is no longer looked after");
  });

  const stop = async (): Promise<void> => {
    stopping.abort();
    // A restart under way is not broken off: what it brings is ended like any other.
    const server = running ?? (await starting.catch(() => undefined));
    if (server !== undefined && isOurs()) {
      if (!(await endServer(server)))
        log.warn({ port, pid: server.pid }, "the local Redis takes long to end");
      else if (readState(dir) !== undefined) writeState(dir, { port });
    }
    process.off("exit", endWithProcess);
  };
  let stopped: Promise<void> | undefined;
  return {
    url: urlOf(port),
    port,
    get pid() {
      return running?.pid ?? first.pid;
    },
    startedByUs: first.startedByUs,
    stop: () => (stopped ??= stop()),
  };
}

/** URL of the local Redis of a stack that runs on this data, undefined when none does. */
export async function localRedisUrl(dataDir: string): Promise<string | undefined> {
  const dir = join(dataDir, "redis");
  const state = readState(dir);
  if (state === undefined) return undefined;
  const found = await probe(state.port, dir);
  return found.status === "ours" ? urlOf(state.port) : undefined;
}

const urlOf = (port: number) => `redis://127.0.0.1:${port}`;

/** One process at a time looks for a server on this folder and starts one if there is none. */
async function ensureRunning(
  dir: string,
  options: LocalRedisOptions,
  signal: AbortSignal,
  onlyPort?: number,
): Promise<Running> {
  const release = await lock(dir, {
    lockfilePath: join(dir, "start.lock"),
    retries: { forever: true, minTimeout: 50, maxTimeout: 500 },
    onCompromised: (error) => options.log.warn({ err: error }, "the lock of the local Redis was taken away"),
  });
  try {
    const found = await findRunning(dir, options, signal);
    return found ?? (await startNew(dir, options, onlyPort));
  } finally {
    await release();
  }
}

async function findRunning(
  dir: string,
  { preferredPort = 6379 }: LocalRedisOptions,
  signal: AbortSignal,
): Promise<Running | undefined> {
  const state = readState(dir);
  for (const port of new Set([state?.port ?? preferredPort, preferredPort])) {
    const found = await probe(port, dir);
    if (found.status === "ours") {
      const { pid } = found;
      // When the router that started it is gone, it is ours to end.
      const owner = state?.owner !== undefined && isAlive(state.owner) ? state.owner : process.pid;
      writeState(dir, { port, pid, owner });
      return { port, pid, startedByUs: false, ended: untilClosed(port, signal) };
    }
    if (found.status === "silent" && port === state?.port && state.pid !== undefined && isAlive(state.pid)) {
      throw new Error(
        `The local Redis (process ${state.pid}, port ${port}) does not answer. End it and start again.`,
      );
    }
  }
  return undefined;
}

async function startNew(
  dir: string,
  { findServer, log, preferredPort = 6379 }: LocalRedisOptions,
  onlyPort: number | undefined,
): Promise<Running> {
  const program = await findServer();
  const wanted =
    onlyPort === undefined ? [readState(dir)?.port ?? preferredPort, preferredPort, 0] : [onlyPort];
  for (const candidate of new Set(wanted)) {
    const port = await freePort(candidate);
    if (port === undefined) continue;
    // Before the start: if we are killed in the middle of it, the next run finds the server.
    writeState(dir, { port, owner: process.pid });
    const launched = await launchRedis({ program, dir, port });
    if (launched.status === "ready") {
      const { pid, ended } = launched;
      writeState(dir, { port, pid, owner: process.pid });
      log.info({ port, pid, program, dir }, "started the local Redis");
      return { port, pid, startedByUs: true, ended };
    }
    // Unless someone else was quicker to take the port, there is something to tell.
    if ((await freePort(port)) !== undefined) {
      throw new Error(`The local Redis ended before it was ready (${launched.how}):\n${await logTail(dir)}`);
    }
  }
  throw new Error(`The local Redis cannot have port ${onlyPort}: something else listens there.`);
}

/** The end of a server that is not our child, noticed within half a second. */
async function untilClosed(port: number, signal: AbortSignal): Promise<string> {
  while (!signal.aborted && (await isListening(port))) {
    await delay(LOOK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return "its port is closed";
}

/** Ends a server and waits for it; false when it takes longer than 10 s. */
async function endServer({ pid, port, startedByUs, ended }: Running): Promise<boolean> {
  terminate(pid);
  const timeout = AbortSignal.timeout(STOP_MS_MAX);
  while (!timeout.aborted && (await isListening(port))) await delay(20);
  if (!startedByUs || timeout.aborted) return !timeout.aborted;
  const gaveUp = new AbortController();
  const late = delay(STOP_MS_MAX, false, { signal: gaveUp.signal }).catch(() => false);
  const inTime = await Promise.race([ended.then(() => true), late]);
  gaveUp.abort();
  return inTime;
}

/** Lets a Redis flush its AOF and end; nothing happens if it has ended already. */
function terminate(pid: number): void {
  if (isAlive(pid)) process.kill(pid, "SIGTERM");
}
