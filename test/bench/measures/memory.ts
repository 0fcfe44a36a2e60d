import { setTimeout as pause } from "node:timers/promises";
import { longBacklog } from "../long-backlog.ts";
import type { Figure, Measure } from "../measure.ts";
import { grouped } from "../percentiles.ts";
import { memoryOf } from "../process-memory.ts";
import { onStageWithRouter } from "../stage.ts";

/** Long enough to collect the garbage of the start. */
const SETTLE_MS = 3_000;

/** How much memory a router needs. */
export const memory: Measure = {
  id: "memory",
  title: "Memory",
  async run(bench) {
    bench.say("an idle router");
    const idle = await onStageWithRouter(bench, async ({ router }) => {
      await pause(SETTLE_MS);
      return memoryOf(router.pid);
    });
    const { signals, routerMbMax } = await longBacklog(bench);
    const figures: Figure[] = [];
    if (idle !== undefined) {
      figures.push({
        name: "resident, an idle router",
        value: idle.residentMb,
        unit: "MB",
        note: `${idle.ownMb.toFixed(0)} MB of it are its own, the rest are pages of files (Node itself)`,
      });
    }
    if (routerMbMax !== undefined) {
      figures.push({
        name: `resident at most, ${grouped(signals)} signals`,
        value: routerMbMax,
        unit: "MB",
        goal: { most: 250 },
        note: "highest value since the start of the process (VmHWM)",
      });
    }
    // Empty on systems other than Linux, which do not report it.
    return figures;
  },
};
