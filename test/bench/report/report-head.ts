import type { Report } from "./report.ts";

/** The first lines of a report: the command, the machine and the versions. */
export function headOf({ startedAt, command, surroundings }: Omit<Report, "results">): string[] {
  const { cpu, cores, memoryGb, kernel, node, redis, postgres, commit, loadAverage } = surroundings;
  const source = commit === undefined ? "" : `, commit ${commit.id}${commit.changed ? " with changes" : ""}`;
  return [
    `${command}, ${startedAt.slice(0, 16).replace("T", " ")} UTC${source}`,
    `${cores} × ${cpu}, ${memoryGb} GiB, ${kernel}; load average ${loadAverage.toFixed(2)} at the start`,
    `Node ${node}, ${redis}, ${postgres}`,
  ];
}
