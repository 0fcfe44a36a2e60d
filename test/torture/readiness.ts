import { setTimeout as pause } from "node:timers/promises";

/** Watches what every router says at /readyz, and how long after the faults it takes until all of them are ready. */
export interface Readiness {
  faultBegan(): void;
  faultEnded(): void;
  stop(): Promise<readonly number[]>;
}

const EVERY_MS = 100;

export function watchReadiness(ports: readonly number[]): Readiness {
  const after: number[] = [];
  const stopping = new AbortController();
  let underWay = 0;
  /** When the last fault ended; undefined once all routers were ready after it, or while a fault is under way. */
  let since: number | undefined;

  async function look(): Promise<void> {
    const from = since;
    if (from === undefined) return;
    const answers = await Promise.all(ports.map(isReady));
    // Another fault may have begun since.
    if (since !== from || answers.includes(false)) return;
    after.push(Math.round(performance.now() - from));
    since = undefined;
  }

  async function run(): Promise<void> {
    while (!stopping.signal.aborted) {
      await look();
      await pause(EVERY_MS, undefined, { signal: stopping.signal }).catch(() => undefined);
    }
  }

  const ended = run();
  return {
    faultBegan() {
      underWay += 1;
      since = undefined;
    },
    faultEnded() {
      underWay -= 1;
      if (underWay === 0) since = performance.now();
    },
    async stop() {
      stopping.abort();
      await ended;
      // What was still not ready counts too.
      return since === undefined ? after : [...after, Math.round(performance.now() - since)];
    },
  };
}

async function isReady(port: number): Promise<boolean> {
  const answer = await fetch(`http://127.0.0.1:${port}/readyz`, {
    signal: AbortSignal.timeout(2_000),
  }).catch(() => undefined);
  await answer?.body?.cancel();
  return answer?.ok === true;
}
