import { Redis } from "ioredis";
import { freePort } from "./process.ts";
import { infoOf, startNode, untilHolds, type RedisNode } from "./redis-node.ts";

/** A Redis Cluster of six real servers: three masters with a replica each, and what may happen to it. */
export interface RedisCluster {
  readonly nodes: readonly RedisNode[];
  /** Every node, as REDIS_URL takes them. */
  readonly url: string;
  /** The master that has the key's slot now, as the other nodes see it. */
  ownerOf(key: string): Promise<RedisNode>;
  replicaOf(master: RedisNode): Promise<RedisNode>;
  /** Resolves when another node than this one has the key's slot, and answers for it. */
  untilOwnedByOther(key: string, before: RedisNode): Promise<RedisNode>;
  /** Hands the key's slot to the replica without a loss, as before an update of the master. */
  failover(key: string): Promise<RedisNode>;
  /**
   * Moves the key's slot with all its keys to another master while clients go on, as `redis-cli --cluster reshard` does.
   * `whileMoving` is called when one half of the keys is here and one half there.
   */
  moveSlot(key: string, whileMoving?: () => Promise<void>): Promise<RedisNode>;
  /** Resolves when each master has a replica that follows it, and all nodes agree. */
  untilWhole(): Promise<void>;
  stop(): Promise<void>;
}

const MASTERS = 3;
const SLOTS = 16_384;
/** A node that has not answered for so long has failed: the replica stands for election within a second after that. */
const NODE_TIMEOUT_MS = 1_000;
const MIGRATE_MS_MAX = 5_000;

/** Starts the Cluster; it accepts writes. */
export async function startRedisCluster(): Promise<RedisCluster> {
  const ports = await Promise.all(Array.from({ length: 2 * MASTERS }, freePort));
  const started = await Promise.allSettled(ports.map(async (port) => startNode(clusterArgs(port))));
  const nodes = started.flatMap((each) => (each.status === "fulfilled" ? [each.value] : []));
  const failed = started.find((each) => each.status === "rejected");
  const stop = async (): Promise<void> => void (await Promise.all(nodes.map(async (node) => node.stop())));
  try {
    if (failed !== undefined) throw failed.reason;
    const cluster = { ...movesOf(nodes), stop };
    await join(nodes, ports);
    await cluster.untilWhole();
    return cluster;
  } catch (error) {
    await stop();
    throw error;
  }
}

/** The bus has a port of its own: by default it is the server's plus 10,000, which may be none. */
function clusterArgs(busPort: number): readonly string[] {
  return [
    ["--cluster-enabled", "yes", "--cluster-port", String(busPort)],
    ["--cluster-node-timeout", String(NODE_TIMEOUT_MS), "--cluster-replica-validity-factor", "0"],
    // No replica leaves its master for one that has none.
    ["--cluster-migration-barrier", "9"],
  ].flat();
}

async function join(nodes: readonly RedisNode[], busPorts: readonly number[]): Promise<void> {
  await Promise.all(
    nodes.map(async ({ redis }, i) => {
      await redis.call("CLUSTER", "SET-CONFIG-EPOCH", i + 1);
      if (i >= MASTERS) return;
      const [from, to] = [i, i + 1].map((n) => Math.ceil((n * SLOTS) / MASTERS));
      await redis.call("CLUSTER", "ADDSLOTSRANGE", Number(from), Number(to) - 1);
    }),
  );
  // Each meets each, which is faster than waiting until they have heard of each other.
  for (const { redis } of nodes) {
    for (const [i, { port }] of nodes.entries())
      await redis.call("CLUSTER", "MEET", "127.0.0.1", port, busPorts[i] ?? 0);
  }
  await untilHolds("all nodes know each other", async () => {
    const known = await Promise.all(nodes.map(async ({ redis }) => nodeLines(redis)));
    return known.every((lines) => lines.length === nodes.length && lines.every(isConnected));
  });
  const ids = await Promise.all(nodes.map(async ({ redis }) => idOf(redis)));
  await Promise.all(
    nodes.slice(MASTERS).map(async ({ redis }, i) => redis.call("CLUSTER", "REPLICATE", ids[i] ?? "")),
  );
}

