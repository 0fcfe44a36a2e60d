/** The variables WEBHOOK_SECRET_<NAME>, which hold the secrets of webhook sources. */

/** The source that WEBHOOK_SECRET opens. */
export const COMMON_SOURCE = "tradingview";

/** The variable of a source's secrets: `my-bot` → `WEBHOOK_SECRET_MY_BOT`. */
export function secretVariableOf(source: string): string {
  return `${PREFIX}${source.toUpperCase().replaceAll("-", "_")}`;
}

const PREFIX = "WEBHOOK_SECRET_";
const VARIABLE = /^WEBHOOK_SECRET_([A-Z0-9][A-Z0-9_]*)$/;

/** Whether a variable holds the secrets of a source. */
export function isSourceSecret(variable: string): boolean {
  return VARIABLE.test(variable);
}

/** The secrets of each source, several separated by commas, or what is wrong with them; never a value. */
export function readSourceSecrets(env: Readonly<Record<string, string | undefined>>): ReadSourceSecrets {
  const secrets: Record<string, readonly string[]> = {};
  const faults: string[] = [];
  const holders = new Map<string, string>();
  const common = env["WEBHOOK_SECRET"]?.trim() ?? "";
  if (common !== "") holders.set(common, COMMON_SOURCE);
  for (const [variable, value = ""] of Object.entries(env)) {
    const name = VARIABLE.exec(variable)?.[1]?.toLowerCase().replaceAll("_", "-");
    if (name === undefined || value.trim() === "") continue;
    const parts = value.split(",").map((part) => part.trim());
    const fault = partFault(parts);
    if (fault !== undefined) faults.push(`${variable} (value not shown): expected ${fault}`);
    const other = parts.map((part) => holders.get(part)).find((holder) => (holder ?? name) !== name);
    if (other !== undefined)
      faults.push(
        `${variable} has a secret of the webhook source ${other}: expected one of its own, or it would open both`,
      );
    for (const part of parts) holders.set(part, name);
    secrets[name] = [...new Set(parts)];
  }
  return { secrets, faults };
}

export interface ReadSourceSecrets {
  /** By the name of the source. */
  readonly secrets: Readonly<Record<string, readonly string[]>>;
  readonly faults: readonly string[];
}

/** Shorter ones could not be redacted: they may be part of any text by chance. */
const LENGTH_MIN = 6;

function partFault(parts: readonly string[]): string | undefined {
  if (parts.includes("")) return "secrets separated by commas, none of them empty";
  if (!parts.every((part) => /^[\x21-\x7e]+$/.test(part)))
    return "printable ASCII characters without spaces, several secrets separated by commas";
  if (parts.some((part) => part.length < LENGTH_MIN))
    return `secrets of at least ${LENGTH_MIN} characters, several separated by commas`;
  return undefined;
}
