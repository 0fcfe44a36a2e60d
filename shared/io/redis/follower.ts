import type { RedisTarget } from "../../config/redis-url.ts";
import type { Server } from "./ask-server.ts";
import { findPrimary, type FoundPrimary } from "./primary-lookup.ts";

/** Finds the primary for all connections of this process to the same addresses, with one look-up at a time. */
export interface Follower {
  readonly target: RedisTarget;
  /** @throws NoPrimaryError, RedisMisconfiguredError, or the reason of the signal */
  find(signal: AbortSignal): Promise<FoundPrimary>;
  /** Whether the server that was found last is a node of a Cluster. */
  isCluster(): boolean;
  /** Asks again all the time while there is a connection, and leaves one that is to another server. Gives a function that ends it. */
  watch(connection: WatchedConnection): () => void;
}

export interface WatchedConnection {
  isOther(found: FoundPrimary): boolean;
  leave(error: Error): void;
}

const followers = new Map<string, Follower>();

/** @param everyMs how often the primary is asked for while there is a connection */
export function followerOf(
  target: RedisTarget,
  { key, everyMs }: { readonly key: string; readonly everyMs: number },
): Follower {
  const id = JSON.stringify([target, key, everyMs]);
  const follower = followers.get(id) ?? newFollower(target, { key, everyMs });
  followers.set(id, follower);
  return follower;
}

function newFollower(
  target: RedisTarget,
  { key, everyMs }: { readonly key: string; readonly everyMs: number },
): Follower {
  const connections = new Set<WatchedConnection>();
  let known: Server | undefined;
  let isCluster = false;
  let current: Promise<FoundPrimary> | undefined;
  let timer: NodeJS.Timeout | undefined;

  const lookUp = async (): Promise<FoundPrimary> => {
    current ??= findPrimary({ target, key, known }).finally(() => {
      current = undefined;
    });
    const found = await current;
    if (found.isPrimary) known = found.server;
    isCluster = found.mode === "cluster";
    return found;
  };
  const checkOwner = async (): Promise<void> => {
    // While none is found, a connection that is open may still be to the right one.
    const found = await lookUp().catch(() => undefined);
    if (found === undefined) return;
    for (const connection of connections)
      if (connection.isOther(found)) connection.leave(new Error("another server is the primary now"));
  };

  return {
    target,
    isCluster: () => isCluster,
    async find(signal) {
      signal.throwIfAborted();
      const abandoned = new Promise<never>((_, reject) => {
        signal.addEventListener("abort", () => reject(signal.reason), { once: true });
      });
      return Promise.race([lookUp(), abandoned]);
    },
    watch(connection) {
      connections.add(connection);
      timer ??= setInterval(() => void checkOwner(), everyMs).unref();
      return () => {
        connections.delete(connection);
        if (connections.size > 0) return;
        clearInterval(timer);
        timer = undefined;
      };
    },
  };
}
