import { setTimeout as sleep } from "node:timers/promises";
import type { Redis } from "ioredis";
import {
  executeStrategies,
  unfinishedEffects,
  type ExecutePorts,
  type ClaimedAttempt,
} from "../../functions/execute-strategies.ts";
import { withManyListeners } from "../../shared/abort.ts";
import { attemptWaitMs } from "../../shared/attempt-wait.ts";
import type { Config } from "../../shared/config/config.ts";
import { connectionMsMaxOf, runMsMaxOf } from "../../shared/config/run-limits.ts";
import type { Unavailable } from "../../shared/function.ts";
import type { Clock } from "../../shared/io/redis/clock.ts";
import type { Confirm } from "../../shared/io/redis/confirm.ts";
import { publishRecord } from "../../shared/io/streams/records.ts";
import { streamGroupOn } from "../../shared/io/streams/stream-group.ts";
import { streamProblem, taskClaimsOn, type StartedAttempt } from "../../shared/io/streams/task-claims.ts";
import type { Keys } from "../../shared/keys.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { laneOf, parseTask } from "../../shared/task.ts";
import type { Binding, ConsumerContext } from "../engine/binding.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { FOR_EVER, retry } from "../engine/retry.ts";
import type { EventLog } from "../telemetry/event-log.ts";
import { checkedAnswers } from "./checked-answers.ts";
import { hostRooms } from "./host-rooms.ts";
import { openLanes } from "./ordered-lanes.ts";
import type { RoutingContext, RoutingContextCache } from "./routing-context.ts";
import type { StrategyPorts } from "./strategy-ports.ts";
import { runTasks, type TaskEnds } from "./task-ends.ts";
import { tasksConfirmed } from "./tasks-confirmed.ts";

/** What running strategies takes, in a loop or on demand. */
export interface ExecutionDeps {
  readonly config: Config;
  readonly redis: Redis;
  readonly keys: Keys;
  readonly clock: Clock;
  readonly routing: RoutingContextCache;
  readonly handlers: readonly AnyStrategyHandler[];
  readonly strategyPorts: StrategyPorts;
  readonly taskEnds: TaskEnds;
  readonly confirm: Confirm;
  readonly events: EventLog;
}

const STREAM_CHECK_MS_MAX = 3_000;
export const STREAM = "strategy_input_stream";
export const GROUP = "strategy_executor";

/** `execute-strategies` for one consumer of the group: tasks that it holds, retried, in the order of their lanes. */
export function executionBinding(
  deps: ExecutionDeps,
  { consumer, stopping, abort, token, onBegun }: ConsumerContext & { readonly consumer: string },
): Binding {
  const { redis, keys, clock, config } = deps;
  const claims = taskClaimsOn(redis, keys, { stream: STREAM, group: GROUP, consumer });
  const own = streamGroupOn(redis, keys, { stream: STREAM, group: GROUP, consumer });
  const lanes = lanesOf(deps, stopping);
  const tasks = runTasks(deps.taskEnds);
  // No other runner could begin them either, so the group is kept.
  const confirmed = tasksConfirmed(deps, { onTooFew: onBegun });
  const underWay = new Set<string>();
  const portsOf = (holder: string): ExecutePorts => ({
    ...commonPorts(deps),
    lanes: {
      withRoom: async (strategyId, job) => lanes.withRoom(strategyId, job),
      // Its job ends when the result of the task has been committed.
      inOrder: async (lane, id, job) =>
        lanes.inOrder(lane, id, async () => job().finally(() => underWay.delete(id))),
    },
    stopping,
    abort,
    async claimAttempt(id) {
      // The next holding has started it again: else each one would add to what waits for a snapshot.
      const isOver = (): boolean => !underWay.has(id) && (token() ?? "") !== holder;
      try {
        // First what may be unavailable for long: an attempt that has started counts.
        await retryUntilAborted(async () => (isOver() ? undefined : existing(deps.routing.get())), abort);
        // That may have taken long; a task that is no longer to be run must not count an attempt.
        const begun = await retryUntilAborted(async () => {
          if (!stopping.aborted && !isOver()) await confirmed.beforeAttempt();
          return stopping.aborted || isOver() ? NOT_STARTED : claims.begin(id, holder);
        }, abort);
        const { attempt, version, epoch, now } = begun;
        if (attempt === undefined) return { status: "lost" };
        underWay.add(id);
        onBegun();
        const begunAt = performance.now();
        const context = await retryUntilAborted(
          async () => existing(deps.routing.at({ version, epoch })),
          abort,
        );
        tasks.begun(id, context.snapshot);
        return heldAttempt(attempt, context, { now: now + performance.now() - begunAt, config });
      } catch (error) {
        if (abort.aborted) return { status: "lost" };
        throw error;
      }
    },
    // At worst it stays counted: the process is about to end.
    uncount: async (id, attempt) =>
      own.setDeliveryCounts([{ id, deliveries: attempt - 1 }]).catch(() => undefined),
    streamProblem: async (stream) => retryUntilAborted(async () => streamProblem(redis, keys, stream), abort),
    pause: async (id, attempt) =>
      sleep(attemptWaitMs(id, attempt), true, { signal: stopping }).catch(() => false),
  });
  return {
    functionName: "execute-strategies",
    stream: STREAM,
    group: GROUP,
    sideEffectMsMax: runMsMaxOf(config),
    async *run(entries) {
      confirmed.delivered();
      // Under a later holding they could overtake others of their lane, which another holder was about to begin.
      const ports = portsOf(token() ?? "");
      try {
        yield* checkedAnswers(entries, executeStrategies(entries, ports));
      } finally {
        tasks.over(entries);
      }
    },
    onCommitted: (result) => tasks.committed(result),
    invalidate: () => deps.routing.invalidate(),
    concurrent: {
      isUnderWay: () => underWay.size > 0,
      isBegun: (id) => underWay.has(id),
      get reserved() {
        return lanes.reserved;
      },
      reserve(entry) {
        const parsed = parseTask(entry);
        if (parsed.ok) lanes.reserve(laneOf(parsed.task), entry.id);
      },
      release: (id) => lanes.release(id),
      isBehindReserved: (id) => lanes.isBehindReserved(id),
      unfinishedEffects: (entry, { error, deliveries, reason }) =>
        unfinishedEffects(entry, { error, attempt: deliveries, at: clock.now(), reason }),
    },
  };
}

