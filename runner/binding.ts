import { persistLog } from "../functions/persist-log.ts";
import { processSignals } from "../functions/process-signals.ts";
import type { Config } from "../shared/config.ts";
import type { Entry } from "../shared/entry.ts";
import { assertAnswersEach, type Result, type Unavailable } from "../shared/function.ts";
import type { FunctionName } from "../shared/function-names.ts";
import type { LogStore } from "../shared/io/log-store.ts";
import type { GroupName, StreamName } from "../shared/keys.ts";
import type { Clock } from "./clock.ts";
import type { RoutingContextCache } from "./routing-context.ts";

/** Results that may be committed, with what they were decided on. */
export interface Answer {
  readonly status: "answered";
  readonly results: readonly Result[];
  readonly decidedOn?: { readonly version: string; readonly epoch: string };
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

/** `process-signals` on `signals_stream`. */
export function signalBinding(
  config: Pick<Config, "signalAgeMsMax">,
  { routing, clock }: { routing: RoutingContextCache; clock: Clock },
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
      const results = processSignals(entries, {
        ...context,
        now: clock.now(),
        signalAgeMsMax: config.signalAgeMsMax,
        invocation: "live",
      });
      yield {
        status: "answered",
        results: assertAnswersEach(entries, results),
        decidedOn: { version: snapshot.version, epoch: control.epoch },
      };
    },
    forget: () => routing.forget(),
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
