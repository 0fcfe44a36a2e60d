import { createRoute, z } from "@hono/zod-openapi";
import type { StreamTrim } from "../../../functions/trim.ts";
import { sharedFields, type Branch, type Effects } from "../../../shared/function.ts";
import { ReferenceRowError } from "../../../shared/io/reference/reference-source.ts";
import { allBindings, configuredBindings } from "../../bindings/all-bindings.ts";
import { budgetOf, withinBudget } from "../../consume/budget.ts";
import type { Reclaimed } from "../../consume/reclaim-groups.ts";
import { type Binding } from "../../engine/binding.ts";
import { UnavailableError } from "../../engine/retry-until-stopped.ts";
import { JOB_NAMES, type JobAnswers, type JobName, type Jobs } from "../../jobs/run-job.ts";
import { dryRunEntries } from "../../on-demand/dry-run-entries.ts";
import { runEntries } from "../../on-demand/run-entries.ts";
import type { Services } from "../../setup/services.ts";
import { Problem } from "../problem.ts";
import { BEARER, json, newRoutes, problems } from "../routes.ts";
import { callAnswer, runBody, runQuery, type CallAnswer, type EffectsView } from "./schemas.ts";

type Body = z.infer<typeof runBody>;

const JOB_MS_MAX = 30_000;

/** `POST /functions/{name}`: a function on posted entries, or a job. Any of them, whatever FUNCTIONS says this process does by itself. */
export function callRoutes(services: Services, jobs: Jobs) {
  const route = createRoute({
    method: "post",
    path: "/functions/{name}",
    summary: "Call a function on entries, or a job",
    description:
      "An invocation of its own, recorded in the table `invocations`. Entries are not added to any stream: they are decided, or written to the log, as they are.",
    security: BEARER,
    tags: ["functions"],
    request: {
      params: z.object({ name: z.string().openapi({ example: "process-signals" }) }),
      query: runQuery,
      body: { content: { "application/json": { schema: runBody } } },
    },
    responses: {
      200: json(callAnswer, "what became of each entry, or what the job did"),
      ...problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
  });
  return newRoutes().openapi(route, async (c) => {
    const { name } = c.req.valid("param");
    const dry = c.req.valid("query").dryRun === "true";
    const body = c.req.valid("json");
    if (isJobName(name)) return c.json(await callJob(name, body, dry, jobs, services), 200);
    return c.json(await callOnEntries(bindingsNamed(name, services), body, dry, services), 200);
  });
}

/** The bindings of the function with this name. @throws Problem, 404, when there is none that takes entries */
export function bindingsNamed(name: string, services: Services): readonly [Binding, ...Binding[]] {
  const all = allBindings(services);
  const [first, ...more] = all.filter(({ functionName }) => functionName === name);
  if (first !== undefined) return [first, ...more];
  const onEntries = new Set(all.map(({ functionName }) => functionName));
  throw new Problem({
    status: 404,
    code: "no_such_function",
    detail: isJobName(name) ? `${name} is a job and reads no stream` : "there is no function of this name",
    hint: `functions: ${[...onEntries].join(", ")}; jobs: ${JOB_NAMES.join(", ")}`,
  });
}

function isJobName(name: string): name is JobName {
  return JOB_NAMES.some((job) => job === name);
}

async function callOnEntries(
  bindings: readonly [Binding, ...Binding[]],
  { entries, stream = bindings[0].stream, invocation, by = "http", reason }: Body,
  dry: boolean,
  services: Services,
): Promise<CallAnswer> {
  const { functionName } = bindings[0];
  if (entries === undefined) throw invalid("entries", `${functionName} needs entries to work on`);
  const streams = bindings.map((binding) => binding.stream);
  if (!streams.includes(stream)) {
    throw invalid("stream", `${functionName} works on ${streams.join(" and ")}, not on ${stream}`);
  }
  const request = { functionName, stream, entries, invocation };
  if (!dry) {
    const answer = await runEntries({ ...request, requestedBy: by, reason }, services);
    return { ...answer, results: [...answer.results] };
  }
  const results = await dryRunEntries(request, services);
  if (results === undefined) {
    throw invalid("dryRun", `${functionName} cannot tell what it would do without doing it`);
  }
  return {
    dry_run: true,
    results: results.map(({ effects, ...result }) => ({ ...result, ...effectsView(effects) })),
  };
}

function effectsView(effects: Effects | undefined): { effects?: EffectsView } {
  if (effects === undefined) return {};
  const { claim } = effects;
  const view = branchView(effects);
  if (claim === undefined) return { effects: view };
  return { effects: { ...view, claim: { uid: claim.uid, if_lost: branchView(claim.ifLost) } } };
}

function branchView({ append, count }: Branch): EffectsView {
  const appends = append.map((one) => ({
    stream: one.stream,
    fields: sharedFields(one),
    ...(one.each === undefined ? {} : { each: [...one.each] }),
  }));
  return { append: appends, count: [...count] };
}

async function callJob(
  name: JobName,
  body: Body,
  dry: boolean,
  jobs: Jobs,
  services: Services,
): Promise<CallAnswer> {
  const [given] = Object.keys(body);
  if (given !== undefined) throw invalid(given, `${name} is a job and takes nothing but dryRun`);
  try {
    if (dry) return { job: name, dry_run: true, ...(await jobs[name].preview()) };
    const budget = budgetOf(JOB_MS_MAX, services.stopping);
    const running: Promise<JobAnswers[JobName]> = jobs[name].run(budget);
    const works = name === "reclaim" ? configuredBindings(services) : [];
    const answer = await withinBudget(budget, { what: name, works }, running);
    if ("streams" in answer) assertSomeWorked(answer.streams);
    return { job: name, ...answer };
  } catch (error) {
    if (!(error instanceof ReferenceRowError)) throw error;
    throw new Problem({
      status: 409,
      code: "reference_unusable",
      detail: error.message,
      hint: "put the row right; until then decisions go on with the snapshot that is there",
    });
  }
}

/** @throws NotNow when all streams lacked something */
function assertSomeWorked(streams: readonly (Reclaimed | StreamTrim)[]): void {
  const lacking = streams.flatMap((one) => ("unavailable" in one ? (one.unavailable ?? []) : []));
  if (lacking[0] !== undefined && lacking.length === streams.length) throw new UnavailableError(lacking[0]);
}

function invalid(path: string, message: string): Problem {
  return new Problem({
    status: 422,
    code: "invalid_request",
    detail: "the call is not what is expected",
    issues: [{ path, message }],
  });
}
