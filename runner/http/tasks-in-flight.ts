import { z } from "@hono/zod-openapi";
import { loggedAttempts } from "../../shared/io/log/logged-attempts.ts";
import {
  earliestTask,
  publishedAttempts,
  readHeldTasks,
  type HeldTask,
} from "../../shared/io/streams/held-tasks.ts";
import { TASK_STATES, taskStateOf, type TaskFacts } from "../../shared/task-state.ts";
import { laneOf, parseTask, type Task } from "../../shared/task.ts";
import type { Services } from "../setup/services.ts";

/** Tasks that are delivered and not finished: what each waits for, and when it is tried again. Read only, from what is recorded. */

const isoTime = z.string().openapi({ format: "date-time", example: "2026-01-05T10:00:00.000Z" });

export const taskInFlightSchema = z
  .object({
    id: z.string().describe("of the task, in `strategy_input_stream`"),
    entry_id: z.string().describe("of its signal"),
    invocation: z.string(),
    strategy_id: z.int(),
    strategy: z.string().describe("its name when the task was dispatched"),
    symbol: z.string(),
    direction: z.enum(["long", "short", "flat"]),
    side: z.enum(["long", "short"]).nullable().describe("the only side that an exit closes"),
    state: z
      .enum(TASK_STATES)
      .describe(
        "`not_started`: waits for its turn · `between_attempts`: failed, and is tried again · `left`: its consumer gives no heartbeat, so another one reclaims it",
      ),
    why: z.string().describe("what it waits for"),
    attempt: z.int().describe("the attempt that runs, or ran last; 0: none was begun"),
    attempts_max: z.int().describe("DELIVERIES_MAX"),
    last_error: z.string().nullable(),
    next_try_at: isoTime.nullable().describe("at the earliest; null while that is not known"),
    consumer: z.string(),
    idle_ms: z.int().describe("since it was delivered, or its attempt was begun"),
  })
  .openapi("TaskInFlight");
export type TaskInFlight = z.infer<typeof taskInFlightSchema>;

type TaskDeps = Pick<Services, "redis" | "keys" | "database" | "config" | "clock">;

/** Tasks looked at for one answer. */
const LOOKED_AT_MAX = 1_000;

/** The tasks in flight of these entries of `signals_stream`, by entry. */
export async function tasksInFlightOf(
  entryIds: readonly string[],
  deps: TaskDeps,
): Promise<ReadonlyMap<string, readonly TaskInFlight[]>> {
  if (entryIds.length === 0) return new Map();
  const isAsked = ({ entryId }: Task): boolean => entryIds.includes(entryId);
  const { tasks } = await tasksInFlight(
    { from: earliestTask(entryIds), countMax: LOOKED_AT_MAX, isAsked },
    deps,
  );
  return new Map(entryIds.map((id) => [id, tasks.filter(({ entry_id: of }) => of === id)]));
}

export interface TasksPage {
  /** Oldest first. Those that are no tasks, or no longer in the stream, are left out. */
  readonly tasks: readonly TaskInFlight[];
  /** Id of the last one looked at, when there may be more. */
  readonly next: string | undefined;
}

export interface TasksAsked {
  /** Id to begin at; one that begins with `(` is left out. */
  readonly from: string;
  /** Tasks to look at. */
  readonly countMax: number;
  /** Which of them are shown; default: all. */
  readonly isAsked?: (task: Task) => boolean;
}

/** A page of the tasks in flight. */
export async function tasksInFlight(
  { from, countMax, isAsked = () => true }: TasksAsked,
  deps: TaskDeps,
): Promise<TasksPage> {
  const { redis, keys, clock, config } = deps;
  await clock.sample();
  const now = Math.round(clock.now());
  const held = await readHeldTasks(redis, keys, { from, countMax, now });
  const known = held.flatMap((one): KnownTask[] => {
    const parsed = one.entry === undefined ? undefined : parseTask(one.entry);
    return parsed?.ok === true ? [{ ...one, task: parsed.task }] : [];
  });
  const behind = laneFirsts(known);
  const asked = known.filter(({ task }) => isAsked(task));
  const failures = await failuresOf(asked, now, deps);
  const limits = { now, claimIdleMs: config.claimIdleMs, attemptsMax: config.deliveriesMax };
  const tasks = asked.map((one): TaskInFlight => {
    const { task, pending, isLiving } = one;
    const { id, deliveries: attempts, idleMs } = pending;
    const facts: TaskFacts = {
      id,
      attempts,
      idleMs,
      isLiving,
      behind: behind.get(id),
      failed: failures.get(partOf(one)),
    };
    const { state, why, attempt, lastError, nextTryAt } = taskStateOf(facts, limits);
    return {
      id,
      entry_id: task.entryId,
      invocation: task.invocation,
      strategy_id: task.strategyId,
      strategy: task.strategy,
      symbol: task.symbol,
      direction: task.direction,
      side: task.side,
      state,
      why,
      attempt,
      attempts_max: limits.attemptsMax,
      last_error: lastError,
      next_try_at: nextTryAt === null ? null : new Date(nextTryAt).toISOString(),
      consumer: pending.consumer,
      idle_ms: idleMs,
    };
  });
  return { tasks, next: held.length === countMax ? held.at(-1)?.pending.id : undefined };
}

interface KnownTask extends HeldTask {
  readonly task: Task;
}

/** The first task in flight of the lane of each other one, by the other's id. */
function laneFirsts(known: readonly KnownTask[]): ReadonlyMap<string, string> {
  const firsts = new Map<string, string>();
  const behind = new Map<string, string>();
  for (const { task, pending } of known) {
    const lane = `${pending.consumer} ${laneOf(task)}`;
    const first = firsts.get(lane);
    if (first === undefined) firsts.set(lane, task.id);
    else behind.set(task.id, first);
  }
  return behind;
}

type Failure = NonNullable<TaskFacts["failed"]>;

/** An attempt that was begun before is not looked for: its record may be anywhere in the stream. */
const BEGUN_MS_MAX = 600_000;

/** How the last attempts ended, by `part`: in the stream what is not in the log yet, else in the log. */
async function failuresOf(
  known: readonly KnownTask[],
  now: number,
  { redis, keys, database }: TaskDeps,
): Promise<ReadonlyMap<string, Failure>> {
  const begun = known.filter(({ pending }) => pending.deliveries > 0);
  const parts = new Set(begun.map(partOf));
  const recent = begun.map(({ pending }) => pending.idleMs).filter((ms) => ms < BEGUN_MS_MAX);
  const since = now - Math.max(0, ...recent) - CLOCK_MS;
  const published = await publishedAttempts(redis, keys, { parts, since });
  const missing = begun.filter((one) => !published.has(partOf(one)));
  const logged = await loggedAttempts(database, {
    shard: keys.shard,
    entryIds: [...new Set(missing.map(({ task }) => task.entryId))],
    parts: missing.map(partOf),
  });
  return new Map([
    ...[...published].map(([part, { record }]): [string, Failure] => [
      part,
      { error: errorIn(record.detail), at: Date.parse(record.at) },
    ]),
    ...[...logged].map(([part, { detail, at }]): [string, Failure] => [part, { error: errorIn(detail), at }]),
  ]);
}

/** Idle times are in whole milliseconds. */
const CLOCK_MS = 1_000;

/** As the record of its last attempt is called. */
function partOf({ pending }: KnownTask): string {
  return `${pending.id} ${pending.deliveries}`;
}

function errorIn(detail: Readonly<Record<string, unknown>>): string {
  const { error } = detail;
  return typeof error === "string" ? error : JSON.stringify(detail);
}
