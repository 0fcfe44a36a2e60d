import { processSignals } from "../../functions/process-signals.ts";
import { isHeldBy, uidsOf, type Claim } from "../../shared/claim.ts";
import { SimulatedClaims } from "../../shared/decide/simulated-claims.ts";
import type { Result } from "../../shared/function.ts";
import { committedAmong } from "../../shared/io/streams/once-fences.ts";
import { holdersOf } from "../../shared/io/streams/uid-holders.ts";
import { decisionRecordIn, duplicateRecord } from "../../shared/published-record.ts";
import { decisionOf } from "../../shared/replay/replay-decision.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { inDeadLetter, NOTES, type CommittingRunOptions } from "./committing-run.ts";
import { loadSignals, loggedUidsOf, type LoadedSignal } from "./load-signals.ts";
import type { ReplayRun } from "./replay-run.ts";
import { tasksIn } from "./replay-tasks.ts";
import { replayed, type Finding } from "./replayed-signal.ts";
import type { ReplayDeps } from "./request.ts";

/**
 * What a writing replay would commit now, batch by batch: it decides as that does, with the reference, pauses, time and duplicates
 * of now, and changes no key and no row.
 */
export function dryCommit(options: CommittingRunOptions, deps: ReplayDeps): ReplayRun {
  const { force, fence, deadLetters } = options;
  const { redis, keys, clock, routing, config } = deps;
  const claims = new SimulatedClaims();

  async function decided(signals: readonly LoadedSignal[]): Promise<readonly Result[]> {
    const context = await routing.latest();
    if ("status" in context) throw UnavailableError.from(context);
    const { snapshot, control } = context;
    const now = clock.now();
    const { signalAgeMsMax, shadow } = config;
    const loggedUids = loggedUidsOf(signals);
    const base = { snapshot, control, now, signalAgeMsMax, shadow, loggedUids };
    const entries = signals.map(({ entry }) => entry);
    if (force === undefined) return processSignals(entries, { ...base, invocation: "live" });
    const { invocation, chosen } = force;
    const forced = { ...base, invocation, forcedAt: now };
    return processSignals(entries, chosen === undefined ? forced : { ...forced, chosen });
  }

  return {
    writes: false,
    invocation: () => force?.invocation ?? null,
    async batch(ids) {
      const found = await loadSignals(ids, deps);
      const open = found.filter(({ entry }) => !deadLetters.has(entry.id));
      const results = new Map((await decided(open)).map((result) => [result.id, result]));
      const uids = [...results.values()].flatMap((result) => {
        const claim = claimOf(result);
        return claim === undefined ? [] : uidsOf(claim);
      });
      const [committed, holders] = await Promise.all([
        committedAmong(redis, keys, fence, [...results.keys()]),
        holdersOf(redis, keys, uids),
      ]);
      const signals = found.map((signal) => {
        const { id } = signal.entry;
        const letter = deadLetters.get(id);
        if (letter !== undefined) return replayed(signal, inDeadLetter(letter));
        if (committed.has(id)) return replayed(signal, { ...NOTHING, outcome: "fenced", note: NOTES.fenced });
        return replayed(signal, findingOf(results.get(id), { holders, claims }));
      });
      return { signals };
    },
    finish: async () => undefined,
  };
}

const NOTHING = { decided: null, tasks: [] } as const;

function claimOf(result: Result | undefined): Claim | undefined {
  return result?.status === "done" ? result.effects.claim : undefined;
}

interface Claimed {
  readonly holders: ReadonlyMap<string, string>;
  readonly claims: SimulatedClaims;
}

/** As the commit would answer. */
function findingOf(result: Result | undefined, { holders, claims }: Claimed): Finding {
  if (result?.status !== "done") throw new Error(`entry ${result?.id ?? ""} was not decided`);
  const { id, effects } = result;
  const claim = claimOf(result);
  if (claim !== undefined && isHeldBy(id, claim, holders))
    return { ...NOTHING, outcome: "held", note: NOTES.held };
  const holder = claim && claims.holderBefore(claim, id, holders);
  const record = holder === undefined ? decisionRecordIn(effects) : duplicateRecord(effects, holder);
  if (record === undefined) throw new Error(`the decision on entry ${id} has no record`);
  const decided = { decided: decisionOf(record), decidedAs: record };
  if (holder !== undefined) return { ...decided, outcome: "duplicate", tasks: [] };
  if (claim !== undefined) claims.claim(claim, id);
  return { ...decided, outcome: "applied", tasks: tasksIn(effects) };
}
