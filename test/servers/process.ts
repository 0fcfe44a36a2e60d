import { spawn, type ChildProcess } from "node:child_process";
import { createServer } from "node:net";

/** A server running as a child process of this one. */
export interface ServerProcess {
  readonly pid: number;
  /** Sends the signal and resolves when the process has exited; at once if it already has. */
  end(signal: NodeJS.Signals): Promise<void>;
}

interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** Text that the server prints, on either stream, when it accepts connections. */
  readonly readyText: string;
  /** Added to the environment of this process. */
  readonly env?: Readonly<Record<string, string>>;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

const running = new Set<ChildProcess>();
// Servers end with a test process that dies; only a synchronous kill is possible at that point.
process.once("exit", () => {
  for (const child of running) child.kill("SIGKILL");
});

/** Starts a server and resolves when it is ready. @throws Error with its last output when it exits before that */
export async function startProcess({
  command,
  args,
  readyText,
  env = {},
  user,
}: ProcessOptions): Promise<ServerProcess> {
  const child = spawn(command, args, {
    stdio: ["ignore", "pipe", "pipe"],
    env: { ...process.env, ...env },
    ...user,
  });
  let output = "";
  let hasExited = false;
  running.add(child);
  const exited = new Promise<void>((resolve) => {
    const finish = (): void => {
      hasExited = true;
      running.delete(child);
      resolve();
    };
    child.once("exit", finish);
    child.once("error", (error) => {
      output += error.message;
      finish();
    });
  });
  const ready = new Promise<void>((resolve) => {
    const collect = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4000);
      if (output.includes(readyText)) resolve();
    };
    child.stdout.on("data", collect);
    child.stderr.on("data", collect);
  });
  await Promise.race([ready, exited]);
  const { pid } = child;
  if (hasExited || pid === undefined) throw new Error(`${command} exited before it was ready:\n${output}`);
  return {
    pid,
    async end(signal) {
      if (!hasExited) child.kill(signal);
      await exited;
    },
  };
}

/** A TCP port of 127.0.0.1 that was free a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("the system assigned no port"));
        else resolve(address.port);
      });
    });
  });
}
