import type { Command } from "commander";
import { printableJson } from "../../shared/text.ts";
import type { RouterRow } from "../http/operations/router-view.ts";
import { routersAnswer } from "../http/operations/router-view.ts";
import type { CommandIo } from "./command-io.ts";
import { currentTime, shortTime } from "./log/times.ts";
import { plural } from "./replay/replay-text.ts";
import { textTable } from "./text-table.ts";

/** `cli routers`: every router that runs, what it holds, and since when. */
export function addRouterCommands(program: Command, io: CommandIo): void {
  program
    .command("routers")
    .description(
      "print the routers that run: functions, what each of them holds and since when, how long it is silent",
    )
    .option("--json", "as JSON", false)
    .addHelpText("after", EXIT_CODES)
    .action(async (options: { json: boolean }) => printRouters(options, io));
}

const EXIT_CODES = `
Exit codes: 0 printed; 1 refused, or not possible now; 2 the environment is not valid.`;

async function printRouters({ json }: { readonly json: boolean }, io: CommandIo): Promise<void> {
  const answer = await io.withRouter(async (router) =>
    router.ask({ path: "/routers", answer: routersAnswer }),
  );
  if (json) return io.print(printableJson(answer));
  const { routers, without_holder } = answer;
  if (routers.length > 0) io.print(routersTable(routers, { ...io, now: currentTime() }));
  const running = routers.filter(({ state }) => state === "running").length;
  const free = without_holder.length === 0 ? "" : `; no router holds ${without_holder.join(" or ")}`;
  io.print(`${plural(running, "router")} ${running === 1 ? "runs" : "run"}${free}`);
}

/** A router in a line; what it holds comes before what it runs. */
export function routersTable(
  routers: readonly RouterRow[],
  { columns, now }: { readonly columns: number | undefined; readonly now: Date },
): string {
  const cells = routers.map((router) => [
    router.name,
    stateText(router),
    holdsText(router, now),
    router.since === null ? "" : shortTime(router.since, now),
    router.host === null ? "" : `${router.host} ${router.pid}`,
    router.functions.join(" "),
  ]);
  return textTable(["router", "state", "holds, since (UTC)", "started", "host, pid", "functions"], cells, {
    columns,
  });
}

function stateText({ state, silent_ms: silentMs }: RouterRow): string {
  switch (state) {
    case "running":
      return "running";
    case "silent":
      return `silent for ${Math.round((silentMs ?? 0) / 1000)} s`;
    case "on_demand":
      return "a call on demand";
    case "older_version":
      return "older version, reads without holding";
    default:
      return state satisfies never;
  }
}

function holdsText({ holds, standby_for: standbyFor }: RouterRow, now: Date): string {
  return [
    ...holds.map(({ group, since }) => `${group} ${shortTime(since, now)}`),
    ...(standbyFor.length === 0 ? [] : [`standby for ${standbyFor.join(", ")}`]),
  ].join("; ");
}
