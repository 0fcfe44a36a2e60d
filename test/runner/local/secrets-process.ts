import { withLocalSecrets } from "../../../runner/local/secrets.ts";
import { readConfig } from "../../../shared/config/config.ts";

/** A process that gets its secrets as a starting router does: sends "ready", and after a message its token. */
const [, , dataDir = ""] = process.argv;
const answer = readConfig({});
if (!answer.ok) throw new Error(answer.message);
const { config } = answer;

process.once("message", () => {
  void withLocalSecrets(config, dataDir).then(({ httpToken }) => {
    process.send?.(httpToken);
    process.disconnect();
  });
});
process.send?.("ready");
