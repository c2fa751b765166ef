import { z } from 'zod';
import { filePath } from '#schema/file-path.ts';

/** What tells where addresses are. */
export const geoSchema = z.strictObject({
  database: filePath(
    'A database of MaxMind’s format with countries, such as GeoLite2-Country.mmdb. Relative paths count from the folder of the configuration. A change takes effect by itself.',
  ),
});
