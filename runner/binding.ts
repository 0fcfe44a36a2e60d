import { persistLog } from "../functions/persist-log.ts";
import { processSignals } from "../functions/process-signals.ts";
import type { Config } from "../shared/config.ts";
import type { DeadLetter } from "../shared/dead-letter.ts";
import type { Entry } from "../shared/entry.ts";
import { assertAnswersEach, type Branch, type Result, type Unavailable } from "../shared/function.ts";
import type { FunctionName } from "../shared/function-names.ts";
import type { DecidedOn } from "../shared/io/commit.ts";
import type { LogStore } from "../shared/io/log-store.ts";
import type { GroupName, StreamName } from "../shared/keys.ts";
import { portionsOf } from "../shared/portions.ts";
import { answersOf } from "./answers.ts";
import type { Clock } from "./clock.ts";
import { manualExecutionBinding, type ExecutionDeps } from "./execution-binding.ts";
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
  /**
   * Set for work that takes its time: batches overlap as far as the hand holds, what others left behind is taken over
   * meanwhile, and the order is the binding's own affair.
   */
  readonly overlapping?: Overlapping;
  /**
   * Set for a function that does something outside, for which the fence of a commit comes too late: how long it may take for
   * one entry, in ms.
   */
  readonly outsideMsMax?: number;
  /** Batches that do not overlap and are worked on at a time, keeping their order; default 2. */
  readonly underWayMax?: number;
  /** Set when nobody misses an entry: one that is given up on is acknowledged, without a dead letter. */
  readonly bestEffort?: true;
  /** The same for entries that this consumer of the group holds, where that makes a difference. */
  heldBy?(consumer: string, times: WorkTimes): Binding;
}

export interface WorkTimes {
  /** When it aborts, nothing more is begun. */
  readonly stopping: AbortSignal;
  /** When it aborts, what is under way ends. */
  readonly abort: AbortSignal;
}

/** How entries left behind by others are told apart, and keep their place among new ones. */
export interface Overlapping {
  /** Called with each delivery, before anything of it is worked on. */
  delivered(ids: readonly string[]): Promise<void>;
  /** Takes over those of these that nobody has begun to work on and whose holder has been silent for `idleMs`. */
  takeUnbegun(ids: readonly string[], idleMs: number): Promise<Entry[]>;
  /** Ids of entries a place is kept for. */
  readonly kept: ReadonlySet<string>;
  /** Called before anything new is read, oldest first. */
  keepPlace(entry: Entry): void;
  /** Called when somebody else has finished it. */
  release(id: string): void;
  /** Whether a place is kept for it behind another that is kept: it would wait for that one. */
  isBehindAnother(id: string): boolean;
  /** What else happens when an entry is given up on that has ended its process again and again. */
  givenUpEffects(
    entry: Entry,
    why: { readonly error: string; readonly deliveries: number },
  ): Branch | undefined;
}

export interface BindingOptions {
  /** `live`, or the id of a manual run. */
  readonly invocation?: string;
  /** See {@link SignalContext}. */
  readonly forcedAt?: number;
  /** When it aborts, no task is begun any more; absent: never. */
  readonly stopping?: AbortSignal;
  /** What running a task now counts as; default 1, the first attempt. */
  readonly attempt?: number;
  /** While everything is paused: decide so, or leave the entries alone, since that decision is for good. */
  readonly whilePaused?: "decide" | "wait";
}

export interface SignalBindingDeps {
  readonly config: Pick<Config, "signalAgeMsMax">;
  readonly routing: RoutingContextCache;
  readonly clock: Clock;
}

/**
 * One batch is committed, the next one on its way, and one is decided: with a third Redis was busy 89 instead of 86 % of the time
 * (72 instead of 65 % without AOF), and the router needed no more memory.
 */
const UNDER_WAY_MAX = 3;

/** `process-signals` on `signals_stream`. */
export function signalBinding(
  { config, routing, clock }: SignalBindingDeps,
  { invocation = "live", whilePaused = "decide", forcedAt }: BindingOptions = {},
): Binding {
  return {
    functionName: "process-signals",
    stream: "signals_stream",
    group: "signal_processor",
    underWayMax: UNDER_WAY_MAX,
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
      for (const portion of portionsOf(entries, snapshot)) {
        const now = clock.now();
        const results = processSignals(portion, {
          ...context,
          now,
          signalAgeMsMax: config.signalAgeMsMax,
          invocation,
          ...(forcedAt === undefined ? {} : { forcedAt }),
        });
        yield {
          status: "answered",
          results: assertAnswersEach(portion, results),
          decidedOn: { version: snapshot.version, epoch: control.epoch, at: now },
        };
      }
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
    run: (entries) => answersOf(entries, persistLog(entries, { stream, log })),
    forget: () => {},
  };
}

export interface BindingDeps extends SignalBindingDeps, ExecutionDeps {
  readonly config: Config;
  readonly log: LogStore;
}

/** Every function with every stream it works on. */
export function bindingsOf(deps: BindingDeps, options: BindingOptions = {}): readonly Binding[] {
  return [
    signalBinding(deps, options),
    manualExecutionBinding(deps, options),
    logBinding("signal_results", deps.log),
    logBinding("system_events", deps.log),
  ];
}

/** What a dead letter was to be worked on by; undefined when this version has no such function for its stream. */
export function retryBinding(
  { functionName, stream, deliveries }: Pick<DeadLetter, "functionName" | "stream" | "deliveries">,
  invocation: string,
  deps: BindingDeps,
): Binding | undefined {
  return bindingsOf(deps, { invocation, whilePaused: "wait", attempt: deliveries + 1 }).find(
    (binding) => binding.functionName === functionName && binding.stream === stream,
  );
}
