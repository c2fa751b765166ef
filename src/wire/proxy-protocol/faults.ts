/** Every way in which bytes can fail to be a PROXY protocol header. */
export const proxyFaults = {
  missing: 'the bytes do not begin with a PROXY protocol header',
  lineTooLong: 'the header line does not end within 107 bytes',
  lineEnd: 'the header line does not end in CRLF',
  line: 'the header line is not PROXY, family, two addresses and two ports, with one space between',
  family: 'the address family is unknown',
  address: 'an address is not one of the announced family',
  port: 'a port is not a number from 0 to 65535',
  version: 'the version is neither 1 nor 2',
  command: 'the command is neither LOCAL nor PROXY',
  transport: 'the transport protocol is unknown',
  tooLong: 'the header is longer than this gateway accepts',
  tooShort: 'the header is shorter than the addresses of its family',
  tlv: 'a TLV reaches beyond the header',
  checksum: 'the checksum is wrong, or given more than once',
} as const;

export type ProxyFault = keyof typeof proxyFaults;
