import { join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import pRetry from "p-retry";
import { lock } from "proper-lockfile";
import { inWords, privateFolder, privateTree } from "../../shared/io/files/private-files.ts";
import { type Running, type StopOutcome } from "../../shared/running.ts";
import { endAdvice, launchRedis, logTail } from "./redis-launch.ts";
import { freePort, isListening, probe } from "./redis-probe.ts";
import { isAlive, readState, writeState } from "./redis-state.ts";

/**
 * The local Redis of `npm start`: its data is in `<dataDir>/redis`, where the AOF keeps it over restarts and crashes.
 * There are never two servers on one folder: a server that is still running after its router ended is used again. `stop` ends
 * the server, unless another running router owns it.
 */
export interface LocalRedis extends Running {
  readonly url: string;
  readonly port: number;
  /** Process id; it changes when the server ended and was started again. */
  readonly pid: number;
  /** False when the server was running already. */
  readonly startedByUs: boolean;
}

export interface LocalRedisOptions {
  readonly dataDir: string;
  /** A pino logger, for example. */
  readonly log: Log;
  /** Path of redis-server or valkey-server; called only to start one. */
  readonly findServer: () => Promise<string>;
  /** Used if it is free and no earlier run used another port. */
  readonly preferredPort?: number;
}

interface Log {
  info(details: object, message: string): void;
  warn(details: object, message: string): void;
  error(details: object, message: string): void;
}

/** A server that answers; `ended` resolves with the exit code, the signal or another reason. */
interface RedisProcess {
  readonly port: number;
  readonly pid: number;
  readonly startedByUs: boolean;
  readonly ended: Promise<string>;
}

const STOP_MS_MAX = 10_000;
const RESTART_MS_MAX = 10_000;
const QUICK_END_MS = 10_000;
const CHECK_MS = 500;

/** Finds or starts the local Redis and keeps it running until `stop`. @throws Error saying why it does not start */
export async function startLocalRedis(options: LocalRedisOptions): Promise<LocalRedis> {
  const { log } = options;
  const dir = join(options.dataDir, "redis");
  await privateFolder(options.dataDir);
  await privateTree(dir);
  const stopping = new AbortController();
  const { signal } = stopping;
  const first = await ensureRunning(dir, options, signal);
  const { port } = first;
  let running: RedisProcess | undefined = first;
  let starting: Promise<RedisProcess> = Promise.resolve(first);

  const isOurs = (): boolean => {
    const owner = readState(dir)?.owner;
    return owner === undefined || owner === process.pid || !isAlive(owner);
  };
  // For a router that ends without `stop`; only synchronous calls are possible then.
  const endAtExit = (): void => {
    if (running !== undefined && isOurs()) terminate(running.pid);
  };
  process.once("exit", endAtExit);

  const restart = async (): Promise<RedisProcess> => {
    starting = ensureRunning(dir, options, signal, port);
    running = await starting;
    log.info({ port, pid: running.pid }, "the local Redis runs again");
    return running;
  };
  const keepRunning = async (): Promise<void> => {
    let server = first;
    let quickEnds = 0;
    for (;;) {
      const since = performance.now();
      const how = await server.ended;
      if (signal.aborted) return;
      running = undefined;
      quickEnds = performance.now() - since < QUICK_END_MS ? quickEnds + 1 : 0;
      log.error({ port, pid: server.pid, how }, "the local Redis ended; starting it again");
      await delay(Math.min(50 * 2 ** quickEnds, RESTART_MS_MAX), undefined, { signal, ref: false });
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
    if (!signal.aborted)
      log.error({ port, err: error }, "the local Redis will not be started again: restart the router");
  });

  const stop = async (): Promise<StopOutcome> => {
    stopping.abort();
    // A restart in progress is not interrupted; the server that it starts is ended here.
    const server = running ?? (await starting.catch(() => undefined));
    if (server !== undefined && isOurs()) {
      if (!(await endServer(server)))
        log.warn({ port, pid: server.pid }, `the local Redis has not ended within ${STOP_MS_MAX} ms`);
      else if (readState(dir) !== undefined) writeState(dir, { port });
    }
    process.off("exit", endAtExit);
    return "finished";
  };
  let stopped: Promise<StopOutcome> | undefined;
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

/** URL of the local Redis that is running on this data; undefined when none is. */
export async function localRedisUrl(dataDir: string): Promise<string | undefined> {
  const dir = join(dataDir, "redis");
  const state = readState(dir);
  if (state === undefined) return undefined;
  const found = await probe(state.port, dir);
  return found.status === "ours" ? urlOf(state.port) : undefined;
}

const urlOf = (port: number) => `redis://127.0.0.1:${port}`;

/** Uses the running server of this folder, or starts one; one process at a time. */
async function ensureRunning(
  dir: string,
  options: LocalRedisOptions,
  signal: AbortSignal,
  onlyPort?: number,
): Promise<RedisProcess> {
  const release = await inWords(dir, async () =>
    lock(dir, {
      lockfilePath: join(dir, "start.lock"),
      retries: { forever: true, minTimeout: 50, maxTimeout: 500 },
      onCompromised: (error) =>
        options.log.warn({ err: error }, "another process took the lock of the local Redis"),
    }),
  );
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
): Promise<RedisProcess | undefined> {
  const state = readState(dir);
  for (const port of new Set([state?.port ?? preferredPort, preferredPort])) {
    const found = await probe(port, dir);
    if (found.status === "ours") {
      const { pid } = found;
      // When the router that started it has ended, this one has to end it.
      const owner = state?.owner !== undefined && isAlive(state.owner) ? state.owner : process.pid;
      writeState(dir, { port, pid, owner });
      return { port, pid, startedByUs: false, ended: untilClosed(port, signal) };
    }
    if (found.status === "silent" && port === state?.port && state.pid !== undefined && isAlive(state.pid)) {
      throw new Error(
        `The local Redis (process ${state.pid}, port ${port}) does not answer. Kill that process and start again.`,
      );
    }
  }
  return undefined;
}

async function startNew(
  dir: string,
  { findServer, log, preferredPort = 6379 }: LocalRedisOptions,
  onlyPort: number | undefined,
): Promise<RedisProcess> {
  const program = await findServer();
  const wanted =
    onlyPort === undefined ? [readState(dir)?.port ?? preferredPort, preferredPort, 0] : [onlyPort];
  for (const candidate of new Set(wanted)) {
    const port = await freePort(candidate);
    if (port === undefined) continue;
    // Written before the start: if this process is killed meanwhile, the next run finds the server.
    await inWords(dir, async () => writeState(dir, { port, owner: process.pid }));
    const launched = await launchRedis({ program, dir, port });
    if (launched.status === "ready") {
      const { pid, ended } = launched;
      writeState(dir, { port, pid, owner: process.pid });
      log.info({ port, pid, program, dir }, "started the local Redis");
      return { port, pid, startedByUs: true, ended };
    }
    // If the port is free, no other process took it: the start itself failed.
    if ((await freePort(port)) !== undefined) {
      const tail = await logTail(dir);
      throw new Error(
        `The local Redis ended before it was ready (${launched.how}). ${endAdvice(dir, tail)}Its log ends:\n${tail}`,
      );
    }
  }
  throw new Error(
    `The local Redis needs port ${onlyPort}, but another process listens there: stop that process.`,
  );
}

/** Resolves within half a second after the end of a server that is not a child of this process. */
async function untilClosed(port: number, signal: AbortSignal): Promise<string> {
  while (!signal.aborted && (await isListening(port))) {
    await delay(CHECK_MS, undefined, { signal, ref: false }).catch(() => undefined);
  }
  return "its port is closed";
}

/** Ends a server and waits until it has ended; false when that takes longer than {@link STOP_MS_MAX}. */
async function endServer({ pid, port, startedByUs, ended }: RedisProcess): Promise<boolean> {
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

/** Makes a Redis flush its AOF and end; does nothing if it has ended already. */
function terminate(pid: number): void {
  if (isAlive(pid)) process.kill(pid, "SIGTERM");
}
