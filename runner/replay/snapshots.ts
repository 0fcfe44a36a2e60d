import { messageOf } from "../../shared/error-message.ts";
import { loadReferenceVersion, ReferenceRowError } from "../../shared/io/reference/reference-source.ts";
import type { ReferenceContent } from "../../shared/reference/reference.ts";
import { snapshotOf, type Snapshot } from "../../shared/reference/snapshot.ts";
import type { LoggedSignal } from "../../shared/replay/replay-decision.ts";
import { storable } from "../../shared/text.ts";
import { UnavailableError } from "../engine/retry-until-stopped.ts";
import { ReplayRefused, type ReplayDeps } from "./request.ts";

/**
 * Opens the requested snapshots: `current`, `logged` or a version. The current one is loaded once for the whole replay.
 * @throws ReplayRefused for an unknown version, UnavailableError when there is no current one
 */
export async function openSnapshots(requested: string, deps: SnapshotDeps): Promise<ReplaySnapshots> {
  const stored = await deps.referenceStore.load();
  const current: ReplayVersion =
    stored === undefined
      ? { ok: false, why: "there is no usable reference snapshot in Redis" }
      : loadedVersion(stored.version, stored.content);
  const versions = new Map<string, ReplayVersion>();
  if (stored !== undefined) versions.set(stored.version, current);

  async function version(name: string): Promise<ReplayVersion> {
    const known = versions.get(name) ?? (await loadVersion(name, deps));
    // Moved to the end, so that the first one is the least recently used.
    versions.delete(name);
    versions.set(name, known);
    const [leastRecent] = versions.keys();
    if (versions.size > LOADED_MAX && leastRecent !== undefined) versions.delete(leastRecent);
    return known;
  }

  const nameIn: ReplaySnapshots["nameIn"] = (name, strategyId) => {
    const known = versions.get(name);
    return known?.ok === true ? known.names.get(strategyId) : undefined;
  };
  if (requested === "current") {
    if (!current.ok) throw new UnavailableError(current.why);
    return { for: async () => current, nameIn };
  }
  if (requested === "logged") {
    return { for: async (logged) => (logged === null ? current : version(logged.decision.snapshot)), nameIn };
  }
  const selected = await version(requested);
  if (!selected.ok) throw unknownSnapshot(selected.why);
  return { for: async () => selected, nameIn };
}

/** A snapshot to decide on and the names of all its strategies, or why there is none. */
export type ReplayVersion =
  | { readonly ok: true; readonly snapshot: Snapshot; readonly names: ReadonlyMap<number, string> }
  | { readonly ok: false; readonly why: string };

/** The snapshots a dry run decides on. */
export interface ReplaySnapshots {
  for(logged: LoggedSignal | null): Promise<ReplayVersion>;
  /** A strategy's name in a version, if that version is loaded. */
  nameIn(version: string, strategyId: number): string | undefined;
}

/** Versions kept loaded; signals in stream order rarely go back to an older one. */
const LOADED_MAX = 8;

type SnapshotDeps = Pick<ReplayDeps, "referenceStore" | "database">;

async function loadVersion(version: string, { database }: SnapshotDeps): Promise<ReplayVersion> {
  try {
    const content = await loadReferenceVersion(database, storable(version));
    if (content !== undefined) return loadedVersion(version, content);
    return { ok: false, why: `reference_snapshots has no version ${storable(version)}` };
  } catch (error) {
    if (error instanceof ReferenceRowError) return { ok: false, why: messageOf(error) };
    throw error;
  }
}

function loadedVersion(version: string, content: ReferenceContent): ReplayVersion {
  const names = new Map([...content.strategies].map(([id, strategy]) => [id, strategy.name]));
  return { ok: true, snapshot: snapshotOf(version, content), names };
}

function unknownSnapshot(detail: string): ReplayRefused {
  return new ReplayRefused({
    kind: "invalid",
    code: "unknown_snapshot",
    detail,
    hint: "expected `current`, `logged`, or a version as in the field `snapshot` of a decision",
  });
}
