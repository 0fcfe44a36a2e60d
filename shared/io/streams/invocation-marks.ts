import type { Redis } from "ioredis";
import * as z from "zod";
import type { Keys } from "../../keys.ts";
import { INVOCATION_KINDS } from "../../records.ts";

const markSchema = z.object({
  kind: z.enum(INVOCATION_KINDS),
  mode: z.string().nullable(),
  /** A hash of the signals it is about; null: it may be called for others, too. */
  selection: z.string().nullable(),
  /** The range that it is for, for calls that say only from when, or for how long. */
  openRange: z.object({ from: z.string(), to: z.string() }).nullable(),
  /** Ids of the only strategies that may act, ascending; null: all. */
  strategies: z.array(z.int()).nullable(),
});

/** What a run on demand was begun as, to compare a repeated call with. It ends before any fence of the run does. */
export type InvocationMark = Readonly<z.infer<typeof markSchema>>;

export interface InvocationMarks {
  /** Undefined: none was begun under this id, or so long ago that its fences end. */
  read(id: string): Promise<InvocationMark | undefined>;
  /** Sets the mark unless there is one; answers the one that was there before. Of calls at the same time, one sets it. */
  claim(id: string, mark: InvocationMark): Promise<InvocationMark | undefined>;
}

/** Longer than a batch takes that is decided while the mark is there. */
const SPARE_MS = 60_000;

export function invocationMarksOn(
  redis: Redis,
  keys: Keys,
  { dedupTtlMs }: { readonly dedupTtlMs: number },
): InvocationMarks {
  const lifeMs = Math.ceil(dedupTtlMs - Math.min(SPARE_MS, dedupTtlMs / 2));
  return {
    read: async (id) => markIn(await redis.get(keys.invocation(id))),
    claim: async (id, mark) =>
      markIn(await redis.set(keys.invocation(id), JSON.stringify(mark), "PX", lifeMs, "NX", "GET")),
  };
}

function markIn(json: string | null): InvocationMark | undefined {
  return json === null ? undefined : markSchema.parse(JSON.parse(json));
}
