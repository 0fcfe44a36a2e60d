import { spawn } from "node:child_process";
import { createServer } from "node:net";

/** A server running as a child process of this one. */
export interface ServerProcess {
  readonly pid: number;
  /** Sends the signal and resolves when the process is gone; at once if it already is. */
  end(signal: NodeJS.Signals): Promise<void>;
}

interface ProcessOptions {
  readonly command: string;
  readonly args: readonly string[];
  /** What the server prints, on either stream, when it accepts connections. */
  readonly readyText: string;
  readonly user?: { readonly uid: number; readonly gid: number } | undefined;
}

/** Starts a server and resolves when it is ready. @throws Error with its last output when it ends before that. */
export async function startProcess({
  command,
  args,
  readyText,
  user,
}: ProcessOptions): Promise<ServerProcess> {
  const child = spawn(command, args, { stdio: ["ignore", "pipe", "pipe"], ...user });
  let output = "";
  let gone = false;
  // A test that dies must not leave its servers behind; only a synchronous kill is possible at this point.
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  const exited = new Promise<void>((resolve) => {
    const finish = (): void => {
      gone = true;
      process.off("exit", killAtExit);
      resolve();
    };
    child.once("exit", finish);
    child.once("error", (error) => {
      output += error.message;
      finish();
    });
  });
  const ready = new Promise<void>((resolve) => {
    const look = (chunk: Buffer): void => {
      output = (output + chunk.toString()).slice(-4000);
      if (output.includes(readyText)) resolve();
    };
    child.stdout.on("data", look);
    child.stderr.on("data", look);
  });
  await Promise.race([ready, exited]);
  const { pid } = child;
  if (gone || pid === undefined) throw new Error(`${command} ended before it was ready:\n${output}`);
  return {
    pid,
    async end(signal) {
      if (!gone) child.kill(signal);
      await exited;
    },
  };
}

/** A TCP port of 127.0.0.1 that nobody listened on a moment ago. */
export function freePort(): Promise<number> {
  return new Promise((resolve, reject) => {
    const server = createServer();
    server.once("error", reject);
    server.listen(0, "127.0.0.1", () => {
      const address = server.address();
      server.close(() => {
        if (address === null || typeof address === "string") reject(new Error("no port was given"));
        else resolve(address.port);
      });
    });
  });
}
