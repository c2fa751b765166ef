import type { ChosenField, LineSettings } from '#config/access-log/line-settings.ts';

const spanFields = ['traceId', 'spanId'] as const;

/** Records of OpenTelemetry belong to a span, so lines that become some name it, whatever fields are chosen. */
export function withSpan(settings: LineSettings): LineSettings {
  const { format, fields } = settings;
  if (format?.kind === 'text' || fields === undefined) return settings;
  const { base, chosen, without } = fields;
  const missing = spanFields.filter(
    (kind) => (base === 'nothing' || without.includes(kind)) && !chosen.some(({ name }) => name === kind),
  );
  const added = missing.map((kind): ChosenField => ({ name: kind, value: { source: kind, parts: [{ kind }] } }));
  return { ...settings, fields: { base, chosen: [...chosen, ...added], without } };
}
