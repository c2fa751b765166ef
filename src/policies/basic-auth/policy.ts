import type { GatewayError } from '#base/errors.ts';
import type { Consumer } from '#http/consumer.ts';
import type { Exchange } from '#http/exchange.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { getFieldValues, removeField } from '#wire/fields/field-list.ts';
import type { BasicAuthConfig } from './config.ts';
import { basicAuthErrors } from './errors.ts';
import { PasswordChecks } from './password-checks.ts';
import { findBasicText, readShownPassword } from './shown-password.ts';

/** How long whoever is sent away shall wait: a few passwords are hashed in that time. */
const BUSY_RETRY_MS = 1_000;

/** Lets requests pass that show the name and the password of a consumer (RFC 7617). */
export const basicAuthPolicy = definePolicy({
  name: 'basic-auth',
  summary: 'Lets requests pass that show the name and the password of a consumer.',
  loadConfig: async () => (await import('./config.ts')).basicAuthConfig,
  consumerSettings: ['anonymous'],
  errors: basicAuthErrors,
  describe: describeRealm,
  create({ realm, anonymous: anonymousName, forward }, { consumers, keeper }) {
    const anonymous = anonymousName === undefined ? undefined : consumers.find(anonymousName);
    // RFC 7617 §2.1: names and passwords are UTF-8.
    const fields = ['www-authenticate', `Basic realm="${realm}", charset="UTF-8"`];
    const refuse = (reason: string) => basicAuthErrors.refused({ reason }, { fields });
    const admit = (exchange: Exchange, consumer: Consumer) =>
      consumers.admit(exchange, consumer)
        ? undefined
        : basicAuthErrors.refused({ reason: 'address', consumer: consumer.name }, { fields });
    // All of a thread share one: what a password is compared with does not depend on where it is asked for.
    const checks = keeper.keep('basic-auth', () => new PasswordChecks());

    const judge = (exchange: Exchange, text: string): GatewayError | undefined | Promise<GatewayError | undefined> => {
      const shown = readShownPassword(text);
      if (shown === undefined) return refuse('malformed');
      const { user, password } = shown;
      const stored = consumers.passwordOf(user)?.reveal();
      const consumer = stored === undefined ? undefined : consumers.find(user);
      const digest = checks.digest(text);
      if (consumer !== undefined && stored !== undefined && checks.isVerified(digest, stored)) return admit(exchange, consumer);
      const usual = consumers.usualPassword?.reveal();
      const { clientAddress } = exchange.request;
      const checking = checks.check({ digest, password, stored, usual, clientAddress });
      if (checking === undefined) return basicAuthErrors.busy(undefined, { retryAfterMs: BUSY_RETRY_MS });
      return checking.then((isRight) => {
        // The name may be a password that somebody typed into the wrong place: it is not logged.
        if (!isRight || consumer === undefined) return refuse(stored === undefined ? 'unknown name' : 'wrong password');
        return admit(exchange, consumer);
      });
    };

    return {
      requestHead(exchange) {
        const values = getFieldValues(exchange.request.fields, 'authorization');
        const text = values.length === 0 ? undefined : findBasicText(values[0]!);
        if (text === undefined) {
          // Who has shown something else to another policy stays who that is.
          exchange.consumer ??= anonymous;
          return anonymous === undefined ? basicAuthErrors.missing(undefined, { fields }) : undefined;
        }
        return values.length > 1 ? refuse('several fields') : judge(exchange, text);
      },
      ...(forward ? {} : { upstreamRequest: (_exchange: Exchange, upstream) => removeBasic(upstream.fields) }),
    };
  },
});

function removeBasic(fields: string[]): void {
  if (getFieldValues(fields, 'authorization').some((value) => findBasicText(value) !== undefined))
    removeField(fields, 'authorization');
}

function describeRealm({ realm, anonymous }: BasicAuthConfig): string {
  return `name and password for "${realm}"${anonymous === undefined ? '' : `, otherwise ${anonymous}`}`;
}
