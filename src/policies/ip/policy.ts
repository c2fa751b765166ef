import type { ErrorDetail } from '#base/errors.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { AddressRules, type AddressVerdict } from './address-rules.ts';
import type { AddressEntry, IpConfig } from './config.ts';
import { ipErrors } from './errors.ts';

/** Refuses clients by their address. */
export const ipPolicy = definePolicy({
  name: 'ip',
  summary: 'Allows and denies clients by their address.',
  loadConfig: async () => (await import('./config.ts')).ipConfig,
  addressListSettings: ['allow', 'deny'],
  errors: ipErrors,
  describe: describeAddresses,
  explain: (config, { clientAddress }, { addressLists }) =>
    explainVerdict(new AddressRules(config, addressLists).judge(clientAddress), clientAddress, config.mode),
  create(config, { clock, logger, addressLists }) {
    const rules = new AddressRules(config, addressLists);
    const reports = new RefusalLog(logger, clock, 'client would be refused by address');
    const isEnforced = config.mode === 'enforce';
    return {
      requestHead(exchange) {
        const { clientAddress } = exchange.request;
        if (rules.mayPass(clientAddress)) return undefined;
        const { list, rule, from } = rules.judge(clientAddress)!;
        const refusal = ipErrors.refused(toDetail({ list, rule, from }));
        if (isEnforced) return refusal;
        exchange.reported ??= refusal;
        reports.add({ clientAddress, ...toDetail({ list, rule, from }) });
        return undefined;
      },
    };
  },
});

type Reason = Pick<AddressVerdict, 'list' | 'rule' | 'from'>;

function toDetail({ list, rule, from }: Reason): Readonly<Record<string, string>> & ErrorDetail {
  return { list, ...(rule !== undefined && { rule }), ...(from !== undefined && { from }) };
}

function describeAddresses({ mode, allow, deny }: IpConfig): string {
  const parts = [
    ...(deny === undefined ? [] : [`deny ${listEntries(deny)}`]),
    ...(allow === undefined ? [] : [`allow ${listEntries(allow)} and nobody else`]),
  ];
  return `${parts.join('; ')}${mode === 'report' ? ' (report only)' : ''}`;
}

const ENTRIES_SHOWN_MAX = 5;

function listEntries(entries: readonly AddressEntry[]): string {
  const shown = entries.slice(0, ENTRIES_SHOWN_MAX).map((entry) => (typeof entry === 'string' ? entry : entry.file));
  const more = entries.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function explainVerdict(verdict: AddressVerdict | undefined, address: string, mode: IpConfig['mode']): string {
  if (verdict === undefined) return `${address} may pass: it is not denied`;
  const { isRefused, list, rule, from } = verdict;
  const place = from === undefined ? '' : ` (${from})`;
  const reason = rule === undefined ? `\`${list}\` does not hold it` : `\`${list}\` holds it by ${rule}${place}`;
  if (!isRefused) return `${address} may pass: ${reason}`;
  return mode === 'enforce' ? `${address} is refused with 403: ${reason}` : `${address} would be refused and may pass: ${reason}`;
}
