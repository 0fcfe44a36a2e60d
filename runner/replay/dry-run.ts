import { processSignals } from "../../functions/process-signals.ts";
import { controlOf, type Control } from "../../shared/decide/control.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionRecordIn, duplicateRecord } from "../../shared/published-record.ts";
import {
  circumstancesOf,
  decisionOf,
  withCleaningNotes,
  type Circumstances,
} from "../../shared/replay/replay-decision.ts";
import { claimsUid, holderAsLogged } from "./holder-as-logged.ts";
import { loadSignals, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { replayed, type ReplayedSignal } from "./replayed-signal.ts";
import type { ReplayDeps } from "./request.ts";
import { uidIn } from "./select-signals.ts";
import type { ReplaySnapshots } from "./snapshots.ts";

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
      const undecided = found.filter(({ logged }) => logged === null);
      const uids = undecided.flatMap(({ entry }) => uidIn(entry) ?? []);
      const holders = await holdersOf(deps.redis, deps.keys, uids);
      const signals: ReplayedSignal[] = [];
      for (const signal of found) signals.push(await decideAgain(signal, holders, state));
      return { signals };
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

async function decideAgain(
  signal: LoadedSignal,
  holders: ReadonlyMap<string, string>,
  { snapshots, present, shadow, claims }: DryRunState,
): Promise<ReplayedSignal> {
  const { entry, logged } = signal;
  const nameOf = (id: number): string | undefined =>
    logged === null ? undefined : snapshots.nameIn(logged.decision.snapshot, id);
  const version = await snapshots.for(logged);
  if (!version.ok) return replayed(signal, { decided: null, note: version.why, nameOf });

  const circumstances = logged === null ? present : circumstancesOf(logged, present);
  const { snapshot } = version;
  const [result] = processSignals([entry], { ...circumstances, snapshot, shadow, invocation: "live" });
  if (result?.status !== "done") throw new Error(`entry ${entry.id} was not decided`);
  const record = decisionRecordIn(result.effects);
  if (record === undefined) throw new Error(`the decision on entry ${entry.id} has no record`);
  const holder = holderAsLogged(signal, record, { holders, claims });
  const decision = decisionOf(
    (holder === undefined ? undefined : duplicateRecord(result.effects, holder)) ?? record,
  );
  if (claimsUid(decision) && record.uid !== null) claims.claim(record.uid, entry.id);
  return replayed(signal, {
    decided:
      signal.source === "log" && logged !== null ? withCleaningNotes(decision, logged.decision) : decision,
    ...(logged === null ? { note: NO_DECISION } : {}),
    nameOf: (id) => nameOf(id) ?? version.names.get(id),
  });
}

const NO_DECISION =
  "the log has no decision on it: it was decided as things are now, on the current snapshot where `logged` was requested";
