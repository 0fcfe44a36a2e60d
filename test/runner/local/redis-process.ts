import { findRedisServer } from "../../../runner/local/find-redis.ts";
import { startLocalRedis } from "../../../runner/local/redis-server.ts";

/** A process that starts the local Redis as the router does, reports its port, and ends on request. */
const [, , dataDir = "", preferredPort = ""] = process.argv;

// Ctrl-C does not end it: the router, too, finishes its work first.
process.on("SIGINT", () => process.send?.({ got: "SIGINT" }));
process.on("message", (message) => {
  if (message === "exit") process.exit(0);
  if (message === "stop") void redis.stop().then(() => process.disconnect());
});

const log = { info: () => undefined, warn: console.error, error: console.error };
const redis = await startLocalRedis({
  dataDir,
  log,
  findServer: () => findRedisServer({ env: process.env }),
  preferredPort: Number(preferredPort),
});
process.send?.({ port: redis.port, pid: redis.pid, startedByUs: redis.startedByUs });
