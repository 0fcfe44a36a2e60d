import { createRoute, z } from "@hono/zod-openapi";
import { canonicalEntryId } from "../../../shared/entry-range.ts";
import { undeliveredTasks } from "../../../shared/io/streams/held-tasks.ts";
import { TASK_STATES } from "../../../shared/task-state.ts";
import type { Task } from "../../../shared/task.ts";
import { integerIn, membersOf, oneOf } from "../expected.ts";
import type { HttpDeps } from "../http-deps.ts";
import { strategyIdOf, strategySchema } from "../named-strategy.ts";
import { BEARER, entryIdSchema, json, newRoutes, problems } from "../routes.ts";
import { taskInFlightSchema, tasksInFlight, type TaskInFlight } from "../tasks-in-flight.ts";

/** `GET /tasks`: what runs, what waits between two attempts, and until when. */
export function taskRoutes({ services }: HttpDeps) {
  return newRoutes().openapi(route, async (c) => {
    const { state, strategy, limit, after } = c.req.valid("query");
    const strategyId = strategy === undefined ? undefined : await strategyIdOf(strategy, services);
    const isAsked = (task: Task): boolean => strategyId === undefined || task.strategyId === strategyId;
    const tasks: TaskInFlight[] = [];
    let next = after === undefined ? undefined : canonicalEntryId(after);
    for (let pages = 0; pages < PAGES_MAX; pages += 1) {
      const from = next === undefined ? "-" : `(${next}`;
      const page = await tasksInFlight({ from, countMax: PAGE_COUNT, isAsked }, services);
      tasks.push(...page.tasks.filter((task) => state === undefined || task.state === state));
      next = page.next;
      if (next === undefined || tasks.length >= limit) break;
    }
    if (tasks.length > limit) next = tasks[limit - 1]?.id;
    const undelivered = await undeliveredTasks(services.redis, services.keys);
    return c.json({ tasks: tasks.slice(0, limit), next: next ?? null, undelivered }, 200);
  });
}

/** Pages looked at for one answer, when few of the tasks are asked for. */
const PAGES_MAX = 5;
const PAGE_COUNT = 200;

const query = membersOf(
  {
    state: oneOf(TASK_STATES).optional(),
    strategy: strategySchema.optional(),
    limit: integerIn({ what: "a number of tasks", min: 1, max: 200, example: 50 }).default(50),
    after: entryIdSchema.optional().describe("`next` of the previous page"),
  },
  "?state=between_attempts",
);

export const tasksAnswer = z
  .object({
    tasks: z.array(taskInFlightSchema).describe("oldest first"),
    next: z.string().nullable().describe("for the next page; null: this is the last page"),
    undelivered: z
      .int()
      .nullable()
      .describe("tasks that no consumer has read yet, which are not in the list; null: Redis does not know"),
  })
  .openapi("TasksInFlight");

const route = createRoute({
  method: "get",
  path: "/tasks",
  summary: "Tasks in flight: which attempt, the last error, and when they are tried again",
  security: BEARER,
  tags: ["operations"],
  request: { query },
  responses: { 200: json(tasksAnswer, "a page of them"), ...problems(401, 422, 503) },
});
