import { spawn } from "node:child_process";
import { once } from "node:events";
import { resolve } from "node:path";

/** A terminal in which a person types a command: what it prints, and what is typed into it. */
export interface Terminal {
  output(): string;
  type(text: string): void;
  /** Resolves when the output matches. @throws Error with the output when the command ends before */
  printed(pattern: RegExp): Promise<void>;
  /** The exit code. */
  ended(): Promise<number | null>;
}

/** Runs lines of bash in the repository's folder, on a terminal. */
export function openTerminal(lines: string, env: Readonly<Record<string, string>>): Terminal {
  const child = spawn("script", ["-qefc", 'exec bash -e -c "$LINES_TYPED"', "/dev/null"], {
    cwd: resolve(import.meta.dirname, "../../.."),
    env: { PATH: process.env["PATH"], TERM: "dumb", ...env, LINES_TYPED: lines },
    stdio: ["pipe", "pipe", "pipe"],
  });
  const killAtExit = (): void => void child.kill("SIGKILL");
  process.once("exit", killAtExit);
  let output = "";
  let hasEnded = false;
  for (const stream of [child.stdout, child.stderr])
    stream.on("data", (chunk: Buffer) => {
      output += chunk.toString();
      child.emit("printed");
    });
  const ended = once(child, "close").then(([code]) => {
    process.off("exit", killAtExit);
    hasEnded = true;
    child.emit("printed");
    return code as number | null;
  });
  return {
    output: () => output,
    type: (text) => void child.stdin.write(text),
    async printed(pattern) {
      while (!pattern.test(output)) {
        if (hasEnded) throw new Error(`it ended without ${String(pattern)}:\n${output}`);
        await once(child, "printed");
      }
    },
    ended: async () => ended,
  };
}

/** What is typed to end the command in front. */
export const CTRL_C = "\u0003";
