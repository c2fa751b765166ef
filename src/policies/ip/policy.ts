import type { ErrorDetail } from '#base/errors.ts';
import { RefusalLog } from '#base/refusal-log.ts';
import { definePolicy } from '#pipeline/policy.ts';
import { AddressRules, type AddressVerdict } from './address-rules.ts';
import type { AddressEntry, IpConfig } from './config.ts';
import { ipErrors } from './errors.ts';

/** Refuses clients by their address. */
export const ipPolicy = definePolicy({
  name: 'ip',
  summary: 'Allows and denies clients by their address, or by the country that it is in.',
  loadConfig: async () => (await import('./config.ts')).ipConfig,
  addressListSettings: ['allow', 'deny'],
  countrySettings: ['countries'],
  errors: ipErrors,
  describe: describeAddresses,
  explain: (config, { clientAddress }, facts) =>
    explainVerdict(new AddressRules(config, facts).judge(clientAddress), clientAddress, config.mode),
  create(config, { clock, logger, addressLists, countries }) {
    const rules = new AddressRules(config, { addressLists, countries });
    const reports = new RefusalLog(logger, clock, 'client would be refused by address');
    const isEnforced = config.mode === 'enforce';
    return {
      requestHead(exchange) {
        const { clientAddress } = exchange.request;
        if (rules.mayPass(clientAddress)) return undefined;
        const detail = toDetail(rules.judge(clientAddress)!);
        const refusal = ipErrors.refused(detail);
        if (isEnforced) return refusal;
        exchange.reported ??= refusal;
        reports.add({ clientAddress, ...detail });
        return undefined;
      },
    };
  },
});

function toDetail({ list, rule, from, country }: AddressVerdict): Readonly<Record<string, string>> & ErrorDetail {
  return {
    list,
    ...(rule !== undefined && { rule }),
    ...(from !== undefined && { from }),
    ...(country !== undefined && { country }),
  };
}

function describeAddresses({ mode, allow, deny, countries }: IpConfig): string {
  const denied = [...(deny === undefined ? [] : [listEntries(deny)]), ...listCountries(countries?.deny)];
  const allowed = [...(allow === undefined ? [] : [listEntries(allow)]), ...listCountries(countries?.allow)];
  const unknown = countries?.unknown;
  const parts = [
    ...(denied.length === 0 ? [] : [`deny ${denied.join(' and ')}`]),
    ...(allowed.length === 0 ? [] : [`allow ${allowed.join(' and ')} and nobody else`]),
    ...(unknown === undefined ? [] : [`${unknown} unknown countries`]),
  ];
  return `${parts.join('; ')}${mode === 'report' ? ' (report only)' : ''}`;
}

const ENTRIES_SHOWN_MAX = 5;

function listEntries(entries: readonly AddressEntry[]): string {
  const shown = entries.slice(0, ENTRIES_SHOWN_MAX).map((entry) => (typeof entry === 'string' ? entry : entry.file));
  const more = entries.length - shown.length;
  return `${shown.join(', ')}${more > 0 ? ` and ${more} more` : ''}`;
}

function listCountries(countries: readonly string[] | undefined): string[] {
  return countries === undefined ? [] : [`${countries.length === 1 ? 'country' : 'countries'} ${countries.join(', ')}`];
}

function explainVerdict(verdict: AddressVerdict | undefined, address: string, mode: IpConfig['mode']): string {
  if (verdict === undefined) return `${address} may pass: it is not denied`;
  const { isRefused } = verdict;
  const reason = explainReason(verdict);
  if (!isRefused) return `${address} may pass: ${reason}`;
  return mode === 'enforce' ? `${address} is refused with 403: ${reason}` : `${address} would be refused and may pass: ${reason}`;
}

function explainReason({ isRefused, list, rule, from, country }: AddressVerdict): string {
  const place = from === undefined ? '' : ` (${from})`;
  if (rule !== undefined) return `\`${list}\` holds it by ${rule}${place}`;
  const ofCountry = country === undefined ? '' : `, whose country is ${country}`;
  const isHeld = list === 'deny' || !isRefused;
  return isHeld ? `\`${list}\` holds its country ${country}` : `\`${list}\` does not hold it${ofCountry}`;
}
