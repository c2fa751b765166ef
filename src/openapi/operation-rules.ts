/** What the operations of a document ask of requests and promise of answers, as a contract says it. */
import type {
  AnswerRule,
  AnswerRules,
  BodyRule,
  MediaRule,
  ParameterPlace,
  ParameterRule,
  ParameterStyle,
  PropertyEncoding,
  RequestRules,
  TextShape,
} from '#pipeline/contract/contract.ts';
import { listTemplateNames } from '#pipeline/contract/path-tree.ts';
import { isMap, isText } from '#schema/forms.ts';
import { isJsonType, readMediaType } from '#wire/fields/media-type.ts';
import { type ApiDocument, type ApiOperation, below, type LocatedMap } from './api-document.ts';
import type { Fault, Place } from './document-files.ts';
import type { SchemaConverter } from './schema-converter.ts';
import { toTextShape } from './schema-shape.ts';

const PLACES: readonly ParameterPlace[] = ['path', 'query', 'header', 'cookie'];
/** OpenAPI 3.1 §4.8.12.2: styles by place, the first one where none is given. */
const STYLES: Readonly<Record<ParameterPlace, readonly ParameterStyle[]>> = {
  path: ['simple', 'label', 'matrix'],
  query: ['form', 'spaceDelimited', 'pipeDelimited', 'deepObject'],
  header: ['simple'],
  cookie: ['form'],
};
/** OpenAPI 3.1 §4.8.12.2.1: parameters of these names are ignored, since other parts of a document speak of them. */
const IGNORED_HEADERS = new Set(['accept', 'content-type', 'authorization']);
/** Ranges for which `encoding` says something. */
const FORM_RANGES = ['application/x-www-form-urlencoded', 'multipart/form-data'];
const anyShape: TextShape = { types: [] };
const STATUS = /^(?:[1-5]\d\d|[1-5]XX|default)$/;

export interface RulesMeans {
  readonly document: ApiDocument;
  readonly converter: SchemaConverter;
  readonly faults: Fault[];
}

export function toRequestRules(operation: ApiOperation, means: RulesMeans): RequestRules {
  const inPath = new Set(listTemplateNames(operation.path));
  const parameters = operation.parameters.flatMap((parameter) => toParameterRule(parameter, means) ?? []);
  const asked = parameters.filter((rule) => rule.in !== 'path' || inPath.has(rule.name));
  // Those that take what nobody else has taken come last.
  const isSpread = ({ explode, shape, style }: ParameterRule) => explode && style === 'form' && shape.types.includes('object');
  return {
    parameters: [...asked.filter((rule) => !isSpread(rule)), ...asked.filter(isSpread)],
    places: [],
    body: toBodyRule(operation, means),
  };
}

function toParameterRule({ value, place }: LocatedMap, means: RulesMeans): ParameterRule | undefined {
  const { name, in: where } = value;
  const inPlace = PLACES.find((known) => known === where);
  if (!isText(name) || name === '') return fail(means, place, 'a parameter has a `name`');
  if (inPlace === undefined) return fail(means, below(place, 'in'), '`in` is `path`, `query`, `header` or `cookie`');
  if (inPlace === 'header' && IGNORED_HEADERS.has(name.toLowerCase())) return undefined;
  const isRequired = inPlace === 'path' || value['required'] === true;
  return toFieldRule({ name, inPlace, isRequired }, { value, place }, means);
}

/** Of a parameter, or of a field of an answer. */
function toFieldRule(
  { name, inPlace, isRequired }: { readonly name: string; readonly inPlace: ParameterPlace; readonly isRequired: boolean },
  { value, place }: LocatedMap,
  means: RulesMeans,
): ParameterRule | undefined {
  const written = value['style'];
  const style = written === undefined ? STYLES[inPlace][0] : STYLES[inPlace].find((known) => known === written);
  if (style === undefined) {
    const known = STYLES[inPlace].map((one) => `\`${one}\``).join(', ');
    return fail(means, below(place, 'style'), `a parameter in \`${inPlace}\` has one of the styles ${known}`);
  }
  const explode = typeof value['explode'] === 'boolean' ? value['explode'] : style === 'form';
  const { content } = value;
  const [type, media] = isMap(content) ? (Object.entries(content)[0] ?? []) : [];
  const described: LocatedMap =
    type === undefined || !isMap(media) ? { value, place } : { value: media, place: below(place, 'content', type) };
  return {
    in: inPlace,
    name,
    isRequired,
    allowsEmpty: inPlace === 'query' && value['allowEmptyValue'] === true,
    style,
    explode,
    content: type === undefined ? undefined : isJsonType(type) ? 'json' : 'text',
    ...toSchemaParts(described, means),
  };
}

function toBodyRule(operation: ApiOperation, means: RulesMeans): BodyRule | undefined {
  if (operation.value['requestBody'] === undefined) return undefined;
  const located = followMap(operation.value['requestBody'], below(operation.place, 'requestBody'), means);
  if (located === undefined) return undefined;
  return { isRequired: located.value['required'] === true, media: toMediaRules(located, means, false) };
}

