import { setImmediate as nextTurn } from "node:timers/promises";
import { hostsToLookUp, strategyFaults } from "../../functions/check-strategies.ts";
import { chooseHandler } from "../../functions/strategies/choose-handler.ts";
import {
  previewHandler,
  type HandlerPreview,
  type PreviewPorts,
  type ShownAct,
} from "../../functions/strategies/preview-handler.ts";
import { permissionStops, type Stop } from "../../functions/task-stops.ts";
import { hostVerdict } from "../../shared/io/http-client/host-verdict.ts";
import { streamProblem } from "../../shared/io/streams/task-claims.ts";
import { PRIVATE_ADDRESSES_HINT } from "../../shared/outgoing-address.ts";
import type { SubscribedStrategy } from "../../shared/reference/snapshot.ts";
import { idempotencyKeyOf, type Task } from "../../shared/task.ts";
import type { RoutingContext } from "../bindings/routing-context.ts";
import { strategyChecksOf } from "../bindings/strategy-ports.ts";
import { RUNS_NO_TASKS, shadowRefusal } from "../engine/shadow-refused.ts";
import type { Services } from "../setup/services.ts";

/** What a strategy would do for a task now, and what would stop it. */
export interface TaskPreview {
  readonly strategy_id: number;
  /** Its name; of a strategy that the reference does not have, the one in the task. */
  readonly strategy: string;
  /** Null when the reference has no such strategy. */
  readonly handler: string | null;
  readonly idempotency_key: string;
  /** What would keep it from being run, or make it fail; none: nothing that is known before. */
  readonly stops: Stop[];
  readonly would?: ShownAct;
  /** Why it is not known what it would do. */
  readonly no_dry_run?: string;
}

/** Previews of tasks, on the snapshot and the pauses of `context`. Sends nothing but look-ups of host names. */
export async function previewTasks(
  tasks: readonly Task[],
  context: RoutingContext,
  services: Services,
): Promise<TaskPreview[]> {
  const { config, clock } = services;
  const { signalAgeMsMax } = config;
  const found: (Found & { readonly task: Task; readonly stops: Stop[] })[] = [];
  for (const [at, task] of tasks.entries()) {
    if (at % TASKS_PER_TURN === TASKS_PER_TURN - 1) await nextTurn();
    const strategy = context.snapshot.strategies.get(task.strategyId);
    const stops = permissionStops(task, { ...context, now: clock.now(), signalAgeMsMax });
    found.push({ task, strategy, stops, preview: strategy && previewOf(task, strategy, services) });
  }
  const refused = await refusedHosts(found, services);
  return Promise.all(
    found.map(async ({ task, strategy, stops, preview }): Promise<TaskPreview> => {
      const faults = strategy === undefined ? [] : faultsOf(strategy, refused, services);
      const all = [
        ...shadowStops(services),
        ...stops,
        ...faults,
        ...(await actStops(preview, refused, services)),
      ];
      return {
        strategy_id: task.strategyId,
        strategy: strategy?.name ?? task.strategy,
        handler: strategy?.handler ?? null,
        idempotency_key: idempotencyKeyOf(task),
        stops: all.filter(isFirst),
        ...(preview?.would === undefined ? {} : { would: preview.would }),
        ...(preview?.unknown === undefined ? {} : { no_dry_run: preview.unknown }),
      };
    }),
  );
}

/** Planned in one turn of the event loop: 1,000 in one kept signals waiting for 0.2 to 0.7 s. */
const TASKS_PER_TURN = 16;

interface Found {
  readonly strategy: SubscribedStrategy | undefined;
  readonly preview: HandlerPreview | undefined;
}

function previewOf(task: Task, strategy: SubscribedStrategy, services: Services): HandlerPreview {
  const { handlers, clock, strategyPorts } = services;
  const chosen = chooseHandler(strategy, handlers);
  // Why there is none is one of its faults.
  if (!chosen.ok) return { unknown: chosen.fault, stops: [] };
  const { redact } = strategyPorts;
  const ports: PreviewPorts = { ...strategyChecksOf(services), redact, now: clock.now() };
  return previewHandler(task, strategy, { handler: chosen.handler, params: chosen.params, ports });
}

/** Longest look-up of a host name, in ms. */
const LOOK_UP_MS_MAX = 2_000;

/** The host names that may not be posted to, with the reason. */
async function refusedHosts(
  found: readonly Found[],
  { config, handlers }: Services,
): Promise<ReadonlyMap<string, string>> {
  if (config.strategyPrivateAddresses) return new Map();
  const strategies = new Set(found.flatMap(({ strategy }) => strategy ?? []));
  const able = [...strategies].map((strategy) => ({ ...strategy, enabled: true, archived: false }));
  const named = found.flatMap(({ preview }) => preview?.host ?? []);
  const hosts = [...new Set([...hostsToLookUp(able, handlers), ...named])];
  const verdicts = await Promise.all(
    hosts.map(async (host) => ({ host, verdict: await hostVerdict(host, { msMax: LOOK_UP_MS_MAX }) })),
  );
  return new Map(
    verdicts.flatMap(({ host, verdict }) =>
      verdict.status === "refused" ? [[host, verdict.fault] as const] : [],
    ),
  );
}

function faultsOf(
  strategy: SubscribedStrategy,
  refused: ReadonlyMap<string, string>,
  services: Services,
): Stop[] {
  const checks = { ...strategyChecksOf(services), hostFault: (host: string) => refused.get(host) };
  return strategyFaults(strategy, services.handlers, checks).map(({ reason, fault }) => ({
    reason,
    text: fault,
  }));
}

/** What would make the act fail that the handler means to do. */
async function actStops(
  preview: HandlerPreview | undefined,
  refused: ReadonlyMap<string, string>,
  { redis, keys }: Services,
): Promise<Stop[]> {
  if (preview === undefined) return [];
  const { stops, host, would } = preview;
  const fault = host === undefined ? undefined : refused.get(host);
  const text = `${fault}; ${PRIVATE_ADDRESSES_HINT}`;
  const address = fault === undefined ? [] : [{ reason: "forbidden_address", text }];
  const stream = would?.append?.stream;
  const problem = isStrategyStream(stream) ? await streamProblem(redis, keys, stream) : undefined;
  const unusable = problem === undefined ? [] : [{ reason: "unusable_stream", text: problem }];
  return [...stops, ...address, ...unusable];
}

function isStrategyStream(stream: string | undefined): stream is `strategies:${string}` {
  return stream?.startsWith("strategies:") === true;
}

function shadowStops({ config }: Services): Stop[] {
  return config.shadow ? [{ reason: "shadow_router", text: shadowRefusal(RUNS_NO_TASKS) }] : [];
}

function isFirst({ reason, text }: Stop, at: number, all: readonly Stop[]): boolean {
  return all.findIndex((other) => other.reason === reason && other.text === text) === at;
}
