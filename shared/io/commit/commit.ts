import type { Redis } from "ioredis";
import type {
  Commit,
  CommitItem,
  CommitOptions,
  CommitPart,
  CommitSettings,
  CommitTurn,
} from "../../commit.ts";
import type { Keys } from "../../keys.ts";
import { defineScript } from "../redis/connection.ts";
import { commitCalls, type CommitCallOptions } from "./calls.ts";
import { readReply } from "./replies.ts";
import { COMMIT_SCRIPT, COMMIT_SCRIPT_WHEN_FULL } from "./script.ts";

/**
 * The commit on this connection: `calls` cuts the items into calls, `message-builder` packs the effects of a call into one
 * argument, `script` performs them in Redis, and `replies` reads what it answers.
 */
export function commitOn(redis: Redis, keys: Keys, settings: CommitSettings): Commit {
  const scripts = {
    refuse: defineScript(redis, "commitEntries", COMMIT_SCRIPT),
    commit: defineScript(redis, "commitEntriesWhenFull", COMMIT_SCRIPT_WHEN_FULL),
  };

  async function runRound<Item extends CommitItem>(
    items: readonly Item[],
    options: CommitCallOptions,
    turnOf?: CommitOptions["turn"],
  ): Promise<Round<Item>> {
    const calls = commitCalls(items, keys, settings, options);
    const script = scripts[options.whenFull ?? "refuse"];
    const { holding } = options;
    const token = holding?.token ?? "";
    const leases = holding === undefined ? NO_LEASE : [keys.groupLease(holding.group)];
    const turn = await turnOf?.(calls.length);
    const sent = calls.map(async (call, i) => {
      const { keyNames, label, follows } = turn === undefined ? IN_NO_SEQUENCE : slotOf(turn, i);
      const args = [...call.settings, label, follows, token, call.message, ...call.separateArgs];
      return readReply(call.items, await script([...call.keyNames, ...keyNames, ...leases], args));
    });
    turn?.onSent();
    const settled = await Promise.allSettled(sent);
    const answered = settled.flatMap((call) => (call.status === "fulfilled" ? [call.value] : []));
    const failed = settled.find((call) => call.status === "rejected");
    // The calls after one that failed are early, which does not tell why it failed.
    const isAnswered = answered.some(({ part }) => part.answer.status !== "early");
    if (failed !== undefined && !isAnswered) throw failed.reason;
    return { parts: answered.map(({ part }) => part), lost: answered.flatMap(({ lost }) => lost) };
  }

  // Few signals are duplicates, and making the record of one for each signal took the router 7 µs. So the branch for a lost
  // claim is sent in a second round: after commits sent meanwhile, and even if the claim has become free by then.
  return async <Item extends CommitItem>(items: readonly Item[], options: CommitOptions) => {
    const { parts, lost } = await runRound(items, { ...options, branches: "won" }, options.turn);
    if (lost.length === 0) return parts;
    const done = parts.filter((part) => part.items.length > 0);
    const second = runRound(lost, { ...options, branches: "both" });
    // If it fails, the results of the first round are still reported; the caller commits the other items again.
    const { parts: others } = await (done.length > 0 ? second.catch(() => NOTHING) : second);
    return [...done, ...others];
  };
}

interface Round<Item extends CommitItem> {
  readonly parts: readonly CommitPart<Item>[];
  /** Items nothing was done for, since another entry holds their uid. */
  readonly lost: readonly Item[];
}

const NOTHING = { parts: [], lost: [] };
const NO_LEASE: readonly string[] = [];

/** The key and the arguments that place a call in a sequence. */
interface SequenceSlot {
  readonly keyNames: readonly string[];
  readonly label: string;
  readonly follows: string;
}

const IN_NO_SEQUENCE: SequenceSlot = { keyNames: [], label: "", follows: "" };

function slotOf({ key, labels, follows }: CommitTurn, i: number): SequenceSlot {
  return { keyNames: [key], label: labels[i] ?? "", follows: labels[i - 1] ?? follows };
}
