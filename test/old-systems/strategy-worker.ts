import { spawnSync } from "node:child_process";
import { join } from "node:path";
import { expect, vi } from "vitest";
import type { RouterFixture } from "../servers/router-fixture.ts";
import { startCommand } from "../servers/router-process.ts";

/** A strategy worker of v4, in Python, as a process of its own. */
export interface StrategyWorker {
  /** The tasks it has opened a position for, in order, with the seconds since `received_at`. */
  positions(): readonly WorkedTask[];
  /** Everything it printed. */
  output(): string;
  stop(): Promise<void>;
}

export type WorkedTask = Readonly<Record<string, string>> & { readonly latency: number };

export const hasPython = spawnSync("python3", ["--version"]).status === 0;

/** Starts one that reports to `reports`, and resolves when it waits for tasks. */
export async function startWorker(
  { redis, keys }: Pick<RouterFixture, "redis" | "keys">,
  reports: string,
): Promise<StrategyWorker> {
  const tasks = keys.stream("strategy_input_stream");
  const { host = "127.0.0.1", port = 6379 } = redis.options;
  const script = join(import.meta.dirname, "strategy_worker.py");
  const worker = startCommand("python3", [script, host, String(port), tasks, reports], {});
  await vi.waitFor(async () => {
    const clients = String(await redis.client("LIST")).split("\n");
    expect(clients.find((line) => line.includes(`name=worker:${tasks}`))).toContain("cmd=xread");
  });
  return {
    positions: () =>
      worker
        .output()
        .split("\n")
        .filter((line) => line.startsWith("{"))
        .map((line) => JSON.parse(line) as WorkedTask),
    output: () => worker.output(),
    async stop() {
      worker.signal("SIGKILL");
      await worker.ended();
    },
  };
}
