import { persistLog } from "../functions/persist-log.ts";
import { processSignals } from "../functions/process-signals.ts";
import type { Config } from "../shared/config.ts";
import type { DeadLetter } from "../shared/dead-letter.ts";
import type { Entry } from "../shared/entry.ts";
import { assertAnswersEach, type Result, type Unavailable } from "../shared/function.ts";
import type { FunctionName } from "../shared/function-names.ts";
import type { DecidedOn } from "../shared/io/commit.ts";
import type { LogStore } from "../shared/io/log-store.ts";
import type { GroupName, StreamName } from "../shared/keys.ts";
import type { Clock } from "./clock.ts";
import type { RoutingContextCache } from "./routing-context.ts";

/** Results that may be committed, with what they were decided on. */
export interface Answer {
  readonly status: "answered";
  readonly results: readonly Result[];
  readonly decidedOn?: DecidedOn;
}

/** A function together with the group it reads and everything it needs: what a poll loop or a route calls. */
export interface Binding {
  readonly functionName: FunctionName;
  readonly stream: StreamName;
  readonly group: GroupName;
  /** Answers for the entries, all of them unless the last answer is `unavailable`. */
  run(entries: readonly Entry[]): AsyncIterable<Answer | Unavailable>;
  /** Called when what the answers were decided on is outdated. */
  forget(): void;
}

export interface SignalBindingDeps {
  readonly routing: RoutingContextCache;
  readonly clock: Clock;
  /** `live`, or the id of a manual run. */
  readonly invocation?: string;
  /** While everything is paused: decide so, or leave the entries alone, since that decision is for good. */
  readonly whilePaused?: "decide" | "wait";
}

/** `process-signals` on `signals_stream`. */
export function signalBinding(
  config: Pick<Config, "signalAgeMsMax">,
  { routing, clock, invocation = "live", whilePaused = "decide" }: SignalBindingDeps,
): Binding {
  return {
    functionName: "process-signals",
    stream: "signals_stream",
    group: "signal_processor",
    async *run(entries) {
      const context = await routing.get();
      if ("status" in context) {
        yield context;
        return;
      }
      const { snapshot, control } = context;
      if (whilePaused === "wait" && control.allPaused) {
        yield { status: "unavailable", what: "dispatching", error: "every strategy is paused" };
        return;
      }
      const now = clock.now();
      const results = processSignals(entries, {
        ...context,
        now,
        signalAgeMsMax: config.signalAgeMsMax,
        invocation,
      });
      yield {
        status: "answered",
        results: assertAnswersEach(entries, results),
        decidedOn: { version: snapshot.version, epoch: control.epoch, at: now },
      };
    },
    forget() {
      routing.forget();
      // A clock that lags makes every decision look old. If Redis is away, the next commit says so.
      clock.sample().catch(() => undefined);
    },
  };
}

/** `persist-log` on one of the two streams it writes down. */
export function logBinding(stream: "signal_results" | "system_events", log: LogStore): Binding {
  return {
    functionName: "persist-log",
    stream,
    group: "log_writer",
    async *run(entries) {
      const results: Result[] = [];
      for await (const answer of persistLog(entries, { stream, log })) {
        if ("status" in answer) {
          yield answer;
          return;
        }
        results.push(...answer);
        yield { status: "answered", results: answer };
      }
      assertAnswersEach(entries, results);
    },
    forget: () => {},
  };
}

export interface RetryBindingDeps extends Pick<SignalBindingDeps, "routing" | "clock"> {
  readonly config: Pick<Config, "signalAgeMsMax">;
  readonly log: LogStore;
}

/** What a dead letter was to be worked on by; undefined when this version has no such function for its stream. */
export function retryBinding(
  { functionName, stream }: Pick<DeadLetter, "functionName" | "stream">,
  invocation: string,
  { config, routing, clock, log }: RetryBindingDeps,
): Binding | undefined {
  const known = [
    signalBinding(config, { routing, clock, invocation, whilePaused: "wait" }),
    logBinding("signal_results", log),
    logBinding("system_events", log),
  ];
  return known.find((binding) => binding.functionName === functionName && binding.stream === stream);
}