export const NEVER = withManyListeners(new AbortController().signal);
const NOT_STARTED: StartedAttempt = { attempt: undefined, version: "", epoch: "", now: 0, token: "" };

export function lanesOf({ config, routing, strategyPorts }: ExecutionDeps, closing: AbortSignal) {
  const { hostLimit: limit } = strategyPorts;
  const paramsOf = async (strategyId: number): Promise<unknown> => {
    // Without a snapshot the attempt waits for one itself.
    const context = await routing.get();
    return "status" in context ? undefined : context.snapshot.strategies.get(strategyId)?.params;
  };
  return openLanes({
    closing,
    concurrencyMax: config.strategyConcurrencyMax,
    concurrencyPerStrategyMax: config.strategyConcurrencyPerStrategyMax,
    ...(limit === undefined ? {} : { hostRooms: hostRooms({ limit, paramsOf }) }),
  });
}

export function commonPorts({ config, redis, keys, clock, handlers, strategyPorts }: ExecutionDeps) {
  return {
    ...strategyPorts,
    handlers,
    timeoutMs: config.strategyTimeoutMs,
    connectionMsMax: connectionMsMaxOf(config),
    attemptsMax: config.deliveriesMax,
    // Between two attempts there is time for it; the commit of the task publishes what could not be published here.
    publishAttempt: async (attempt) => publishRecord(redis, keys, attempt.fields),
    // It comes after a run, whose outcome must not be lost because a connection breaks at this moment.
    streamProblem: async (stream) =>
      retryUntilAborted(
        async () => streamProblem(redis, keys, stream),
        AbortSignal.timeout(STREAM_CHECK_MS_MAX),
      ),
    now: () => clock.now(),
  } satisfies Partial<ExecutePorts>;
}

/** The current snapshot and pauses. @throws UnavailableError while there are none */
async function existing(context: Promise<RoutingContext | Unavailable>): Promise<RoutingContext> {
  const found = await context;
  if ("status" in found) throw new UnavailableError(found.error);
  return found;
}

/** Redis or the snapshot may be unavailable for a while; that is not the task's fault, and the loops report it. */
async function retryUntilAborted<T>(attempt: () => Promise<T>, abort: AbortSignal): Promise<T> {
  const result = await retry(attempt, { ...FOR_EVER, signal: abort });
  // Nothing more is started.
  abort.throwIfAborted();
  return result;
}

/** `now` comes from Redis itself: a clock that is wrong for a moment must neither run an old task nor ignore a new one. */
export function heldAttempt(
  attempt: number,
  { snapshot, control }: RoutingContext,
  { now, config }: { readonly now: number } & Pick<ExecutionDeps, "config">,
): ClaimedAttempt {
  const { signalAgeMsMax } = config;
  return { status: "held", attempt, context: { snapshot, control, now: Math.round(now), signalAgeMsMax } };
}
