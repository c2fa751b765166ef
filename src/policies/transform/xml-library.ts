import { Library } from '#base/library.ts';

export const xmlLibrary = new Library(
  'XML',
  async () => {
    const { XmlCodec } = await import('./xml-codec.ts');
    return new XmlCodec();
  },
  (codec) => codec.write(codec.read('<a b="1"><c>d</c></a>')),
);
