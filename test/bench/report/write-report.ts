import { mkdir, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { chartOf } from "./chart.ts";
import { markdownOf } from "./markdown.ts";
import { jsonOf, type Report } from "./report.ts";

/** Writes a report as `bench.json`, `bench.md` and `bench.svg` into a folder, over earlier ones. */
export async function writeReport(folder: string, report: Report): Promise<void> {
  await mkdir(folder, { recursive: true });
  await writeFile(join(folder, "bench.json"), jsonOf(report));
  await writeFile(join(folder, "bench.md"), markdownOf(report));
  await writeFile(join(folder, "bench.svg"), chartOf(report));
}
