import { processSignals } from "../../functions/process-signals.ts";
import type { Config } from "../../shared/config/config.ts";
import { chunksOf } from "../../shared/decide/chunks.ts";
import { assertAnswersEach } from "../../shared/function.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import type { BindingOptions, Binding } from "../engine/binding.ts";
import type { RoutingContextCache } from "./routing-context.ts";

export interface SignalBindingDeps {
  readonly config: Pick<Config, "signalAgeMsMax" | "shadow">;
  readonly routing: RoutingContextCache;
  readonly clock: Clock;
}

/**
 * One batch is being committed, one is on its way to Redis, and one is decided. With the third, Redis was busy 89 instead of
 * 86 % of the time (72 instead of 65 % without AOF), and the router needed no more memory.
 */
const IN_FLIGHT_MAX = 3;

/** `process-signals` on `signals_stream`. */
export function signalBinding(
  { config, routing, clock }: SignalBindingDeps,
  { invocation = "live", whilePaused = "decide", forcedAt, chosen, loggedUids }: BindingOptions = {},
): Binding {
  return {
    functionName: "process-signals",
    stream: "signals_stream",
    group: "signal_processor",
    inFlightMax: IN_FLIGHT_MAX,
    dispatches: true,
    async *run(entries) {
      const context = await (whilePaused === "wait" ? routing.latest() : routing.get());
      if ("status" in context) {
        yield context;
        return;
      }
      const { snapshot, control } = context;
      if (whilePaused === "wait" && control.allPaused) {
        yield { status: "unavailable", what: "dispatching", error: "every strategy is paused" };
        return;
      }
      for (const chunk of chunksOf(entries, snapshot)) {
        const now = clock.now();
        const results = processSignals(chunk, {
          // The cache keeps decisions for all strategies.
          ...(chosen === undefined ? context : { snapshot, control, chosen }),
          now,
          signalAgeMsMax: config.signalAgeMsMax,
          shadow: config.shadow,
          invocation,
          ...(forcedAt === undefined ? {} : { forcedAt }),
          ...(loggedUids === undefined ? {} : { loggedUids }),
        });
        yield {
          status: "answered",
          results: assertAnswersEach(chunk, results),
          decidedOn: { version: snapshot.version, epoch: control.epoch, at: now },
        };
      }
    },
    invalidate: () => routing.invalidate(),
  };
}