function movesOf(nodes: readonly RedisNode[]): Omit<RedisCluster, "stop"> {
  const byPort = (port: number): RedisNode => {
    const found = nodes.find((node) => node.port === port);
    if (found === undefined) throw new Error(`the cluster has no node at port ${port}`);
    return found;
  };

  /** What the node with the newest view says: one that stands still does not answer, and one that woke up knows old things. */
  async function newestView(): Promise<NodeLine[]> {
    const views = await Promise.all(
      nodes.map(async ({ redis }) => withinASecond(async () => nodeLines(redis)).catch((): NodeLine[] => [])),
    );
    const epochOf = (view: readonly NodeLine[]): number => Math.max(0, ...view.map(({ epoch }) => epoch));
    const isOwner = ({ slots }: NodeLine): boolean => slots.length > 0;
    // Equal epochs: the one that sees most masters at work.
    const rank = (view: readonly NodeLine[]): number =>
      epochOf(view) * 10 + view.filter((line) => isOwner(line) && !line.flags.includes("fail")).length;
    return views.toSorted((a, b) => rank(b) - rank(a))[0] ?? [];
  }

  async function ownerOf(key: string): Promise<RedisNode> {
    const slot = await slotOf(nodes, key);
    const owner = (await newestView()).find(({ slots }) =>
      slots.some(([from, to]) => from <= slot && slot <= to),
    );
    if (owner === undefined) throw new Error(`no master has the slot ${slot}`);
    return byPort(owner.port);
  }

  async function replicaOf(master: RedisNode): Promise<RedisNode> {
    const view = await newestView();
    const id = view.find(({ port }) => port === master.port)?.id;
    const replica = view.find((line) => line.masterId === id && !line.flags.includes("fail"));
    if (replica === undefined) throw new Error(`the master at port ${master.port} has no replica`);
    return byPort(replica.port);
  }

  async function untilOwnedByOther(key: string, before: RedisNode): Promise<RedisNode> {
    let owner = before;
    await untilHolds(`another node than ${before.port} has the slot of ${key}`, async () => {
      owner = await ownerOf(key);
      if (owner === before) return false;
      await withinASecond(async () => owner.redis.exists(key));
      return true;
    });
    return owner;
  }

  async function failover(key: string): Promise<RedisNode> {
    const before = await ownerOf(key);
    const replica = await replicaOf(before);
    await replica.redis.call("CLUSTER", "FAILOVER");
    return untilOwnedByOther(key, before);
  }

  async function moveSlot(key: string, whileMoving?: () => Promise<void>): Promise<RedisNode> {
    const slot = await slotOf(nodes, key);
    const source = await ownerOf(key);
    const view = await newestView();
    const other = view.find(
      ({ port, slots, flags }) => port !== source.port && slots.length > 0 && !flags.includes("fail"),
    );
    if (other === undefined) throw new Error("there is no other master");
    const target = byPort(other.port);
    const [sourceId, targetId] = [await idOf(source.redis), other.id];
    await target.redis.call("CLUSTER", "SETSLOT", slot, "IMPORTING", sourceId);
    await source.redis.call("CLUSTER", "SETSLOT", slot, "MIGRATING", targetId);
    const half = Math.floor(Number(await source.redis.call("CLUSTER", "COUNTKEYSINSLOT", slot)) / 2);
    for (let moved = 0; ; moved += 1) {
      if (moved === half) await whileMoving?.();
      // Streams are moved alone, so that a large one does not make the rest wait.
      const keys = (await source.redis.call("CLUSTER", "GETKEYSINSLOT", slot, 1)) as string[];
      if (keys.length === 0) break;
      await source.redis.call("MIGRATE", "127.0.0.1", target.port, "", 0, MIGRATE_MS_MAX, "KEYS", ...keys);
    }
    for (const { redis } of [target, source, ...nodes.filter((node) => node !== target && node !== source)])
      await redis.call("CLUSTER", "SETSLOT", slot, "NODE", targetId).catch(() => undefined);
    return target;
  }

  async function untilWhole(): Promise<void> {
    await untilHolds("every master has a replica, and all nodes agree", async () => {
      const views = await Promise.all(
        nodes.map(async ({ redis }) => withinASecond(async () => nodeLines(redis))),
      );
      const owners = views.map((view) => view.filter(({ slots }) => slots.length > 0).map(({ id }) => id));
      const isAgreed = owners.every(
        (ids) => ids.length === MASTERS && ids.toSorted().join() === owners[0]?.toSorted().join(),
      );
      const states = await Promise.all(nodes.map(async ({ redis }) => infoOfState(redis)));
      return isAgreed && states.every((isWell) => isWell);
    });
  }

  return {
    nodes,
    url: `redis://${nodes.map(({ port }) => `127.0.0.1:${port}`).join(",")}`,
    ownerOf,
    replicaOf,
    untilOwnedByOther,
    failover,
    moveSlot,
    untilWhole,
  };
}

/** Whether the node takes part: a master with a replica, or a replica whose master is there. */
async function infoOfState(redis: Redis): Promise<boolean> {
  const state = String(await redis.call("CLUSTER", "INFO"));
  if (!state.includes("cluster_state:ok")) return false;
  const role = await infoOf(redis, "replication", "role");
  return role === "master"
    ? (await infoOf(redis, "replication", "connected_slaves")) !== "0"
    : (await infoOf(redis, "replication", "master_link_status")) === "up";
}

/** A line of CLUSTER NODES. */
interface NodeLine {
  readonly id: string;
  readonly port: number;
  readonly flags: readonly string[];
  readonly masterId: string;
  readonly epoch: number;
  readonly isLinked: boolean;
  readonly slots: readonly (readonly [from: number, to: number])[];
}

async function nodeLines(redis: Redis): Promise<NodeLine[]> {
  const text = String(await redis.call("CLUSTER", "NODES"));
  return text
    .trim()
    .split("\n")
    .map((line) => {
      const [id = "", address = "", flags = "", masterId = "", , , epoch, link, ...slots] = line.split(" ");
      return {
        id,
        port: Number(/:(\d+)@/.exec(address)?.[1]),
        flags: flags.split(",").map((flag) => (flag === "fail?" ? "suspected" : flag)),
        masterId,
        epoch: Number(epoch),
        isLinked: link === "connected",
        slots: slots
          .filter((range) => !range.startsWith("["))
          .map((range) => range.split("-").map(Number))
          .map(([from = -1, to = from]) => [from, to] as const),
      };
    });
}

function isConnected({ isLinked, flags }: NodeLine): boolean {
  return isLinked && !flags.includes("handshake");
}

async function idOf(redis: Redis): Promise<string> {
  return String(await redis.call("CLUSTER", "MYID"));
}

async function slotOf(nodes: readonly RedisNode[], key: string): Promise<number> {
  return Promise.any(
    nodes.map(async ({ redis }) =>
      withinASecond(async () => Number(await redis.call("CLUSTER", "KEYSLOT", key))),
    ),
  );
}

/** A server that stands still answers nothing. @throws Error after a second */
async function withinASecond<T>(ask: () => Promise<T>): Promise<T> {
  let timer: NodeJS.Timeout | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error("the server has not answered for a second")), 1_000);
  });
  return Promise.race([ask(), late]).finally(() => clearTimeout(timer));
}
