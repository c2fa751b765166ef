import { z } from 'zod';
import { exactCidr } from '#schema/cidr.ts';
import { filePath } from '#schema/file-path.ts';
import { forms, isMap, isText } from '#schema/forms.ts';

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

export const ipConfig = z
  .strictObject({
    mode: z
      .enum(['enforce', 'report'])
      .default('enforce')
      .describe('`report` refuses nobody and only logs who would be refused.'),
    allow: addressList.optional().describe('Who may come: addresses, ranges and files with them. Everybody else is refused.'),
    deny: addressList.optional().describe('Who is refused: addresses, ranges and files with them. Goes before `allow`.'),
  })
  .superRefine(({ allow, deny }, context) => {
    if (allow !== undefined || deny !== undefined) return;
    context.addIssue({ code: 'custom', message: 'nobody is refused; give `allow`, `deny` or both' });
  });

export type IpConfig = z.infer<typeof ipConfig>;
export type AddressEntry = NonNullable<IpConfig['allow']>[number];
