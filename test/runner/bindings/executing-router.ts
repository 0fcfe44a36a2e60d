import { setTimeout as sleep } from "node:timers/promises";
import { pino } from "pino";
import * as z from "zod";
import { HANDLERS } from "../../../functions/strategies/registry.ts";
import { configOrExit, uniqueConsumerName } from "../../../runner/environment.ts";
import { startRouter } from "../../../runner/router.ts";
import { openServices } from "../../../runner/setup/services.ts";
import { redactUrl } from "../../../shared/config/redact-url.ts";
import { strategySecrets } from "../../../shared/config/secrets.ts";
import { openDatabase } from "../../../shared/io/postgres/open-database.ts";
import { defineStrategy, PermanentError, RetryableError } from "../../../shared/strategy.ts";

/**
 * A router whose strategies leave a trace of each run in the list `<prefix>runs` – `strategy entry attempt key` – and misbehave
 * as their params say.
 */

const config = configOrExit(process.env);
const redisUrl = config.redisUrl ?? "";
const database = await openDatabase({ url: config.databaseUrl, dataDir: "", onError: () => undefined });
const logger = pino({ level: "info" });

const traced = defineStrategy({
  name: "traced",
  params: z.object({
    does: z.enum(["work", "hang", "throw", "fail", "kill", "retry", "secret"]).default("work"),
    /** Longest time a run takes, at random. */
    ms: z.number().default(0),
    /** `kill` and `retry` work from this attempt on. */
    until: z.number().default(Infinity),
  }),
  async run({ signal, strategy, params, attempt, idempotencyKey, abort, secret }) {
    await services.redis.rpush(
      `${config.keyPrefix}runs`,
      `${strategy.id} ${signal.entryId} ${attempt} ${idempotencyKey}`,
    );
    if (params.ms > 0) await sleep(Math.random() * params.ms, undefined, { signal: abort });
    switch (params.does) {
      case "work":
        return { status: "executed" };
      case "hang":
        return new Promise(() => undefined);
      case "throw":
        throw new Error("thrown by the strategy");
      case "fail":
        throw new PermanentError("no such account", "no_account");
      case "kill":
        if (attempt < params.until) process.kill(process.pid, "SIGKILL");
        return { status: "executed" };
      case "retry":
        if (attempt < params.until) throw new RetryableError("busy");
        return { status: "executed", detail: { attempt } };
      case "secret":
        throw new Error(`broker said no to ${secret("BROKER")}`);
    }
  },
});

const services = openServices({
  config,
  redisUrl,
  consumer: uniqueConsumerName(),
  database,
  logger,
  secrets: strategySecrets(process.env),
  handlers: [...HANDLERS, traced],
});
const router = await startRouter(services);
process.once("SIGTERM", () => {
  void router.stop({ reason: "SIGTERM" }).then((outcome) => process.exit(outcome === "finished" ? 0 : 1));
});
console.log(`The router is running (${redactUrl(redisUrl)})`);
