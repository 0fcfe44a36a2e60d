import { messageOf } from "../../shared/error-message.ts";
import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import {
  isSecretName,
  missingSecretFault,
  PermanentError,
  RetryableError,
  type AnyStrategyHandler,
  type PlanningHandler,
  type StrategyPlan,
} from "../../shared/strategy.ts";
import type { Task } from "../../shared/task.ts";
import type { Stop } from "../task-stops.ts";
import { planOf } from "./act.ts";
import { handlerExtra } from "./handler-extra.ts";
import { addressHiding } from "./hidden-addresses.ts";
import { headerStops, hostToLookUp, targetStops } from "./post-stops.ts";
import { failureOf, outcomeOf } from "./recordable.ts";
import { merged, StandIns, type Variant } from "./stand-ins.ts";
import { strategyTaskOf } from "./strategy-task.ts";

/**
 * Shows what a handler would do for a task, and does nothing. The plan is made with stand-ins for the secrets, of which it shows
 * where they are, and what is made of them; of addresses in the params it shows the host.
 */
export function previewHandler(
  task: Task,
  strategy: Pick<SubscribedStrategy, "id" | "name" | "params">,
  { handler, params: given, attempt = 1, ports }: PreviewOptions,
): HandlerPreview {
  if (handler.plan === undefined) return { unknown: noDryRunText(handler.name), stops: [] };
  const filled = handlerExtra({ handler, params: given }, task.extra);
  if (!filled.ok) return { unknown: filled.fault, stops: [{ reason: "invalid_extra", text: filled.fault }] };
  const { params, extra } = filled;
  const standIns = new StandIns();
  const plan = (otherOf?: string): Planned => {
    const secret = (name: string): string => {
      // It may be the secret itself.
      if (!isSecretName(name)) throw new PermanentError(missingSecretFault(name), "missing_secret");
      return standIns.valueOf(name, { other: name === otherOf });
    };
    const parts = { params, extra, attempt, now: ports.now, secret };
    return planned(handler, strategyTaskOf(task, strategy, parts), standIns);
  };
  const hiding = addressHiding(handler.params, strategy.params, params);
  const clean = (text: string): string => ports.redact(hiding.text(text));
  const first = plan();
  const stops = standIns.names.filter((name) => !ports.isSecretSet(name)).map(missingSecret);
  if (first.status === "broken")
    return { unknown: clean(brokenText(handler.name, first.error, standIns)), stops };
  const variants = [
    { ...plan(), label: "(differs each time)", on: "more than the task" },
    ...standIns.names.map((name) => ({
      ...plan(name),
      label: `(made with secret ${name})`,
      on: `the value of the secret ${name}`,
    })),
  ];
  const odd = variants.find((each) => each.status === "broken" || each.kind !== first.kind);
  if (odd !== undefined) {
    const unknown = `what handler ${handler.name} would do depends on ${odd.on}, so a dry run cannot show it`;
    return { unknown, stops };
  }
  const same = merged(
    first.act,
    variants.map((each): Variant => ({
      value: each.status === "broken" ? undefined : each.act,
      label: each.label,
    })),
  ) as ShownAct;
  const target = first.url === undefined || standIns.isIn(first.url) ? undefined : first.url;
  return {
    would: hidden(same, { clean, url: (text) => ports.redact(hiding.url(text)) }),
    stops: [
      ...stops,
      ...(target === undefined ? [] : targetStops(target, hiding, ports)),
      ...headerStops(first.act.post?.headers ?? {}, clean),
    ],
    ...(target === undefined ? {} : { host: hostToLookUp(target) }),
  };
}

export interface PreviewOptions {
  readonly handler: AnyStrategyHandler;
  /** As the handler's schema has parsed them. */
  readonly params: never;
  readonly attempt?: number;
  readonly ports: PreviewPorts;
}

export interface PreviewPorts {
  /** Whether the variable STRATEGY_SECRET_<NAME> is set. */
  isSecretSet(name: string): boolean;
  /** The text without the value of any secret. */
  readonly redact: (text: string) => string;
  /** STRATEGY_PRIVATE_ADDRESSES */
  readonly privateAddresses: boolean;
  /** Milliseconds since 1970. */
  readonly now: number;
}

export interface HandlerPreview {
  readonly would?: ShownAct;
  /** Why it is not known what it would do. */
  readonly unknown?: string;
  /** What would make the task fail. */
  readonly stops: readonly Stop[];
  /** The host name that it would post to, when that has to be looked up. */
  readonly host?: string | undefined;
}

