import type { Redis } from "ioredis";
import { historyOf } from "./connection.ts";

/**
 * Calls when the connection is ready again and the server is not the one it was connected to before, or may not be: after a
 * fail-over, a move of the slot, a restart, or where the user may not run INFO. Gives a function that stops listening.
 */
export function onOtherServer(redis: Redis, call: () => void): () => void {
  let history = historyOf(redis);
  let wasReady = redis.status === "ready";
  const ready = (): void => {
    const before = history;
    history = historyOf(redis);
    if (wasReady && (history === undefined || history !== before)) call();
    wasReady = true;
  };
  redis.on("ready", ready);
  return () => redis.off("ready", ready);
}
