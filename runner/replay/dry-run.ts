import { processSignals } from "../../functions/process-signals.ts";
import { uidsOf } from "../../shared/claim.ts";
import { controlOf, type Control } from "../../shared/decide/control.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import type { Effects } from "../../shared/function.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionRecordIn, duplicateRecord } from "../../shared/published-record.ts";
import {
  circumstancesOf,
  decisionOf,
  withCleaningNotes,
  type Circumstances,
} from "../../shared/replay/replay-decision.ts";
import { holderAsLogged } from "./holder-as-logged.ts";
import { loadSignals, loggedUidsOf, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { replayed, type ReplayedSignal } from "./replayed-signal.ts";
import type { ReplayDeps } from "./request.ts";
import type { ReplaySnapshots, ReplayVersion } from "./snapshots.ts";

/** Decides signals batch by batch as they would have been decided on other snapshots; changes no key and no row. */
export async function dryRun(snapshots: ReplaySnapshots, deps: ReplayDeps): Promise<ReplayRun> {
  const control: Control = controlOf(await deps.redis.hgetall(deps.keys.control));
  const { signalAgeMsMax, shadow } = deps.config;
  const present = { now: deps.clock.now(), control, signalAgeMsMax };
  const state: DryRunState = { snapshots, present, shadow, claims: new SimulatedClaims() };
  return {
    writes: false,
    invocation: () => null,
    async batch(ids) {
      const found = await loadSignals(ids, deps);
      const decided: DecidedAgain[] = [];
      for (const signal of found) decided.push(await decideAgain(signal, state));
      const claims = decided.flatMap(({ signal, effects }) =>
        signal.logged === null ? (effects?.claim ?? []) : [],
      );
      const holders = await holdersOf(deps.redis, deps.keys, claims.flatMap(uidsOf));
      return { signals: decided.map((one) => replayedAgain(one, holders, state)) };
    },
    finish: async () => undefined,
  };
}

/** What a dry run remembers from signal to signal. */
interface DryRunState {
  readonly snapshots: ReplaySnapshots;
  /** For signals that have no decision: time, pauses and age limit of now. */
  readonly present: Circumstances;
  readonly shadow: boolean;
  /** Of the entries this replay would dispatch, or with SHADOW record as dispatched otherwise. */
  readonly claims: SimulatedClaims;
}

/** A signal with what would be decided for it, before its duplicates are looked at. */
interface DecidedAgain {
  readonly signal: LoadedSignal;
  readonly version: ReplayVersion;
  /** Absent where its snapshot is unknown. */
  readonly effects?: Effects;
}

async function decideAgain(
  signal: LoadedSignal,
  { snapshots, present, shadow }: DryRunState,
): Promise<DecidedAgain> {
  const { entry, logged } = signal;
  const version = await snapshots.for(logged);
  if (!version.ok) return { signal, version };
  // Without the time of a forced replay, so that it claims as all others do.
  const { forcedAt, ...circumstances } = logged === null ? present : circumstancesOf(logged, present);
  const [result] = processSignals([entry], {
    ...circumstances,
    ...(forcedAt === undefined ? {} : { anyAge: true }),
    snapshot: version.snapshot,
    shadow,
    invocation: "live",
    loggedUids: loggedUidsOf([signal]),
  });
  if (result?.status !== "done") throw new Error(`entry ${entry.id} was not decided`);
  return { signal, version, effects: result.effects };
}

function replayedAgain(
  { signal, version, effects }: DecidedAgain,
  holders: ReadonlyMap<string, string>,
  { snapshots, claims }: DryRunState,
): ReplayedSignal {
  const { entry, logged } = signal;
  const nameOf = (id: number): string | undefined =>
    logged === null ? undefined : snapshots.nameIn(logged.decision.snapshot, id);
  if (!version.ok) return replayed(signal, { decided: null, note: version.why, nameOf });
  const record = effects && decisionRecordIn(effects);
  if (effects === undefined || record === undefined)
    throw new Error(`the decision on entry ${entry.id} has no record`);
  const { claim } = effects;
  const holder = holderAsLogged(signal, claim, { holders, claims });
  const decision = decisionOf(
    (holder === undefined ? undefined : duplicateRecord(effects, holder)) ?? record,
  );
  if (claim !== undefined && holder === undefined) claims.claim(claim, entry.id);
  return replayed(signal, {
    decidedAs: record,
    decided:
      signal.source === "log" && logged !== null ? withCleaningNotes(decision, logged.decision) : decision,
    ...(logged === null ? { note: NO_DECISION } : {}),
    nameOf: (id) => nameOf(id) ?? version.names.get(id),
  });
}

const NO_DECISION =
  "the log has no decision on it: it was decided as things are now, on the current snapshot where `logged` was requested";
