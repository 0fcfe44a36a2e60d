import { messageOf } from "../../shared/error-message.ts";
import { withExtra } from "../../shared/extra-params.ts";
import type { Extra } from "../../shared/signal/extra.ts";
import type { Detail } from "../../shared/signal/signal.ts";
import type { AnyStrategyHandler } from "../../shared/strategy.ts";
import { excerpt } from "../../shared/text.ts";

/**
 * What came along with the signal, as the handler's schema for it gives it, and the params with what they refer to in it; or what is
 * wrong, field by field, with the values.
 */
export function handlerExtra<Params>(
  { handler, params }: { readonly handler: AnyStrategyHandler; readonly params: Params },
  extra: Extra,
): HandlerExtra<Params> {
  const filled = withExtra(params, extra);
  if (!filled.ok) return { ...filled, detail: {} };
  if (handler.extra === undefined) return { ok: true, extra, params: filled.params };
  try {
    const parsed = handler.extra.safeParse(extra);
    if (parsed.success) return { ok: true, extra: parsed.data, params: filled.params };
    const faults = parsed.error.issues.map(({ path, message }): ExtraFault => {
      const field = path.map(String).join(".");
      const value = Object.hasOwn(extra, field) ? extra[field] : undefined;
      return { field, message, ...(value === undefined ? {} : { value: excerpt(value) }) };
    });
    return { ok: false, fault: faults.map(faultText).join("; "), detail: { faults } };
  } catch (error) {
    // A schema is the handler author's code, too.
    return { ok: false, fault: `the handler's schema for it threw: ${messageOf(error)}`, detail: {} };
  }
}

export type HandlerExtra<Params> =
  | { readonly ok: true; readonly extra: Extra; readonly params: Params }
  | { readonly ok: false; readonly fault: string; readonly detail: Detail };

interface ExtraFault {
  readonly field: string;
  readonly message: string;
  readonly value?: string;
}

function faultText({ field, message, value }: ExtraFault): string {
  const got = value === undefined ? "it did not come along" : `got ${JSON.stringify(value)}`;
  return `extra.${field}: ${message}, ${got}`;
}
