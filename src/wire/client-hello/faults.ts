/** Every way in which the first bytes of a connection can fail to be a TLS ClientHello. */
export const helloFaults = {
  notTls: 'the bytes are not a TLS handshake record',
  recordLength: 'a record is empty or longer than TLS allows',
  notHello: 'the handshake does not begin with a ClientHello',
  tooLong: 'the ClientHello is longer than this gateway accepts',
  malformed: 'a length in the ClientHello does not fit',
  repeatedExtension: 'the ClientHello has an extension twice',
  serverName: 'the ClientHello names no server, or several, in its server name extension',
} as const;

export type HelloFault = keyof typeof helloFaults;
