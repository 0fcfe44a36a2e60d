import type { Config } from "../../shared/config/config.ts";
import { failingStrategies } from "../../shared/health/strategies.ts";
import type { Status } from "../../shared/io/status/status.ts";
import { printable } from "../../shared/text.ts";
import type { Family, Sample } from "./counter-metrics.ts";
import { gauge } from "./current-metrics.ts";
import { strategiesHealth } from "./health.ts";

/** The Prometheus metrics of single strategies. Only `strategy_info` has names; queries join it on `strategy_id`. */
export function strategyMetrics(status: Status, config: Pick<Config, "blockMs">): Family[] {
  const health = strategiesHealth(status, config);
  const unusable = health.reports.flatMap((report) => report.unusable.map(({ strategyId }) => strategyId));
  const failing = failingStrategies(health).map(({ strategyId }) => strategyId);
  return [
    gauge(
      "strategy_info",
      "1 for each strategy, with its name.",
      Object.entries(status.strategies.names).map(([strategy_id, name]) => ({
        labels: { strategy_id, name: printable(name) },
        value: 1,
      })),
    ),
    gauge(
      "strategy_unusable",
      "1 for each enabled strategy that a running process cannot run.",
      ones(unusable),
    ),
    gauge("strategy_failing", "1 for each strategy whose last tasks ended failed.", ones(failing)),
  ];
}

function ones(strategyIds: readonly number[]): Sample[] {
  return [...new Set(strategyIds)].map((strategy_id) => ({ labels: { strategy_id }, value: 1 }));
}
