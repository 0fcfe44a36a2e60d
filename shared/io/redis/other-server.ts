import type { Redis } from "ioredis";
import { runIdOf } from "./connection.ts";

/**
 * Calls when the connection is ready again and the server is not the one it was connected to before, or may not be: after a
 * fail-over, a move of the slot, a restart, or where the user may not run INFO. Gives a function that stops listening.
 */
export function onOtherServer(redis: Redis, call: () => void): () => void {
  let runId = runIdOf(redis);
  let wasReady = redis.status === "ready";
  const ready = (): void => {
    const before = runId;
    runId = runIdOf(redis);
    if (wasReady && (runId === undefined || runId !== before)) call();
    wasReady = true;
  };
  redis.on("ready", ready);
  return () => redis.off("ready", ready);
}
