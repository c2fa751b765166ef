import { z } from 'zod';
import { exactCidr } from '#schema/cidr.ts';

/** From where a consumer may come. */
export const consumerAddresses = z
  .array(exactCidr())
  .min(1)
  .optional()
  .describe(
    'Addresses and ranges from which its credentials count, of whichever kind; from elsewhere they are refused as wrong ones are. Without it, from everywhere.',
  );
