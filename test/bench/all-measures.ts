import type { Measure } from "./measure.ts";
import { bullmq } from "./measures/bullmq.ts";
import { ceiling } from "./measures/ceiling.ts";
import { coldStart } from "./measures/cold-start.ts";
import { execution } from "./measures/execution.ts";
import { growth } from "./measures/growth.ts";
import { latency } from "./measures/latency.ts";
import { log } from "./measures/log.ts";
import { memory } from "./measures/memory.ts";
import { pinging } from "./measures/pinging.ts";
import { plainLoop } from "./measures/plain-loop.ts";
import { routing } from "./measures/routing.ts";

/** Every measure, in the order they are taken and shown in. */
export const MEASURES: readonly Measure[] = [
  routing,
  ceiling,
  bullmq,
  plainLoop,
  latency,
  pinging,
  log,
  execution,
  growth,
  memory,
  coldStart,
];