/** What a handler would do, as it is shown. */
export interface ShownAct {
  readonly post?: {
    readonly method: "POST";
    readonly url: string;
    readonly headers: Readonly<Record<string, string>>;
    readonly body: string;
    readonly timeout_ms: number;
  };
  /** The entry that would be added to the strategy's own stream. */
  readonly append?: { readonly stream: string; readonly fields: Readonly<Record<string, string>> };
  /** The line that would be written to the router's log. */
  readonly log?: string;
  /** How the task would end; absent with a post, whose answer decides it. */
  readonly outcome?: { readonly status: string; readonly reason: string | null; readonly detail: Detail };
}

/** Why a handler that acts by itself cannot be tried without acting. */
export function noDryRunText(handler: string): string {
  return `handler ${handler} has no dry run: it acts in its \`run\`, so what it would do is known only when it is done; written with \`plan\` it would have one`;
}

type Planned =
  | {
      readonly status: "made";
      /** What cannot differ in what is shown as one. */
      readonly kind: string;
      readonly act: ShownAct;
      readonly url?: string;
    }
  | { readonly status: "broken"; readonly error: unknown };

function planned(
  handler: PlanningHandler,
  task: Parameters<PlanningHandler["plan"]>[0],
  standIns: StandIns,
): Planned {
  const labelled = (text: string): string => standIns.labelled(text);
  try {
    const plan = planOf(handler, task);
    const shown = actOf(plan, labelled);
    const kind = JSON.stringify([Object.keys(shown), shown.outcome?.status]);
    return { status: "made", kind, act: shown, ...("post" in plan ? { url: plan.post.url } : {}) };
  } catch (error) {
    // What is no word of the contract may come from a secret that is none.
    const isMeant = error instanceof PermanentError || error instanceof RetryableError;
    if (!isMeant) return { status: "broken", error };
    const failure = failureOf(error, labelled);
    const outcome =
      failure.status === "again"
        ? { status: "failed", reason: "retryable_error", detail: { error: failure.error } }
        : failure;
    return { status: "made", kind: `failed ${outcome.reason}`, act: { outcome } };
  }
}

function actOf(plan: StrategyPlan, labelled: (text: string) => string): ShownAct {
  if ("post" in plan) {
    const { url, headers, body, timeoutMs } = plan.post;
    const shown = Object.entries(headers).map(([name, value]) => [labelled(name), labelled(value)]);
    const request = { url: labelled(url), headers: Object.fromEntries(shown), body: labelled(body) };
    return { post: { method: "POST", ...request, timeout_ms: timeoutMs } };
  }
  const { log, ...returned } = plan;
  const { append, ...outcome } = outcomeOf(returned, labelled);
  const fields = Object.entries(append?.fields ?? {}).map(([name, value]) => [
    labelled(name),
    labelled(value),
  ]);
  return {
    ...(append === undefined
      ? {}
      : { append: { stream: labelled(append.stream), fields: Object.fromEntries(fields) } }),
    ...(log === undefined ? {} : { log: labelled(log) }),
    outcome,
  };
}

/** Every text without secrets and addresses, in case params or the handler itself contain them. */
function hidden(act: ShownAct, { clean, url }: Record<"clean" | "url", (text: string) => string>): ShownAct {
  const cleaned = (value: unknown): unknown => {
    if (typeof value === "string") return clean(value);
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map(cleaned);
    return Object.fromEntries(Object.entries(value).map(([key, part]) => [clean(key), cleaned(part)]));
  };
  const { post, ...others } = act;
  const rest = Object.fromEntries(
    Object.entries(others).map(([key, part]) => [key, cleaned(part)]),
  ) as ShownAct;
  if (post === undefined) return rest;
  const headers = cleaned(post.headers) as Record<string, string>;
  return { post: { ...post, url: url(post.url), headers, body: clean(post.body) }, ...rest };
}

function missingSecret(name: string): Stop {
  return { reason: "missing_secret", text: missingSecretFault(name) };
}

function brokenText(handler: string, error: unknown, standIns: StandIns): string {
  const why = standIns.labelled(messageOf(error));
  const { names } = standIns;
  const hint =
    names.length === 0
      ? ""
      : `; a dry run gives it a text that stands for the secret ${names.join(", ")}, which may be why`;
  return `handler ${handler} could not make its plan: ${why}${hint}`;
}
