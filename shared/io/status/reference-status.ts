import type { Redis } from "ioredis";
import * as z from "zod";
import type { Keys } from "../../keys.ts";
import { faultsFrom, type RowFaults } from "../../reference/row-faults.ts";
import { FORMAT } from "../reference/snapshot-hashes.ts";

/** Reads which snapshot is current, and what is wrong with it or with its refresh. */
export async function readReferenceStatus(redis: Redis, keys: Keys): Promise<ReferenceStatus> {
  const [version, confirmedAt, failures] = await Promise.all([
    redis.get(keys.referenceCurrent),
    redis.get(keys.referenceConfirmedAt),
    redis.hgetall(keys.referenceFailures),
  ]);
  const meta = version === null ? {} : await readMeta(redis, keys.reference(version, "meta"));
  const format = Number(meta.format ?? 0);
  const faults = faultsFrom(meta.faults);
  const sources = enabledIn(meta.sources);
  const { count = "0", error = "", damaged, damage = "" } = failures;
  return {
    version,
    confirmedAt: confirmedAt === null ? null : Number(confirmedAt),
    ...(faults.count > 0 ? { faults } : {}),
    ...(Number(count) > 0 ? { failures: { count: Number(count), error } } : {}),
    ...(version !== null && damaged === version ? { damage } : {}),
    ...(format > FORMAT ? { newerFormat: { format, known: FORMAT } } : {}),
    ...(sources.length > 0 ? { sources } : {}),
  };
}

export interface ReferenceStatus {
  /** Null when there is no snapshot. */
  readonly version: string | null;
  /** Last time it was found to be that of Postgres, milliseconds since 1970; null when it never was. */
  readonly confirmedAt: number | null;
  /** What cannot be used in its rows; absent when everything can. */
  readonly faults?: RowFaults;
  /** Refreshes in a row that could not read Postgres, and why; absent after one that could. */
  readonly failures?: { readonly count: number; readonly error: string };
  /** Why the snapshot cannot be used, as a clause after its name. */
  readonly damage?: string;
  /** Present when a newer version of the router has published it. */
  readonly newerFormat?: { readonly format: number; readonly known: number };
  /** Names of its enabled webhook sources; absent when it has none. */
  readonly sources?: readonly string[];
}

/** The names of the enabled webhook sources in a snapshot's meta; what is no list of them, loading the snapshot reports. */
function enabledIn(json: string | undefined): readonly string[] {
  try {
    const { success, data } = namedSources.safeParse(JSON.parse(json ?? "[]"));
    return success ? data.flatMap(([name, { enabled }]) => (enabled ? [name] : [])) : [];
  } catch (error) {
    if (error instanceof SyntaxError) return [];
    throw error;
  }
}

const namedSources = z.array(z.tuple([z.string(), z.object({ enabled: z.boolean() })]));

/** The fields of a snapshot's meta; none when the key is of another type, which loading the snapshot reports. */
async function readMeta(
  redis: Redis,
  key: string,
): Promise<{ readonly format?: string; readonly faults?: string; readonly sources?: string }> {
  const replies = await redis.pipeline().hget(key, "format").hget(key, "faults").hget(key, "sources").exec();
  const [format, faults, sources] = (replies ?? []).map(([, reply]) => reply);
  return {
    ...(typeof format === "string" ? { format } : {}),
    ...(typeof faults === "string" ? { faults } : {}),
    ...(typeof sources === "string" ? { sources } : {}),
  };
}
