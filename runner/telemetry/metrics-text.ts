import { collectDefaultMetrics, Counter, Gauge, Histogram, Registry } from "prom-client";
import type { Family } from "./counter-metrics.ts";

/** Prometheus' text format of these families and the process. Each call has its own registry, so calls cannot mix. */
export async function metricsText(families: readonly Family[]): Promise<string> {
  const registry = new Registry();
  // A family without series would be printed as one series without labels.
  for (const family of families.filter(({ samples }) => samples.length > 0)) await register(family, registry);
  return Registry.merge([registry, processMetrics()]).metrics();
}

/** `Content-Type` of {@link metricsText}. */
export const METRICS_CONTENT_TYPE = Registry.PROMETHEUS_CONTENT_TYPE;

const PREFIX = "signal_router_";

let ofProcess: Registry | undefined;

/** Metrics of this process: memory, CPU, event loop. One registry for all apps, since it adds listeners to Node. */
function processMetrics(): Registry {
  if (ofProcess === undefined) {
    ofProcess = new Registry();
    collectDefaultMetrics({ register: ofProcess, prefix: PREFIX });
  }
  return ofProcess;
}

async function register({ name, help, type, samples }: Family, registry: Registry): Promise<void> {
  const labelNames = [...new Set(samples.flatMap(({ labels }) => Object.keys(labels)))];
  const options = { name: PREFIX + name, help, registers: [registry] };
  switch (type) {
    case "counter": {
      const counter = new Counter({ ...options, labelNames });
      for (const { labels, value } of samples) counter.inc(labels, value);
      return;
    }
    case "gauge": {
      const gauge = new Gauge({ ...options, labelNames });
      for (const { labels, value } of samples) gauge.set(labels, value);
      return;
    }
    case "histogram": {
      // prom-client only observes single values, and these are counted already: so the printed values are replaced.
      const histogram = new Histogram(options);
      const shape = await histogram.get();
      const values = samples.map(({ part, ...sample }) => ({
        ...sample,
        metricName: part === undefined ? options.name : `${options.name}_${part}`,
      }));
      const counted = async () => ({ ...shape, values });
      Object.assign(histogram, { get: counted, getForPromString: counted });
    }
  }
}
