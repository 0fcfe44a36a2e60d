import { startScript } from "../servers/router-process.ts";

/** A client that runs in a process of its own, so that nothing else delays what it measures. */
export interface ClientProcess<Answer> {
  /** Asks it to come to its end; without this it ends when it has done what it was told. */
  end(): void;
  /** What it printed. @throws Error with its output when it failed */
  answer(): Promise<Answer>;
  kill(): void;
}

/** Starts a script of this folder, which is given one JSON argument and prints one JSON answer as its last line. */
export function startClient<Answer>(
  script: string,
  options: object,
  env: Readonly<Record<string, string>> = {},
): ClientProcess<Answer> {
  const client = startScript(`test/bench/${script}`, env, [JSON.stringify(options)]);
  return {
    end: () => client.signal("SIGTERM"),
    kill: () => client.signal("SIGKILL"),
    async answer() {
      const code = await client.ended();
      const last = client.output().trimEnd().split("\n").at(-1) ?? "";
      if (code !== 0) throw new Error(`${script} ended with ${code}:\n${client.output()}`);
      return JSON.parse(last) as Answer;
    },
  };
}
