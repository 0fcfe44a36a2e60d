import type { Config } from "../../../shared/config/config.ts";
import { warning, type Remark } from "../../../shared/config/remark.ts";
import { secretVariableOf } from "../../../shared/config/source-secrets.ts";
import type { WebhookSource } from "../../../shared/reference/webhook-source.ts";
import { BUILT_IN_NAMES } from "../../../shared/source-faults.ts";

/** Says of webhook sources without a secret, and of secrets without a source, that they take no alerts. */
export function sourceRemarks(
  sources: ReadonlyMap<string, WebhookSource>,
  { webhookSourceSecrets }: Pick<Config, "webhookSourceSecrets">,
): readonly Remark[] {
  const closed = [...sources].filter(
    ([name, { enabled }]) => enabled && !Object.hasOwn(webhookSourceSecrets, name),
  );
  const unused = Object.keys(webhookSourceSecrets).filter(
    (name) => !sources.has(name) && !BUILT_IN_NAMES.has(name),
  );
  return [
    ...closed.map(([name]) =>
      warning(
        `the webhook source ${name} has no secret, so all its alerts are answered 401: set ${secretVariableOf(name)}, or disable the source`,
      ),
    ),
    ...unused.map((name) =>
      warning(
        `${secretVariableOf(name)} is set, and there is no webhook source ${name}, so its alerts are answered 404: add the source, or correct the name of the variable`,
      ),
    ),
  ];
}
