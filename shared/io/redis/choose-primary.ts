import type { RedisAddress } from "../../config/redis-url.ts";
import { addressText } from "../../config/redis-url.ts";

/** Decides by what several servers answered which of them is the primary that owns the router's keys. */

/** What a server said about itself and about the router's keys. */
export interface ServerAnswer {
  readonly address: RedisAddress;
  /** Its process; undefined where INFO is not permitted. */
  readonly runId: string | undefined;
  /** From HELLO, or by what it answered instead of it; undefined where neither says it. */
  readonly mode: string | undefined;
  readonly role: string | undefined;
  /** On a Cluster: the address of the node that owns the slot, by this server. */
  readonly owner?: RedisAddress;
  /** The error reply about the router's key, such as LOADING. */
  readonly refused?: Error;
}

/** Whether it says itself that it is the primary, and of the router's keys. */
export function isOwner({ role, owner, refused }: ServerAnswer): boolean {
  return (role === undefined || role === "master") && owner === undefined && refused === undefined;
}

/** `open`: not decided before the others have answered. `two`: of servers that are no Cluster, two say so. */
export type Choice =
  | { readonly status: "chosen"; readonly server: ServerAnswer }
  | { readonly status: "open" }
  | { readonly status: "none" }
  | { readonly status: "two"; readonly servers: readonly [ServerAnswer, ServerAnswer] };

/**
 * On a Cluster the node that most others name: an isolated one goes on naming itself. Otherwise the one that was the primary
 * before, as long as it says so.
 */
export function choosePrimary(
  answers: readonly ServerAnswer[],
  { known, waitingCount }: { readonly known: RedisAddress | undefined; readonly waitingCount: number },
): Choice {
  const owners = answers.filter(isOwner);
  if (answers.some(({ mode }) => mode === "cluster"))
    return byVotes(owners, answers, { known, waitingCount });
  const before = owners.find(({ address }) => isSame(address, known));
  if (before !== undefined) return { status: "chosen", server: before };
  if (waitingCount > 0) return { status: "open" };
  const [first, ...others] = owners;
  if (first === undefined) return { status: "none" };
  // Two addresses of one server are one server.
  const second = others.find(({ runId }) => runId !== undefined && runId !== first.runId);
  return second === undefined || first.runId === undefined
    ? { status: "chosen", server: first }
    : { status: "two", servers: [first, second] };
}

function byVotes(
  owners: readonly ServerAnswer[],
  answers: readonly ServerAnswer[],
  { known, waitingCount }: { readonly known: RedisAddress | undefined; readonly waitingCount: number },
): Choice {
  const votes = new Map<string, number>();
  for (const { address, owner = address } of answers)
    votes.set(addressText(owner), (votes.get(addressText(owner)) ?? 0) + 1);
  const votesOf = ({ address }: ServerAnswer): number => votes.get(addressText(address)) ?? 0;
  // Of as many votes, the newer one: what was known is the older.
  const [best] = owners.toSorted(
    (one, other) =>
      votesOf(other) - votesOf(one) ||
      Number(isSame(one.address, known)) - Number(isSame(other.address, known)),
  );
  if (best !== undefined && 2 * votesOf(best) > answers.length + waitingCount)
    return { status: "chosen", server: best };
  if (waitingCount > 0) return { status: "open" };
  return best === undefined ? { status: "none" } : { status: "chosen", server: best };
}

export function isSame(one: RedisAddress, other: RedisAddress | undefined): boolean {
  return other !== undefined && addressText(one) === addressText(other);
}
