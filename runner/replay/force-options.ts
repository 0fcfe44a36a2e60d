import { randomUUID } from "node:crypto";
import { findKnownStrategy } from "../../shared/find-strategy.ts";
import type { InvocationMark } from "../../shared/io/streams/invocation-marks.ts";
import { printable } from "../../shared/text.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { knownInvocation, refuseOther } from "../on-demand/claim-invocation.ts";
import { ReplayRefused, type ReplayDeps, type ReplayRequest, type ReplaySelection } from "./request.ts";
import { selectionHash, type SelectedSignals } from "./select-signals.ts";

/** What a forced replay is asked for beside its signals: chosen strategies, and an id of the caller's. */
export interface ForceOptions {
  readonly invocation: string;
  /** Ids, ascending; null: all strategies. */
  readonly strategies: readonly number[] | null;
  readonly nameOf: (strategyId: number) => string | undefined;
  /** Set when the caller's run has begun, and this call continues it. */
  readonly begun: InvocationMark | undefined;
}

/** @throws ReplayRefused for unknown strategies, InvocationRefused, and DatabaseError or UnavailableError */
export async function forceOptions(
  { strategies: typed, invocation }: Pick<ReplayRequest, "strategies" | "invocation">,
  deps: ReplayDeps,
): Promise<ForceOptions> {
  const context = await deps.routing.latest();
  if ("status" in context) throw UnavailableError.from(context);
  const known = context.snapshot.strategies;
  return {
    invocation: invocation ?? randomUUID(),
    strategies: typed === null ? null : chosenIds(typed, known),
    nameOf: (id) => known.get(id)?.name,
    begun: invocation === null ? undefined : await knownInvocation(invocation, deps),
  };
}

/** The selection, with the range that it had when the run began: later signals are no part of it. */
export function continued(selection: ReplaySelection, begun: InvocationMark | undefined): ReplaySelection {
  const range = begun?.openRange ?? undefined;
  if (selection.kind === "since") return { ...selection, range: selection.range ?? range };
  if (selection.kind !== "range" || selection.to !== undefined) return selection;
  return { ...selection, to: range?.to };
}

/** What the run is to be compared with when it is asked for again. @throws InvocationRefused when it is another run already */
export function markOf(
  { invocation, strategies, begun, nameOf }: ForceOptions,
  selected: SelectedSignals,
): InvocationMark {
  const mark: InvocationMark = {
    kind: "replay",
    mode: "force",
    selection: selectionHash(selected),
    openRange: selected.range === undefined ? null : { ...selected.range },
    strategies: strategies === null ? null : [...strategies],
  };
  if (begun !== undefined) refuseOther(invocation, begun, mark, { nameOf });
  return mark;
}

function chosenIds(
  typed: readonly string[],
  known: ReadonlyMap<number, { readonly name: string }>,
): readonly number[] {
  const ids = new Set<number>();
  const faults: string[] = [];
  for (const one of typed) {
    const found = findKnownStrategy(one, known);
    if (found.ok) ids.add(found.id);
    else faults.push(printable(found.fault));
  }
  if (faults.length === 0) return [...ids].toSorted((a, b) => a - b);
  throw new ReplayRefused({
    kind: "invalid",
    code: "unknown_strategy",
    detail: faults.join("; "),
    hint: "expected ids or names of strategies of the current reference; GET /reference lists them",
  });
}
