import { setTimeout as pause } from "node:timers/promises";
import { longBacklog } from "../long-backlog.ts";
import type { Figure, Measure } from "../measure.ts";
import { memoryOf } from "../process-memory.ts";
import { onStageWithRouter } from "../stage.ts";

/** Long enough for what the start has left to be collected. */
const SETTLE_MS = 3_000;

/** What a router needs of the machine's memory. */
export const memory: Measure = {
  id: "memory",
  title: "Memory",
  async run(bench) {
    bench.say("a router that has nothing to do");
    const idle = await onStageWithRouter(bench, async ({ router }) => {
      await pause(SETTLE_MS);
      return memoryOf(router.pid);
    });
    const { signals, routerMbMax } = await longBacklog(bench);
    const figures: Figure[] = [];
    if (idle !== undefined) {
      figures.push({
        name: "resident, a router that waits",
        value: idle.residentMb,
        unit: "MB",
        note: `${idle.ownMb.toFixed(0)} MB of it its own, the rest pages of files (Node itself)`,
      });
    }
    if (routerMbMax !== undefined) {
      figures.push({
        name: `resident at most, ${signals.toLocaleString("en")} signals`,
        value: routerMbMax,
        unit: "MB",
        goal: { most: 250 },
        note: "at any time since the start of the process (VmHWM)",
      });
    }
    // Not on Linux: nothing tells.
    return figures;
  },
};
