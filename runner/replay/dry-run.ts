import { processSignals } from "../../functions/process-signals.ts";
import { controlOf, type Control } from "../../shared/decide/control.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import type { SignalRecord } from "../../shared/records.ts";
import {
  circumstancesOf,
  decisionOf,
  withCleaningNotes,
  type Circumstances,
  type ReplayDecision,
} from "../../shared/replay/replay-decision.ts";
import { decisionRecordIn, duplicateRecord } from "../engine/committed-record.ts";
import { SimulatedClaims } from "../engine/simulated-claims.ts";
import { loadSignals, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { replayed, type ReplayedSignal } from "./replayed-signal.ts";
import type { ReplayDeps } from "./request.ts";
import { uidIn } from "./select-signals.ts";
import type { ReplaySnapshots } from "./snapshots.ts";

/** What a dry run knows while it goes from signal to signal. */
interface DryRunState {
  readonly snapshots: ReplaySnapshots;
  /** For what was never decided: as things are now. */
  readonly present: Circumstances;
  /** Of the entries this replay would dispatch. */
  readonly claims: SimulatedClaims;
}

/** Decides signals batch by batch as they would have been decided on other snapshots; no key and no row changes. */
export async function dryRun(snapshots: ReplaySnapshots, deps: ReplayDeps): Promise<ReplayRun> {
  const control: Control = controlOf(await deps.redis.hgetall(deps.keys.control));
  const { signalAgeMsMax } = deps.config;
  const present = { now: deps.clock.now(), control, signalAgeMsMax };
  const replayRun: DryRunState = { snapshots, present, claims: new SimulatedClaims() };
  return {
    writes: false,
    invocation: () => null,
    async batch(ids) {
      const found = await loadSignals(ids, deps);
      const undecided = found.filter(({ logged }) => logged === null);
      const uids = undecided.flatMap(({ entry }) => uidIn(entry) ?? []);
      const holders = await holdersOf(deps.redis, deps.keys, uids);
      const signals: ReplayedSignal[] = [];
      for (const signal of found) signals.push(await decided(signal, holders, replayRun));
      return { signals };
    },
    finish: async () => undefined,
  };
}

async function decided(
  signal: LoadedSignal,
  holders: ReadonlyMap<string, string>,
  replayRun: DryRunState,
): Promise<ReplayedSignal> {
  const { logged } = signal;
  const { snapshots, present } = replayRun;
  const nameOf = (id: number): string | undefined =>
    logged === null ? undefined : snapshots.nameIn(logged.decision.snapshot, id);
  const version = await snapshots.for(logged);
  if (!version.ok) return replayed(signal, { decided: null, note: version.why, nameOf });

  const circumstances = logged === null ? present : circumstancesOf(logged, present);
  const [result] = processSignals([signal.entry], {
    ...circumstances,
    snapshot: version.snapshot,
    invocation: "live",
  });
  if (result?.status !== "done") throw new Error(`entry ${signal.entry.id} was not decided`);
  const record = decisionRecordIn(result.effects);
  if (record === undefined) throw new Error(`the decision on entry ${signal.entry.id} has no record`);
  const holder = holderAsLogged(signal, record, holders, replayRun);
  const made = decisionOf(
    (holder === undefined ? undefined : duplicateRecord(result.effects, holder)) ?? record,
  );
  noteDispatch(signal, record.uid, made, replayRun);
  return replayed(signal, {
    decided: signal.source === "log" && logged !== null ? withCleaningNotes(made, logged.decision) : made,
    ...(logged === null ? { note: NEVER_DECIDED } : {}),
    nameOf: (id) => nameOf(id) ?? version.names.get(id),
  });
}

const NEVER_DECIDED =
  "there is no decision on it in the log: it was decided as things are now, a logged snapshot being the current one";

/** The entry whose duplicate this one is if it would be dispatched; undefined when it is nobody's. */
function holderAsLogged(
  { entry, logged }: LoadedSignal,
  { status, uid }: SignalRecord,
  holders: ReadonlyMap<string, string>,
  { claims }: DryRunState,
): string | undefined {
  if (status !== "dispatched" || uid === null) return undefined;
  if (logged?.decision.status === "dispatched") return undefined;
  if (logged?.decision.status === "duplicate") return logged.decision.duplicate_of ?? "unknown";
  return claims.holderBefore(uid, entry.id, holders);
}

function noteDispatch(
  { entry }: LoadedSignal,
  uid: string | null,
  { status }: ReplayDecision,
  { claims }: DryRunState,
): void {
  if (status === "dispatched" && uid !== null) claims.claim(uid, entry.id);
}
