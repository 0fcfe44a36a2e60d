import { strategyLabel } from "../../../shared/strategy-label.ts";
import { previewSchema, type PreviewBody } from "../../http/reference/preview.ts";
import { CliError } from "../connection.ts";
import { differenceLines, plural } from "../replay/replay-text.ts";
import type { RouterRoutes } from "../router-routes.ts";
import { textTable } from "../text-table.ts";

/** `cli reference apply <file> --dry-run --replay 24h`: what the file would have changed in the decisions of the last hours. */

export interface PreviewOptions {
  /** How far back, such as 24h. */
  readonly replay: string;
  readonly prune: boolean;
}

/** The preview of a document; nothing is stored. @throws CliError */
export async function askPreview(
  router: RouterRoutes,
  text: string,
  { replay, prune }: PreviewOptions,
): Promise<PreviewBody> {
  return router.ask({
    method: "POST",
    path: "/reference/preview",
    query: { replay, prune },
    body: text,
    headers: { "content-type": "application/yaml" },
    answer: previewSchema,
  });
}

/** `--replay` stores nothing, so it does not go with storing. @throws CliError */
export function refuseReplayOfEdit({
  replay,
  dryRun,
}: {
  readonly replay?: string;
  readonly dryRun?: boolean;
}): void {
  if (replay === undefined || dryRun === true) return;
  throw new CliError("--replay is a preview: add --dry-run, look at it, and apply the file without both");
}

/** The preview for people; `+` is what the file would trade more, `-` what it would no longer. */
export function previewText(preview: PreviewBody, columns: number | undefined): string {
  const { from, to, decided, limited, differing, strategies, signals } = preview;
  const only = limited ? ", only the newest of this time" : "";
  const head = `${plural(decided, "signal")} from ${from} to ${to} decided by both${only}: ${differing} differ`;
  const left = differing - signals.length;
  const rows = strategies.map(({ strategy_id, strategy, was, now, more, fewer }) => [
    `+${more}`,
    `-${fewer}`,
    String(was),
    String(now),
    strategyLabel(strategy_id, strategy),
  ]);
  const table = textTable(["MORE", "FEWER", "DISPATCHED NOW", "WITH THE FILE", "STRATEGY"], rows, {
    columns,
  });
  return [
    head,
    ...(rows.length === 0 ? ["No strategy is dispatched any of them, by either"] : [table]),
    ...signals.flatMap((signal) => differenceLines(signal)),
    ...(left > 0 ? [`… and ${plural(left, "older signal")} more`] : []),
  ].join("\n");
}
