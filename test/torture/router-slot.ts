import { setTimeout as pause } from "node:timers/promises";
import { startScript, untilItRuns, type RouterProcess } from "../servers/router-process.ts";

/** A router process that is started again whenever it has exited. */
export interface RouterSlot {
  start(): Promise<void>;
  /** SIGKILL, and a new router after `forMs`. */
  kill(forMs: number): Promise<void>;
  /** SIGTERM, and a new router `forMs` after it has exited. */
  terminate(forMs: number): Promise<void>;
  /** SIGSTOP, and SIGCONT after `forMs`. */
  freeze(forMs: number): Promise<void>;
  /** SIGTERM without a new router. */
  stop(): Promise<void>;
  /** Process id of the running router; undefined before the first start. */
  readonly pid: number | undefined;
  /** The end of the router's output. */
  output(): string;
  /** SIGKILL without a new router, when the run has failed. */
  destroy(): void;
}

export interface RouterSlotOptions {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** SHUTDOWN_MS_MAX of the router. */
  readonly shutdownMsMax: number;
  /** Since when both servers have been available without a break, milliseconds since 1970. */
  readonly serversAvailableSince: () => number;
  /** Called when the router exits by itself, or stops late or with a wrong exit code. */
  readonly onMisbehaviour: (text: string) => void;
}

const START_MS_MAX = 60_000;
/** Time that a busy machine may need to end a process whose work is done. */
const EXIT_GRACE_MS = 3_000;
const OUTPUT_SHOWN = 2_000;

export function routerSlot({
  name,
  env,
  shutdownMsMax,
  serversAvailableSince,
  onMisbehaviour,
}: RouterSlotOptions): RouterSlot {
  let router: RouterProcess | undefined;
  let destroyed = false;
  /** Routers that were sent a signal to end. */
  const signalled = new WeakSet<RouterProcess>();

  async function start(): Promise<void> {
    const startedAt = Date.now();
    for (;;) {
      try {
        const started = await Promise.race([
          untilItRuns(startScript("test/torture/router.ts", env)),
          startTimeout(name),
        ]);
        router = started;
        void started.ended().then(async (code) => {
          if (signalled.has(started) || destroyed) return;
          onMisbehaviour(`${name} exited by itself (${code}):\n${tail(started.output())}`);
          await start();
        });
        return;
      } catch (error) {
        // It may exit while Redis is unavailable, as in production, where it is then started again.
        if (Date.now() - startedAt > START_MS_MAX) throw error;
        await pause(300);
      }
    }
  }

  function end(signal: NodeJS.Signals): RouterProcess {
    if (router === undefined) throw new Error(`${name} is not running`);
    signalled.add(router);
    router.signal(signal);
    return router;
  }

  async function terminate(): Promise<void> {
    const signalledAt = Date.now();
    const stopping = end("SIGTERM");
    const code = await stopping.ended();
    const tookMs = Date.now() - signalledAt;
    // Without a server it cannot finish what is in flight, and exits with 1.
    const isAllowed = code === 0 || (code === 1 && serversAvailableSince() > signalledAt);
    if (!isAllowed || tookMs > shutdownMsMax + EXIT_GRACE_MS) {
      onMisbehaviour(`${name} exited ${tookMs} ms after SIGTERM with ${code}:\n${tail(stopping.output())}`);
    }
  }

  return {
    start,
    async kill(forMs) {
      await end("SIGKILL").ended();
      await pause(forMs);
      await start();
    },
    async terminate(forMs) {
      await terminate();
      await pause(forMs);
      await start();
    },
    async freeze(forMs) {
      router?.signal("SIGSTOP");
      await pause(forMs);
      router?.signal("SIGCONT");
    },
    stop: terminate,
    get pid() {
      return router?.pid;
    },
    output: () => tail(router?.output() ?? ""),
    destroy() {
      destroyed = true;
      router?.signal("SIGKILL");
    },
  };
}

/** Rejects after {@link START_MS_MAX}. */
async function startTimeout(name: string): Promise<never> {
  await pause(START_MS_MAX, undefined, { ref: false });
  throw new Error(`${name} was not ready ${START_MS_MAX} ms after its start`);
}

function tail(text: string): string {
  return text.slice(-OUTPUT_SHOWN);
}
