import type { Redis } from "ioredis";
import { entryTime, type Entry } from "../../entry.ts";
import { sharedFields, type Branch } from "../../function.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { LOST_SCRIPT, TRACES_SCRIPT } from "./lost-entries-script.ts";
import { namingMissingGroup, stillPending, type GroupOptions } from "./pending-entries.ts";

/**
 * Finds entries that a group dropped before they were finished: `XGROUP DELCONSUMER` and an XACK of another program take them out
 * of the pending list, and no consumer gets them again.
 */
export interface LostEntries {
  /**
   * An entry is lost when it is not pending, does not wait to be delivered, and there is neither a record nor a dead letter about it.
   * The effects of those that are lost happen in the step that finds this out. May be called again after a failure.
   */
  settleLost(suspects: readonly Suspect[]): Promise<void>;
}

/** An entry that may be lost, and what happens if it is. */
export interface Suspect {
  readonly entry: Entry;
  readonly effects: (evidence: LostEvidence) => Branch;
}

/** What is known about an entry that seems to be lost. */
export interface LostEvidence {
  /** False when records from its time on have been deleted or trimmed, so that one about it may have been among them. */
  readonly allRecordsKept: boolean;
}

/** Records that one script reads: about a millisecond. */
const PAGE_COUNT = 500;
const BEGINNING = "0-0";

export function lostEntriesOn(
  redis: Redis,
  keys: Keys,
  { stream, group: name }: Pick<GroupOptions, "stream" | "group">,
): LostEntries {
  const group = keys.group(name);
  const findTraces = defineScript(redis, "findTraces", TRACES_SCRIPT);
  const settleEntry = defineScript(redis, "settleLostEntry", LOST_SCRIPT);
  const [key, records, letters] = [
    keys.stream(stream),
    keys.stream("signal_results"),
    keys.stream("dead_letters"),
  ];

  /** Reads a stream from `after` to its end and takes the suspects with a trace in it out of `open`; gives the last id read. */
  async function search(searched: string, after: string, open: Map<string, Suspect>): Promise<string> {
    for (let last = after; ;) {
      const traces = [...open.keys()];
      if (traces.length === 0) return last;
      const reply = await findTraces([searched], [last, PAGE_COUNT, ...traces]);
      const [lastId, count, found] = reply as [string, number, string[]];
      for (const trace of found) open.delete(trace);
      last = lastId;
      if (count < PAGE_COUNT) return last;
    }
  }

  /** Settles one that no trace was found of; `again` when more was added meanwhile than one script should read. */
  async function settle(
    suspect: Suspect,
    after: { record: string; letter: string; from: string },
  ): Promise<"again" | "done"> {
    const { entry } = suspect;
    const branch = suspect.effects({ allRecordsKept: await keepsAll(redis, records, after.from) });
    const { keyNames, json } = packed(branch, keys);
    const { record, letter } = tracesOf(entry, stream);
    const args = [group, entry.id, PAGE_COUNT, after.record, record, after.letter, letter, json];
    const answer = await namingMissingGroup(
      settleEntry([key, records, letters, keys.metrics, ...keyNames], args),
    );
    return answer === "again" ? "again" : "done";
  }

  return {
    async settleLost(suspects) {
      const pending = new Set(
        await stillPending(
          redis,
          { key, group },
          suspects.map(({ entry }) => entry.id),
        ),
      );
      let open = suspects.filter(({ entry }) => !pending.has(entry.id));
      if (open.length === 0) return;
      const from = await searchStart(redis, open);
      let [record, letter] = [from, from];
      while (open.length > 0) {
        const byRecord = new Map(open.map((suspect) => [tracesOf(suspect.entry, stream).record, suspect]));
        record = await search(records, record, byRecord);
        const left = [...byRecord.values()];
        const byLetter = new Map(left.map((suspect) => [tracesOf(suspect.entry, stream).letter, suspect]));
        letter = await search(letters, letter, byLetter);
        const again: Suspect[] = [];
        for (const suspect of byLetter.values()) {
          if ((await settle(suspect, { record, letter, from })) === "again") again.push(suspect);
        }
        open = again;
      }
    },
  };
}

/** An id before the first record there can be about these entries; an explicit id may lie in the future, but its record does not. */
async function searchStart(redis: Redis, suspects: readonly Suspect[]): Promise<string> {
  const [seconds] = await redis.time();
  const times = suspects.map(({ entry }) => entryTime(entry.id));
  const earliest = Math.min(...times);
  return Math.max(...times) > (Number(seconds) + 1) * 1_000 || earliest === 0
    ? BEGINNING
    : `${earliest - 1}-0`;
}

/** What a record, and what a dead letter about the entry says, as the scripts put it together. */
function tracesOf({ id, fields }: Entry, stream: string): { record: string; letter: string } {
  const letter = `letter ${stream} ${id}`;
  if (stream === "signals_stream") return { record: `signal ${id} live`, letter };
  const { entry_id = "", invocation = "live", strategy_id = "" } = fields;
  return { record: `outcome ${entry_id} ${invocation} ${strategy_id}`, letter };
}

/** The branch with a key index in place of each stream, as JSON for the script. */
function packed(branch: Branch, keys: Keys): { keyNames: string[]; json: string } {
  const streams = [...new Set(branch.append.map((append) => append.stream))];
  const appends = branch.append.flatMap((append) => {
    const shared = Object.entries(sharedFields(append)).flat();
    const elements = append.each ?? [{}];
    const index = streams.indexOf(append.stream);
    return elements.map((element) => [index, ...Object.entries(element).flat(), ...shared]);
  });
  const counts = [
    ...branch.count.map((name): [string, number] => [name, 1]),
    ...Object.entries(branch.sum ?? {}),
  ];
  return { keyNames: streams.map((name) => keys.stream(name)), json: JSON.stringify({ appends, counts }) };
}

/** Whether nothing from this id on has been taken out of the stream. */
async function keepsAll(redis: Redis, key: string, from: string): Promise<boolean> {
  if ((await redis.exists(key)) === 0) return false;
  const info = (await redis.xinfo("STREAM", key)) as unknown[];
  const deleted = info[info.indexOf("max-deleted-entry-id") + 1];
  return typeof deleted === "string" && entryTime(deleted) < entryTime(from);
}
