import type { ChosenField, LineSettings } from '#config/access-log/line-settings.ts';

/** Records of OpenTelemetry belong to a span, so lines that become some name it, whatever fields are chosen. */
export function withSpan(settings: LineSettings): LineSettings {
  const { format, fields } = settings;
  if (format?.kind === 'text') return settings;
  const { base, chosen, without } = fields ?? { base: 'default' as const, chosen: [], without: [] };
  const wanted = base === 'default' && !without.includes('traceId') ? (['spanId'] as const) : (['traceId', 'spanId'] as const);
  const missing = wanted.filter((kind) => !chosen.some(({ name }) => name === kind));
  const added = missing.map((kind): ChosenField => ({ name: kind, value: { source: kind, parts: [{ kind }] } }));
  return { ...settings, fields: { base, chosen: [...chosen, ...added], without } };
}
