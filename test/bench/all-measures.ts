import { MEASURE_IDS, type Measure, type MeasureId } from "./measure.ts";
import { bullmq } from "./measures/bullmq.ts";
import { ceiling } from "./measures/ceiling.ts";
import { coldStart } from "./measures/cold-start.ts";
import { execution } from "./measures/execution.ts";
import { extra } from "./measures/extra.ts";
import { growth } from "./measures/growth.ts";
import { latency } from "./measures/latency.ts";
import { log } from "./measures/log.ts";
import { memory } from "./measures/memory.ts";
import { pinging } from "./measures/pinging.ts";
import { plainLoop } from "./measures/plain-loop.ts";
import { routing } from "./measures/routing.ts";

/** Every measure of the bench; the record makes the compiler find one that is missing. */
const BY_ID: Readonly<Record<MeasureId, Measure>> = {
  routing,
  extra,
  ceiling,
  bullmq,
  "plain-loop": plainLoop,
  latency,
  pinging,
  log,
  execution,
  growth,
  memory,
  "cold-start": coldStart,
};

/** The same in the order in which they are taken and shown. */
export const MEASURES: readonly Measure[] = MEASURE_IDS.map((id) => BY_ID[id]);
