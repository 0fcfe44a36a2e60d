import { setTimeout as pause } from "node:timers/promises";
import { startRouterProcess, type RouterProcess } from "../servers/router-process.ts";

/** One place where a router runs: whoever runs there is started again when it has ended. */
export interface RouterSlot {
  start(): Promise<void>;
  /** SIGKILL, and a new router after `forMs`. */
  kill(forMs: number): Promise<void>;
  /** SIGTERM, and a new router `forMs` after it has ended. */
  terminate(forMs: number): Promise<void>;
  /** SIGSTOP, and SIGCONT after `forMs`. */
  freeze(forMs: number): Promise<void>;
  /** SIGTERM for good. */
  stop(): Promise<void>;
  /** What the router there printed last. */
  output(): string;
  /** SIGKILL for good, when the run has failed. */
  abandon(): void;
}

export interface RouterSlotOptions {
  readonly name: string;
  readonly env: Readonly<Record<string, string>>;
  /** The SHUTDOWN_MS_MAX the routers are given. */
  readonly shutdownMsMax: number;
  /** Since when both servers have been there without a break, milliseconds since 1970. */
  readonly calmSince: () => number;
  /** Told of what a router must not do: end by itself, or stop late or with another code than it should. */
  readonly onMisbehaviour: (text: string) => void;
}

const START_MS_MAX = 60_000;
/** What a busy machine may take to end a process after all is done. */
const EXIT_GRACE_MS = 3_000;
const OUTPUT_SHOWN = 2_000;

export function routerSlot({
  name,
  env,
  shutdownMsMax,
  calmSince,
  onMisbehaviour,
}: RouterSlotOptions): RouterSlot {
  let router: RouterProcess | undefined;
  let abandoned = false;
  /** Routers whose end was ordered. */
  const ordered = new WeakSet<RouterProcess>();

  async function start(): Promise<void> {
    const startedAt = Date.now();
    for (;;) {
      try {
        const started = await Promise.race([startRouterProcess(env), tooLate(name)]);
        router = started;
        void started.ended().then(async (code) => {
          if (ordered.has(started) || abandoned) return;
          onMisbehaviour(`${name} ended by itself (${code}):\n${tail(started.output())}`);
          await start();
        });
        return;
      } catch (error) {
        // It may give up while Redis is away; whoever starts it starts it again.
        if (Date.now() - startedAt > START_MS_MAX) throw error;
        await pause(300);
      }
    }
  }

  function order(signal: NodeJS.Signals): RouterProcess {
    if (router === undefined) throw new Error(`${name} does not run`);
    ordered.add(router);
    router.signal(signal);
    return router;
  }

  async function terminate(): Promise<void> {
    const orderedAt = Date.now();
    const stopping = order("SIGTERM");
    const code = await stopping.ended();
    const tookMs = Date.now() - orderedAt;
    // With a server away it cannot finish what is in hand; then it says so with 1.
    const excused = code === 1 && calmSince() > orderedAt;
    if ((code !== 0 && !excused) || tookMs > shutdownMsMax + EXIT_GRACE_MS) {
      onMisbehaviour(`${name} ended ${tookMs} ms after SIGTERM with ${code}:\n${tail(stopping.output())}`);
    }
  }

  return {
    start,
    async kill(forMs) {
      await order("SIGKILL").ended();
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
    output: () => tail(router?.output() ?? ""),
    abandon() {
      abandoned = true;
      router?.signal("SIGKILL");
    },
  };
}

/** Rejects when a router should have been running for long. */
async function tooLate(name: string): Promise<never> {
  await pause(START_MS_MAX, undefined, { ref: false });
  throw new Error(`${name} runs, but has not said so for ${START_MS_MAX} ms`);
}

function tail(text: string): string {
  return text.slice(-OUTPUT_SHOWN);
}
