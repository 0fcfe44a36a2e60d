import { z } from "@hono/zod-openapi";
import { READ_BY } from "../../../shared/group-lease.ts";
import { isSilentRouter } from "../../../shared/io/leases/router-registry.ts";
import { readersWithoutLease, type HoldingStatus } from "../../../shared/io/status/holder-status.ts";
import { ORDERED_GROUPS, type OrderedGroup } from "../../../shared/keys.ts";

/** The routers that run, as `GET /routers` and `cli routers` list them, and which groups each of them holds or waits for. */

const time = z.iso.datetime();

export const ROUTER_STATES = ["running", "silent", "on_demand", "older_version"] as const;

const routerSchema = z
  .object({
    name: z
      .string()
      .describe("its name in the consumer groups: CONSUMER_NAME, or made of host, pid and random characters"),
    state: z
      .enum(ROUTER_STATES)
      .describe(
        "`silent`: no sign of life for 2 × LEASE_MS: killed, stopped for a moment, or cannot reach Redis · `on_demand`: a call that holds a group, such as a tick · `older_version`: reads without holding, and is not in the list of routers",
      ),
    host: z.string().nullable(),
    pid: z.int().nullable(),
    functions: z.array(z.string()).describe("FUNCTIONS; of an older version those that are seen to read"),
    since: time.nullable().describe("when it started"),
    silent_ms: z.int().nullable().describe("since its last sign of life"),
    holds: z.array(z.object({ group: z.enum(ORDERED_GROUPS), since: time })),
    standby_for: z.array(z.enum(ORDERED_GROUPS)).describe("groups it takes when their holder ends"),
  })
  .openapi("Router");

export type RouterRow = z.infer<typeof routerSchema>;

export const routersAnswer = z
  .object({
    routers: z.array(routerSchema).describe("those that hold something first, then by name"),
    without_holder: z.array(z.enum(ORDERED_GROUPS)).describe("groups that no router holds now"),
    now: time.describe("Redis' clock"),
  })
  .openapi("Routers");

/** Every router of the list, then what holds or reads a group without being in it. */
export function routersView(status: HoldingStatus): z.infer<typeof routersAnswer> {
  const { holders, routers, now } = status;
  const held = holders.filter((holder) => holder.status === "held");
  const holdsOf = (name: string): RouterRow["holds"] =>
    held.flatMap(({ group, runner, since }) =>
      runner === name ? [{ group, since: isoTime(since ?? now) }] : [],
    );
  const listed = routers.map((router): RouterRow => {
    const { consumer: name, host, pid, functions, since, at } = router;
    const holds = holdsOf(name);
    const isSilent = isSilentRouter(router, now);
    const waitsFor = (group: OrderedGroup): boolean =>
      !isSilent && functions.includes(READ_BY[group]) && holds.every((one) => one.group !== group);
    return {
      name,
      state: isSilent ? "silent" : "running",
      host,
      pid,
      functions: [...functions],
      since: isoTime(since),
      silent_ms: Math.max(0, now - at),
      holds,
      standby_for: ORDERED_GROUPS.filter(waitsFor),
    };
  });
  const names = new Set(listed.map(({ name }) => name));
  const onDemand = new Set(
    held.flatMap(({ runner }) => (runner === null || names.has(runner) ? [] : [runner])),
  );
  const older = new Set(ORDERED_GROUPS.flatMap((group) => readersWithoutLease(group, status)));
  const rows = [
    ...listed,
    ...[...onDemand].map((name) => unlisted(name, "on_demand", { holds: holdsOf(name) })),
    ...[...older].map((name) => unlisted(name, "older_version", { functions: functionsSeen(name, status) })),
  ];
  return {
    routers: rows.toSorted((a, b) => b.holds.length - a.holds.length || (a.name < b.name ? -1 : 1)),
    without_holder: holders.filter((holder) => holder.status !== "held").map(({ group }) => group),
    now: isoTime(now),
  };
}

function unlisted(name: string, state: RouterRow["state"], more: Partial<RouterRow>): RouterRow {
  const unknown = { host: null, pid: null, functions: [], since: null, silent_ms: null };
  return { name, state, ...unknown, holds: [], standby_for: [], ...more };
}

function functionsSeen(name: string, status: HoldingStatus): string[] {
  return ORDERED_GROUPS.filter((group) => readersWithoutLease(group, status).includes(name)).map(
    (group) => READ_BY[group],
  );
}

/** A time that a clock which was set has left far outside of what a date can show is shown as 1970. */
function isoTime(at: number): string {
  return new Date(Math.abs(at) <= 8.64e15 ? at : 0).toISOString();
}
