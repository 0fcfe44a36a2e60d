import { VARIABLES, type Config } from "./config.ts";
import { warning, type Remark } from "./remark.ts";
import { TAKES_SIGNALS } from "./shadow-settings.ts";
import { secretVariableOf } from "./source-secrets.ts";
import { unknownVariables } from "./unknown-variables.ts";

/** What is allowed in an environment and still likely a mistake; for the log at the start and for `cli check`. */
export function configRemarks(
  env: Readonly<Record<string, string | undefined>>,
  config: Pick<Config, "httpToken" | "webhookSecret" | "webhookSourceSecrets" | "shadow" | "groupSuffix">,
): readonly Remark[] {
  const takesSignals = config.shadow && config.groupSuffix === "" ? [warning(TAKES_SIGNALS)] : [];
  return [...unknownVariables(env, VARIABLES), ...shortSecrets(config), ...takesSignals];
}

/** A shorter secret can be found by trying. */
const SECRET_LENGTH_MIN = 16;

function shortSecrets({
  httpToken,
  webhookSecret,
  webhookSourceSecrets,
}: Pick<Config, "httpToken" | "webhookSecret" | "webhookSourceSecrets">): readonly Remark[] {
  const ofSources = Object.entries(webhookSourceSecrets).flatMap(([name, secrets]) =>
    secrets.map((secret) => [secretVariableOf(name), secret] as const),
  );
  const secrets = [["HTTP_TOKEN", httpToken], ["WEBHOOK_SECRET", webhookSecret], ...ofSources] as const;
  return secrets.flatMap(([variable, secret]) =>
    secret === undefined || secret.length >= SECRET_LENGTH_MIN
      ? []
      : [
          warning(
            `${variable} has less than ${SECRET_LENGTH_MIN} characters and could be guessed: use a longer one, such as the output of \`openssl rand -hex 32\``,
          ),
        ],
  );
}
