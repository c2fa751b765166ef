import { z } from 'zod';
import { exactCidr } from '#schema/cidr.ts';
import { enforcement } from '#schema/enforcement.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap, isText } from '#schema/forms.ts';
import { quote } from '#schema/quote.ts';
import { type Reading, textKind } from '#schema/text-kind.ts';

const addressFile = z.strictObject({
  file: filePath(
    'A file with one address or range on each line; `#` begins a comment. Relative paths count from the folder of the configuration. A change takes effect by itself.',
  ),
});

const addressList = z
  .array(
    forms('an address, a range such as `10.0.0.0/8`, or a map with `file`', [
      { isMeant: isText, schema: exactCidr() },
      { isMeant: isMap, schema: addressFile },
    ]),
  )
  .min(1);

const countryCode = textKind({
  noun: 'the code of a country',
  examples: ['CH', 'GB'],
  pattern: /^[A-Za-z]{2}$/,
  help: 'A country by its two letters (ISO 3166-1).',
  read: readCountryCode,
});

const countryList = z.array(countryCode).min(1).optional();

const countries = z
  .strictObject({
    allow: countryList.describe('Countries whose addresses may come. Everybody else is refused whom no `allow` holds.'),
    deny: countryList.describe('Countries whose addresses are refused. Goes before every `allow`.'),
    unknown: z
      .enum(['allow', 'deny'])
      .optional()
      .describe(
        'What becomes of addresses of which no country is known, such as private ones. Without it, they are in no country: refused where there is an `allow` that does not hold them.',
      ),
  })
  .superRefine(({ allow, deny }, context) => {
    if (allow !== undefined || deny !== undefined) return;
    context.addIssue({ code: 'custom', message: 'no country is named; give `allow`, `deny` or both' });
  });

export const ipConfig = z
  .strictObject({
    mode: enforcement(),
    allow: addressList.optional().describe('Who may come: addresses, ranges and files with them. Everybody else is refused.'),
    deny: addressList.optional().describe('Who is refused: addresses, ranges and files with them. Goes before `allow`.'),
    countries: countries
      .optional()
      .describe('Countries beside the addresses, by the database of `geo`: an `allow` of either kind is enough.'),
  })
  .superRefine(({ allow, deny, countries }, context) => {
    if (allow !== undefined || deny !== undefined || countries !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nobody is refused; give `allow`, `deny`, `countries` or several of them' });
  });

export type IpConfig = z.infer<typeof ipConfig>;
export type AddressEntry = NonNullable<IpConfig['allow']>[number];

function readCountryCode(text: string): Reading<string> {
  const code = text.toUpperCase();
  if (code === 'UK') return { problem: '`UK` is not a code of ISO 3166-1; write `GB`' };
  return /^[A-Z]{2}$/.test(code)
    ? { value: code }
    : { problem: `${quote(text)} is not the code of a country; write its two letters, such as \`CH\`` };
}
