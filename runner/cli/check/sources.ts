import type { Config } from "../../../shared/config/config.ts";
import { warning, type Remark } from "../../../shared/config/remark.ts";
import { secretVariableOf } from "../../../shared/config/source-secrets.ts";
import type { WebhookSource } from "../../../shared/reference/webhook-source.ts";

/** Says of each enabled webhook source that has no secret, that it takes no alerts. */
export function sourceRemarks(
  sources: ReadonlyMap<string, WebhookSource>,
  { webhookSourceSecrets }: Pick<Config, "webhookSourceSecrets">,
): readonly Remark[] {
  const closed = [...sources].filter(
    ([name, { enabled }]) => enabled && !Object.hasOwn(webhookSourceSecrets, name),
  );
  return closed.map(([name]) =>
    warning(
      `the webhook source ${name} has no secret, so all its alerts are answered 401: set ${secretVariableOf(name)}, or disable the source`,
    ),
  );
}
