import { XMLBuilder, XMLParser, XMLValidator } from 'fast-xml-parser';

/** Elements in one another. */
const XML_DEPTH_MAX = 64;
const ATTRIBUTE_MARK = '@';
const TEXT_MEMBER = '#text';

/** The library with the one set of options that we use: texts stay texts, and nothing is declared inside of a document. */
export class XmlCodec {
  readonly #parser = new XMLParser({
    ignoreAttributes: false,
    attributeNamePrefix: ATTRIBUTE_MARK,
    textNodeName: TEXT_MEMBER,
    parseTagValue: false,
    parseAttributeValue: false,
    trimValues: true,
    // Characters by their number are among them.
    htmlEntities: true,
    ignoreDeclaration: true,
    ignorePiTags: true,
    maxNestedTags: XML_DEPTH_MAX,
    onDangerousProperty: refuseName,
  });
  readonly #builder = new XMLBuilder({
    ignoreAttributes: false,
    attributeNamePrefix: ATTRIBUTE_MARK,
    textNodeName: TEXT_MEMBER,
    suppressBooleanAttributes: false,
    maxNestedTags: XML_DEPTH_MAX,
  });

  /** What is wrong with a document; `undefined` when it is well-formed. The library's own words repeat what was sent, so they are not used. */
  findProblem(text: string): string | undefined {
    const outcome = XMLValidator.validate(text);
    return outcome === true ? undefined : `${outcome.err.code} in line ${outcome.err.line}`;
  }

  /** Throws where a name cannot be one of a member. */
  read(text: string): unknown {
    return this.#parser.parse(text) as unknown;
  }

  write(value: unknown): string {
    return this.#builder.build(value);
  }
}

function refuseName(name: string): never {
  throw new TypeError(`the name ${name} is not taken`);
}