export function toAnswerRules(operation: ApiOperation, means: RulesMeans): AnswerRules {
  const { responses } = operation.value;
  const place = below(operation.place, 'responses');
  if (responses === undefined) return { answers: [] };
  if (!isMap(responses)) {
    fail(means, place, '`responses` is a map');
    return { answers: [] };
  }
  return {
    answers: Object.entries(responses).flatMap(([status, response]): AnswerRule[] => {
      if (status.startsWith('x-')) return [];
      const located = followMap(response, below(place, status), means);
      if (located === undefined) return [];
      if (!STATUS.test(status)) {
        fail(means, below(place, status), 'a status is a number such as 200, a range such as 2XX, or `default`');
        return [];
      }
      return [{ status, headers: toHeaderRules(located, means), media: toMediaRules(located, means, true) }];
    }),
  };
}

function toHeaderRules({ value, place }: LocatedMap, means: RulesMeans): ParameterRule[] {
  const { headers } = value;
  if (!isMap(headers)) return [];
  return Object.entries(headers).flatMap(([name, header]) => {
    // OpenAPI 3.1 §4.8.17: `content-type` is what `content` speaks of.
    if (name.toLowerCase() === 'content-type') return [];
    const located = followMap(header, below(place, 'headers', name), means);
    if (located === undefined) return [];
    const isRequired = located.value['required'] === true;
    return toFieldRule({ name: name.toLowerCase(), inPlace: 'header', isRequired }, located, means) ?? [];
  });
}

function toMediaRules({ value, place }: LocatedMap, means: RulesMeans, keepsExamples: boolean): MediaRule[] {
  const { content } = value;
  if (content === undefined) return [];
  if (!isMap(content)) {
    fail(means, below(place, 'content'), '`content` is a map by media type');
    return [];
  }
  return Object.entries(content).flatMap(([type, media]) => {
    const at = below(place, 'content', type);
    const range = readMediaType(type);
    const located = range === undefined ? fail(means, at, `\`${type}\` is no media type`) : followMap(media ?? {}, at, means);
    if (located === undefined || range === undefined) return [];
    const examples = keepsExamples ? toExamples(located, means) : {};
    const { shape, use } = toSchemaParts(located, means);
    // JSON says itself what its values are.
    const textShape = isJsonType(range) ? anyShape : shape;
    const encoding = FORM_RANGES.includes(range) ? toEncodings(located, means) : {};
    return [
      {
        range,
        shape: textShape,
        use,
        ...(Object.keys(encoding).length > 0 && { encoding }),
        ...(Object.keys(examples).length > 0 && { examples }),
      },
    ];
  });
}

/** OpenAPI 3.1 §4.8.15: how properties of a form are written. What is said of the fields of parts is not looked at. */
function toEncodings({ value, place }: LocatedMap, means: RulesMeans): Record<string, PropertyEncoding> {
  const { encoding } = value;
  if (encoding === undefined) return {};
  if (!isMap(encoding)) {
    fail(means, below(place, 'encoding'), '`encoding` is a map by property');
    return {};
  }
  const entries = Object.entries(encoding).flatMap(([name, said]): [string, PropertyEncoding][] => {
    const at = below(place, 'encoding', name);
    const read = isMap(said) ? toEncoding(said, at, means) : fail(means, at, 'expected a map');
    return read === undefined ? [] : [[name, read]];
  });
  return Object.fromEntries(entries);
}

function toEncoding(
  { contentType, style, explode }: Readonly<Record<string, unknown>>,
  place: Place,
  means: RulesMeans,
): PropertyEncoding | undefined {
  const known = STYLES.query.find((one) => one === style);
  if (style !== undefined && known === undefined) {
    const styles = STYLES.query.map((one) => `\`${one}\``).join(', ');
    return fail(means, below(place, 'style'), `a property of a form has one of the styles ${styles}`);
  }
  if (contentType !== undefined && !isText(contentType))
    return fail(means, below(place, 'contentType'), '`contentType` is a media type, or several with commas between them');
  const written = contentType === undefined ? [] : contentType.split(',');
  const ranges = written.flatMap((type) => readMediaType(type) ?? []);
  if (ranges.length < written.length) return fail(means, below(place, 'contentType'), `\`${contentType}\` is no media type`);
  // To say whether values are spread is to say that it is written like a parameter.
  const isLikeParameter = known !== undefined || typeof explode === 'boolean';
  return {
    ranges,
    style: isLikeParameter ? (known ?? 'form') : undefined,
    explode: typeof explode === 'boolean' ? explode : known === undefined || known === 'form',
  };
}

function toExamples({ value, place }: LocatedMap, means: RulesMeans): Record<string, unknown> {
  const { example, examples } = value;
  const named = Object.entries(isMap(examples) ? examples : {}).flatMap(([name, item]): [string, unknown][] => {
    const located = followMap(item, below(place, 'examples', name), means);
    return located === undefined || !('value' in located.value) ? [] : [[name, located.value['value']]];
  });
  return Object.fromEntries([...(example === undefined ? [] : [['', example] as const]), ...named]);
}

function toSchemaParts({ value, place }: LocatedMap, means: RulesMeans): Pick<MediaRule, 'use' | 'shape'> {
  const { schema } = value;
  if (schema === undefined) return { shape: anyShape, use: undefined };
  const at = below(place, 'schema');
  return { shape: toTextShape(schema, at, means.document.references), use: means.converter.convert(schema, at) };
}

function followMap(value: unknown, place: Place, { document, faults }: RulesMeans): LocatedMap | undefined {
  const located = document.references.follow(value, place);
  if (located === undefined) return undefined;
  if (isMap(located.value)) return { value: located.value, place: located.place };
  faults.push({ place: located.place, message: 'expected a map' });
  return undefined;
}

function fail({ faults }: RulesMeans, place: Place, message: string): undefined {
  faults.push({ place, message });
}
