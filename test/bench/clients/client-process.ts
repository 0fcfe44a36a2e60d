import { setTimeout as pause } from "node:timers/promises";
import { startScript } from "../../servers/router-process.ts";

/** A client in a process of its own, so that nothing else delays what it measures. */
export interface ClientProcess<Answer> {
  /** Resolves once it has printed {@link READY}. @throws Error with its output when that takes half a minute */
  untilItIsReady(): Promise<void>;
  /** Asks it to stop (SIGTERM); without this it exits when its work is done. */
  end(): void;
  /** The JSON it printed. @throws Error with its output when it failed, or is not done within this time from now */
  answer(secondsMax?: number): Promise<Answer>;
  kill(): void;
}

/** A client that is asked to stop prints this when it has begun. */
export const READY = "ready";

const CHECK_MS = 10;
const SECONDS_MAX = 30;

/** Starts a script of this folder: it gets one JSON argument and prints one JSON answer as its last line. */
export function startClient<Answer>(
  script: string,
  options: object,
  env: Readonly<Record<string, string>> = {},
): ClientProcess<Answer> {
  const client = startScript(`test/bench/clients/${script}`, env, [JSON.stringify(options)]);
  let exited = false;
  void client.ended().then(() => {
    exited = true;
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
      if (exited) throw new Error(`${script} exited before it was ready:\n${client.output()}`);
      await pause(CHECK_MS);
    }
  }

  return {
    untilItIsReady: async () => within(SECONDS_MAX, ready()),
    end: () => client.signal("SIGTERM"),
    kill: () => client.signal("SIGKILL"),
    async answer(secondsMax = SECONDS_MAX) {
      const code = await within(secondsMax, client.ended());
      const last = client.output().trimEnd().split("\n").at(-1) ?? "";
      if (code !== 0) throw new Error(`${script} exited with ${code}:\n${client.output()}`);
      return JSON.parse(last) as Answer;
    },
  };
}
