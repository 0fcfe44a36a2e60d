import { findRedisServer } from "../../../runner/local/find-redis.ts";
import { startLocalRedis } from "../../../runner/local/redis-server.ts";

/** A stand-in for the router, in a process of its own: starts the local Redis, says where, ends as it is told. */
const [, , dataDir = "", preferredPort = ""] = process.argv;

// Ctrl-C is for the router to deal with: it still has to finish.
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
