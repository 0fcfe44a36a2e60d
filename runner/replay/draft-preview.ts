import { uidsOf, type Claim } from "../../shared/claim.ts";
import { controlOf } from "../../shared/decide/control.ts";
import type { Decision } from "../../shared/decide/decision.ts";
import { claimOf, resolveSignal } from "../../shared/decide/resolve-symbol.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import { readTime } from "../../shared/io/redis/clock.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import type { BuiltReference } from "../../shared/reference/build-reference.ts";
import { snapshotOf, type Snapshot } from "../../shared/reference/snapshot.ts";
import { asDuplicate, previewDecision } from "../../shared/replay/preview-decision.ts";
import { PreviewTotals, tradedDifference, type StrategyTotals } from "../../shared/replay/preview-totals.ts";
import { circumstancesOf, type Circumstances } from "../../shared/replay/replay-decision.ts";
import {
  isUnchanged,
  type ComparedDecision,
  type ReplayDifference,
} from "../../shared/replay/replay-difference.ts";
import { parseSignal, type ParsedSignal } from "../../shared/signal/signal.ts";
import { restAfterSlice } from "./considerate-pace.ts";
import { holderAsLogged } from "./holder-as-logged.ts";
import { batchesOf, loadSignals, loggedUidOf, type LoadedSignal } from "./load-signals.ts";
import { newestSignals } from "./newest-signals.ts";
import { BATCH_COUNT, type ReplayDeps } from "./request.ts";
import { factsIn, rangeUpTo } from "./select-signals.ts";

/** Most signals that are decided; the newest are. */
export const PREVIEW_SIGNALS_MAX = 20_000;
/** Most signals that are answered one by one; the newest are. */
const SHOWN_MAX = 200;

/**
 * Decides the signals of the last hours twice, by the reference as it is and by a draft of it, so that only the edit shows. Pauses,
 * time and duplicates are as they were logged; what has no decision yet is decided as of now. Writes nothing.
 */
export async function previewDraft(
  { is, draft, sinceMs }: DraftPreviewOf,
  deps: ReplayDeps,
  { goesOn, signalsMax = PREVIEW_SIGNALS_MAX }: PreviewOptions,
): Promise<DraftPreview> {
  const { redis, keys, clock, config } = deps;
  const to = await readTime(redis);
  const { ids, isCut } = await newestSignals(rangeUpTo(to, sinceMs), signalsMax, deps);
  const control = controlOf(await redis.hgetall(keys.control));
  const present = { now: clock.now(), control, signalAgeMsMax: config.signalAgeMsMax };
  const sides = [sideOf(is), sideOf(draft)] as const;
  const totals = new PreviewTotals();
  const shown: PreviewedSignal[] = [];
  let decided = 0;
  for (const batch of batchesOf(ids, BATCH_COUNT)) {
    goesOn();
    const found = await loadSignals(batch, deps);
    const decisions = found.map((signal) => {
      const { logged, entry } = signal;
      const circumstances = logged === null ? present : circumstancesOf(logged, present);
      const parsed = parseSignal(entry, circumstances.now);
      return { signal, drafts: sides.map((side) => decidedOn(side, { signal, parsed, circumstances })) };
    });
    const undecided = decisions.flatMap(({ signal, drafts }) => (signal.logged === null ? drafts : []));
    const uids = undecided.flatMap(({ claim }) => (claim === undefined ? [] : uidsOf(claim)));
    const holders = await holdersOf(redis, keys, uids);
    decided += found.length;
    for (const { signal, drafts } of decisions) {
      const { entry } = signal;
      const [before, after] = drafts.map((draftOf) => afterClaims(draftOf, signal, holders));
      if (before === undefined || after === undefined) throw new Error("a preview has two sides");
      const difference = tradedDifference(before, after);
      totals.add(before, after, difference);
      if (!isUnchanged(difference)) shown.push({ entry_id: entry.id, ...factsIn(entry), difference });
    }
    if (shown.length > SHOWN_MAX) shown.splice(0, shown.length - SHOWN_MAX);
    await restAfterSlice();
  }
  return {
    from: Math.max(0, to - sinceMs),
    to,
    decided,
    isCut,
    versions: { is: is.version, draft: draft.version },
    differing: totals.differing,
    strategies: totals.strategies(),
    signals: shown.toReversed(),
  };
}

export interface DraftPreviewOf {
  readonly is: BuiltReference;
  readonly draft: BuiltReference;
  /** How far back, in ms. */
  readonly sinceMs: number;
}

export interface PreviewOptions {
  /** Called before each slice; ends the preview when it throws. */
  readonly goesOn: () => void;
  /** Default {@link PREVIEW_SIGNALS_MAX}. */
  readonly signalsMax?: number;
}

export interface DraftPreview {
  /** The hours that were looked at, milliseconds since 1970. */
  readonly from: number;
  readonly to: number;
  /** Signals that were decided. */
  readonly decided: number;
  /** These hours have older signals, which were left out. */
  readonly isCut: boolean;
  readonly versions: { readonly is: string; readonly draft: string };
  /** Signals whose decision is another one. */
  readonly differing: number;
  readonly strategies: readonly StrategyTotals[];
  /** Of the differing ones the newest, newest first. */
  readonly signals: readonly PreviewedSignal[];
}

export interface PreviewedSignal extends ReturnType<typeof factsIn> {
  readonly entry_id: string;
  /** `was`: by the reference as it is, `now`: by the draft. */
  readonly difference: ReplayDifference;
}

/** One of the two references, with the uids that its decisions would claim. */
interface Side {
  readonly snapshot: Snapshot;
  readonly claims: SimulatedClaims;
}

function sideOf({ version, content }: BuiltReference): Side {
  return { snapshot: snapshotOf(version, content), claims: new SimulatedClaims() };
}

interface ToDecide {
  readonly signal: LoadedSignal;
  readonly parsed: ParsedSignal;
  readonly circumstances: Circumstances;
}

/** A decision before its duplicates are looked at. */
interface DraftDecision {
  readonly decision: Decision;
  /** Absent where it claims nothing. */
  readonly claim: Claim | undefined;
  readonly claims: SimulatedClaims;
}

function decidedOn({ snapshot, claims }: Side, { signal, parsed, circumstances }: ToDecide): DraftDecision {
  if (parsed.status === "rejected")
    return { decision: previewDecision(parsed, snapshot, circumstances), claim: undefined, claims };
  const resolved = resolveSignal(parsed.signal, snapshot, loggedUidOf(signal));
  const decision = previewDecision({ status: "valid", signal: resolved }, snapshot, circumstances);
  const claim = decision.status === "dispatched" ? claimOf(resolved, decision) : undefined;
  return { decision, claim, claims };
}

function afterClaims(
  { decision, claim, claims }: DraftDecision,
  signal: LoadedSignal,
  holders: ReadonlyMap<string, string>,
): ComparedDecision {
  if (claim === undefined) return decision;
  if (holderAsLogged(signal, claim, { holders, claims }) !== undefined) return asDuplicate(decision);
  claims.claim(claim, signal.entry.id);
  return decision;
}
