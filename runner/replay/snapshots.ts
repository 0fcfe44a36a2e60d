import { messageOf } from "../../shared/error-message.ts";
import { loadReferenceVersion, ReferenceRowError } from "../../shared/io/reference/reference-source.ts";
import type { ReferenceContent } from "../../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../../shared/reference/snapshot.ts";
import type { LoggedSignal } from "../../shared/replay/replay-decision.ts";
import { storable } from "../../shared/text.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { ReplayRefused, type ReplayDeps } from "./request.ts";

/** A version that can be decided on, and the names of all its strategies. */
export interface LoadedVersion {
  readonly ok: true;
  readonly snapshot: Snapshot;
  readonly names: ReadonlyMap<number, string>;
}

/** A version that cannot be had, and why. */
export interface NoVersion {
  readonly ok: false;
  readonly why: string;
}

/** The snapshots a dry run decides on. */
export interface ReplaySnapshots {
  for(logged: LoggedSignal | null): Promise<LoadedVersion | NoVersion>;
  /** A strategy's name in a version, if that is at hand. */
  nameIn(version: string, strategyId: number): string | undefined;
}

/** Versions at hand at once; signals in stream order rarely go back to an older one. */
const AT_HAND_MAX = 8;

type SnapshotDeps = Pick<ReplayDeps, "referenceStore" | "database">;

/**
 * The snapshots asked for: `current`, `logged` or a version. What is current is looked at once, so that the whole replay is
 * decided on the same. @throws ReplayRefused for a version that is not there, NotNow when none is current
 */
export async function openSnapshots(asked: string, deps: SnapshotDeps): Promise<ReplaySnapshots> {
  const stored = await deps.referenceStore.load();
  const current =
    stored === undefined
      ? ({ ok: false, why: "there is no usable reference snapshot in Redis" } as const)
      : loadedVersion(stored.version, stored.content);
  const atHand = new Map<string, LoadedVersion | NoVersion>();
  if (stored !== undefined) atHand.set(stored.version, current);

  async function version(name: string): Promise<LoadedVersion | NoVersion> {
    const known = atHand.get(name) ?? (await loadVersion(name, deps));
    // Last in, so that the one not asked for longest goes first.
    atHand.delete(name);
    atHand.set(name, known);
    const [oldest] = atHand.keys();
    if (atHand.size > AT_HAND_MAX && oldest !== undefined) atHand.delete(oldest);
    return known;
  }

  const nameIn: ReplaySnapshots["nameIn"] = (name, strategyId) => {
    const known = atHand.get(name);
    return known?.ok === true ? known.names.get(strategyId) : undefined;
  };
  if (asked === "current") {
    if (!current.ok) throw new UnavailableError(current.why);
    return { for: async () => current, nameIn };
  }
  if (asked === "logged") {
    return { for: async (logged) => (logged === null ? current : version(logged.decision.snapshot)), nameIn };
  }
  const chosen = await version(asked);
  if (!chosen.ok) throw unknownSnapshot(chosen.why);
  return { for: async () => chosen, nameIn };
}

async function loadVersion(version: string, { database }: SnapshotDeps): Promise<LoadedVersion | NoVersion> {
  try {
    const content = await loadReferenceVersion(database, storable(version));
    if (content !== undefined) return loadedVersion(version, content);
    return { ok: false, why: `reference_snapshots has no version ${storable(version)}` };
  } catch (error) {
    if (error instanceof ReferenceRowError) return { ok: false, why: messageOf(error) };
    throw error;
  }
}

function loadedVersion(version: string, content: ReferenceContent): LoadedVersion {
  const names = new Map([...content.strategies].map(([id, strategy]) => [id, strategy.name]));
  return { ok: true, snapshot: snapshotOf(version, content), names };
}

function unknownSnapshot(detail: string): ReplayRefused {
  return new ReplayRefused({
    kind: "invalid",
    code: "unknown_snapshot",
    detail,
    hint: "give `current`, `logged` or a version as decisions name it",
  });
}
