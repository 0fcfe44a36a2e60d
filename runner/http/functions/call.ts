import { createRoute, type z } from "@hono/zod-openapi";
import type { StreamTrim } from "../../../functions/trim.ts";
import { sharedFields, type Branch, type Effects } from "../../../shared/function.ts";
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
import {
  callAnswer,
  ENTRIES_EXAMPLE,
  nameParams,
  runBody,
  runQuery,
  type CallAnswer,
  type EffectsView,
} from "./schemas.ts";

/** `POST /functions/{name}`: runs any function on posted entries, or any job, also those that FUNCTIONS leaves out. */
export function callRoutes(services: Services, jobs: Jobs) {
  const route = createRoute({
    method: "post",
    path: "/functions/{name}",
    summary: "Run a function on posted entries, or a job",
    description:
      "The call is an invocation of its own, recorded in the table `invocations`. Its entries are added to no stream: the function processes them directly.",
    security: BEARER,
    tags: ["functions"],
    request: {
      params: nameParams,
      query: runQuery,
      body: { content: { "application/json": { schema: runBody } } },
    },
    responses: {
      200: json(callAnswer, "the result of each entry, or of the job"),
      ...problems(400, 401, 404, 409, 413, 415, 422, 503),
    },
  });
  return newRoutes().openapi(route, async (c) => {
    const { name } = c.req.valid("param");
    const isDryRun = c.req.valid("query").dryRun === "true";
    const body = c.req.valid("json");
    if (isJobName(name)) return c.json(await callJob(name, body, isDryRun, jobs, services), 200);
    return c.json(await callOnEntries(bindingsNamed(name, services), body, isDryRun, services), 200);
  });
}

/** The bindings of the function with this name. @throws Problem, 404, when no function with this name takes entries */
export function bindingsNamed(name: string, services: Services): readonly [Binding, ...Binding[]] {
  const all = allBindings(services);
  const [first, ...more] = all.filter(({ functionName }) => functionName === name);
  if (first !== undefined) return [first, ...more];
  if (name === "collect-outcomes") {
    throw new Problem({
      status: 404,
      code: "no_such_function",
      detail: "collect-outcomes reads the streams of OUTCOME_STREAMS, which names none",
      hint: "set OUTCOME_STREAMS to the streams in which workers report, such as signal_log_queue",
    });
  }
  const onEntries = new Set(all.map(({ functionName }) => functionName));
  throw new Problem({
    status: 404,
    code: "no_such_function",
    detail: isJobName(name) ? `${name} is a job and reads no stream` : "there is no function with this name",
    hint: `functions: ${[...onEntries].join(", ")}; jobs: ${JOB_NAMES.join(", ")}`,
  });
}

function isJobName(name: string): name is JobName {
  return JOB_NAMES.some((job) => job === name);
}

type Body = z.infer<typeof runBody>;

async function callOnEntries(
  bindings: readonly [Binding, ...Binding[]],
  { entries, stream = bindings[0].stream, invocation, by = "http", reason }: Body,
  isDryRun: boolean,
  services: Services,
): Promise<CallAnswer> {
  const { functionName } = bindings[0];
  if (entries === undefined) {
    throw invalid("entries", `expected entries for ${functionName} to process, such as ${ENTRIES_EXAMPLE}`);
  }
  const binding = bindings.find((each) => each.stream === stream);
  if (binding === undefined) {
    const streams = bindings.map((each) => each.stream).join(" or ");
    const text = `${functionName} does not read ${stream}: expected ${streams}, such as ${bindings[0].stream}`;
    throw invalid("stream", text);
  }
  const request = { functionName, stream: binding.stream, entries, invocation };
  if (!isDryRun) {
    const answer = await runEntries({ ...request, requestedBy: by, reason }, services);
    return { ...answer, results: [...answer.results] };
  }
  const results = await dryRunEntries(request, services);
  if (results === undefined) {
    throw invalid("dryRun", `${functionName} has no dry run: expected no dryRun, or \`false\``);
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
  const { uid, also } = claim;
  const second = also === undefined ? {} : { also };
  return { effects: { ...view, claim: { uid, ...second, if_lost: branchView(claim.ifLost) } } };
}

function branchView({ append, count }: Branch): EffectsView {
  const appends = append.map((appended) => ({
    stream: appended.stream,
    fields: sharedFields(appended),
    ...(appended.each === undefined ? {} : { each: [...appended.each] }),
  }));
  return { append: appends, count: [...count] };
}

const JOB_MS_MAX = 30_000;

async function callJob(
  name: JobName,
  body: Body,
  isDryRun: boolean,
  jobs: Jobs,
  services: Services,
): Promise<CallAnswer> {
  const [given] = Object.keys(body);
  if (given !== undefined) {
    throw invalid(given, `${name} is a job: expected no body, such as POST /functions/${name}?dryRun=true`);
  }
  if (isDryRun) return { job: name, dry_run: true, ...(await jobs[name].preview()) };
  const budget = budgetOf(JOB_MS_MAX, services.stopping);
  const running: Promise<JobAnswers[JobName]> = jobs[name].run(budget);
  const works = name === "reclaim" ? configuredBindings(services) : [];
  const answer = await withinBudget(budget, { what: name, works }, running);
  if ("streams" in answer) assertSomeAvailable(answer.streams);
  return { job: name, ...answer };
}

/** @throws UnavailableError when every stream lacked a dependency */
function assertSomeAvailable(streams: readonly (Reclaimed | StreamTrim)[]): void {
  const unavailable = streams.flatMap((stream) =>
    "unavailable" in stream ? (stream.unavailable ?? []) : [],
  );
  if (unavailable[0] !== undefined && unavailable.length === streams.length)
    throw new UnavailableError(unavailable[0]);
}

function invalid(path: string, message: string): Problem {
  const detail = "the call is not valid";
  return new Problem({ status: 422, code: "invalid_request", detail, issues: [{ path, message }] });
}
