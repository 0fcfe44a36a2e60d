import { setTimeout as pause } from "node:timers/promises";
import { startScript } from "../../servers/router-process.ts";

/** A client that runs in a process of its own, so that nothing else delays what it measures. */
export interface ClientProcess<Answer> {
  /** Resolves once it has printed {@link READY}. @throws Error with its output when it has not within half a minute */
  untilItIsReady(): Promise<void>;
  /** Asks it to come to its end; without this it ends when it has done what it was told. */
  end(): void;
  /** What it printed. @throws Error with its output when it failed, or is not done within so many seconds from now */
  answer(secondsMax?: number): Promise<Answer>;
  kill(): void;
}

/** What a client that has a beginning prints when it has begun. */
export const READY = "ready";

const LOOK_MS = 10;
const SECONDS_MAX = 30;

/** Starts a script of this folder, which is given one JSON argument and prints one JSON answer as its last line. */
export function startClient<Answer>(
  script: string,
  options: object,
  env: Readonly<Record<string, string>> = {},
): ClientProcess<Answer> {
  const client = startScript(`test/bench/clients/${script}`, env, [JSON.stringify(options)]);
  let over = false;
  void client.ended().then(() => {
    over = true;
  });

  async function within<Result>(seconds: number, work: Promise<Result>): Promise<Result> {
    const done = new AbortController();
    const limit = pause(seconds * 1000, undefined, { signal: done.signal }).then((): never => {
      client.signal("SIGKILL");
      throw new Error(`${script} was not done after ${seconds} s:\n${client.output()}`);
    });
    try {
      return await Promise.race([work, limit]);
    } finally {
      done.abort();
    }
  }

  async function ready(): Promise<void> {
    while (!client.output().includes(READY)) {
      if (over) throw new Error(`${script} ended before it was ready:\n${client.output()}`);
      await pause(LOOK_MS);
    }
  }

  return {
    untilItIsReady: async () => within(SECONDS_MAX, ready()),
    end: () => client.signal("SIGTERM"),
    kill: () => client.signal("SIGKILL"),
    async answer(secondsMax = SECONDS_MAX) {
      const code = await within(secondsMax, client.ended());
      const last = client.output().trimEnd().split("\n").at(-1) ?? "";
      if (code !== 0) throw new Error(`${script} ended with ${code}:\n${client.output()}`);
      return JSON.parse(last) as Answer;
    },
  };
}
