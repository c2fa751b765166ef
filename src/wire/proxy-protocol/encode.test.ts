import assert from 'node:assert/strict';
import { test } from 'node:test';
import { limits } from '#base/limits.ts';
import { writeV2 } from '#test/support/proxy-headers.ts';
import { encodeProxyHeaderV1, encodeProxyHeaderV2, toTextTlv, toTlsTlv } from './encode.ts';
import { TlvType } from './header.ts';

const ipv4 = { source: { address: '192.0.2.1', port: 40_000 }, destination: { address: '198.51.100.7', port: 443 } };
const ipv6 = { source: { address: '2001:db8::1', port: 1 }, destination: { address: '::1', port: 65_535 } };

test('a header line names family, addresses and ports', () => {
  const cases: [addresses: Parameters<typeof encodeProxyHeaderV1>[0], line: string][] = [
    [ipv4, 'PROXY TCP4 192.0.2.1 198.51.100.7 40000 443\r\n'],
    [ipv6, 'PROXY TCP6 2001:db8::1 ::1 1 65535\r\n'],
    [{ source: ipv4.source, destination: ipv6.destination }, 'PROXY TCP6 ::ffff:192.0.2.1 ::1 40000 65535\r\n'],
    [undefined, 'PROXY UNKNOWN\r\n'],
    // A client that came over a Unix socket has no address.
    [{ source: { address: '', port: 0 }, destination: ipv4.destination }, 'PROXY UNKNOWN\r\n'],
  ];
  for (const [addresses, line] of cases) assert.equal(encodeProxyHeaderV1(addresses).toString('latin1'), line);
});

test('a binary header has its addresses and then its TLVs', () => {
  assert.deepEqual(encodeProxyHeaderV2(ipv4, []), writeV2());
  const tlvs = [toTextTlv(TlvType.alpn, 'h2'), toTextTlv(TlvType.authority, 'shop.example.com')];
  assert.deepEqual(encodeProxyHeaderV2(ipv4, tlvs), writeV2({ tlvs }));
  const block = Buffer.from(`20010db8${'00'.repeat(11)}01${'00'.repeat(15)}010001ffff`, 'hex');
  assert.deepEqual(encodeProxyHeaderV2(ipv6, []), writeV2({ family: 0x21, block }));
});

test('a binary header without addresses is LOCAL and has nothing else either', () => {
  const empty = writeV2({ versionCommand: 0x20, family: 0, block: Buffer.alloc(0) });
  assert.deepEqual(encodeProxyHeaderV2(undefined, [toTextTlv(TlvType.alpn, 'h2')]), empty);
});

test('TLVs that do not fit any more are left out', () => {
  const large = { type: 0xe0, value: Buffer.alloc(limits.proxyHeaderBytesMax - 16 - 12 - 3) };
  const small = { type: 0xe1, value: Buffer.alloc(0) };
  assert.deepEqual(encodeProxyHeaderV2(ipv4, [large, small]), writeV2({ tlvs: [large] }));
  assert.deepEqual(encodeProxyHeaderV2(ipv4, [small, large]), writeV2({ tlvs: [small] }));
});

test('what a client speaks over TLS stands in TLVs within a TLV', () => {
  const facts = { version: 'TLSv1.3', cipher: 'TLS_AES_128_GCM_SHA256' };
  const plain = toTlsTlv({ ...facts, clientCertificate: undefined });
  assert.equal(plain.type, 0x20);
  assert.equal(plain.value.toString('latin1'), '\x01\0\0\0\x01\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_128_GCM_SHA256');
  const verified = toTlsTlv({ ...facts, clientCertificate: { commonName: 'alice', isVerified: true } });
  assert.equal(verified.value.toString('latin1'), '\x07\0\0\0\0\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_128_GCM_SHA256\x22\0\x05alice');
  const unverified = toTlsTlv({ ...facts, clientCertificate: { commonName: undefined, isVerified: false } });
  assert.equal(unverified.value.toString('latin1'), '\x07\0\0\0\x01\x21\0\x07TLSv1.3\x23\0\x16TLS_AES_128_GCM_SHA256');
});
