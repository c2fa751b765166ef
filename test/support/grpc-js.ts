/**
 * The library of gRPC for Node on both sides of a gateway. Its service is written down by hand instead of in a `.proto` file:
 * messages are bytes, as they are to the gateway.
 */
import type { EventEmitter } from 'node:events';
import type { TestContext } from 'node:test';
import {
  type CallOptions,
  type ChannelOptions,
  Client,
  type ClientDuplexStream,
  type ClientReadableStream,
  type ClientUnaryCall,
  type ClientWritableStream,
  credentials,
  type handleBidiStreamingCall,
  type handleClientStreamingCall,
  type handleServerStreamingCall,
  type handleUnaryCall,
  Metadata,
  Server,
  ServerCredentials,
  type ServiceDefinition,
  type StatusObject,
} from '@grpc/grpc-js';
import type { GatewayInput } from '#config/define-gateway.ts';
import { certificatePaths, certificates } from './certificates.ts';
import type { FakeClock } from './fake-clock.ts';
import { startGatewayFor } from './forwarding.ts';
import type { TestGateway } from './test-gateway.ts';

/** What the handlers of a test do; a method without one is answered UNIMPLEMENTED by the library. */
export interface ShopHandlers {
  Get?: handleUnaryCall<Buffer, Buffer>;
  Upload?: handleClientStreamingCall<Buffer, Buffer>;
  Watch?: handleServerStreamingCall<Buffer, Buffer>;
  Chat?: handleBidiStreamingCall<Buffer, Buffer>;
}

const SHOP = 'shop.v1.Shop';

/** The service under a name, with a method of each kind. */
function defineShop(name = SHOP): ServiceDefinition {
  const method = (method: string, requestStream: boolean, responseStream: boolean) => ({
    path: `/${name}/${method}`,
    requestStream,
    responseStream,
    requestSerialize: asIs,
    requestDeserialize: asIs,
    responseSerialize: asIs,
    responseDeserialize: asIs,
  });
  return {
    Get: method('Get', false, false),
    Upload: method('Upload', true, false),
    Watch: method('Watch', false, true),
    Chat: method('Chat', true, true),
  };
}

function asIs(bytes: Buffer): Buffer {
  return bytes;
}

export interface ShopServer {
  readonly url: string;
  readonly server: Server;
}

export interface ShopServerOptions {
  readonly isSecure?: boolean;
  readonly channel?: ChannelOptions;
  readonly names?: readonly string[];
}

/** A server of the library on a free port. */
export async function startShopServer(
  t: TestContext,
  handlers: ShopHandlers,
  { isSecure = false, channel = {}, names = [SHOP] }: ShopServerOptions = {},
): Promise<ShopServer> {
  const server = new Server(channel);
  for (const name of names) server.addService(defineShop(name), { ...handlers });
  const { cert, key } = certificates.localhost;
  const keys = isSecure
    ? ServerCredentials.createSsl(null, [{ cert_chain: cert, private_key: key }])
    : ServerCredentials.createInsecure();
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', keys, (error, bound) => (error === null ? resolve(bound) : reject(error)));
  });
  t.after(() => server.forceShutdown());
  return { server, url: isSecure ? `https://localhost:${port}` : `http://127.0.0.1:${port}` };
}

/** Settings of a service whose endpoints are servers of gRPC. */
export function toShopService(...servers: readonly ShopServer[]): NonNullable<GatewayInput['services']>[string] {
  const endpoints = servers.map(({ url }) => url) as [string, ...string[]];
  const isSecure = endpoints.some((url) => url.startsWith('https:'));
  return { endpoints, protocol: 'http2', ...(isSecure && { tls: { ca: certificatePaths.authority } }) };
}

const tls = { certificates: [{ cert: certificatePaths.localhostCert, key: certificatePaths.localhostKey }] };
/** More at a time than most listeners should allow. */
const http2 = { streams: 2_000 };
export const shopListeners: NonNullable<GatewayInput['listeners']> = {
  web: { address: '127.0.0.1:0', http2 },
  secure: { address: '127.0.0.1:0', http2, tls },
};

/** A gateway in front of servers, with a listener of each kind. */
export function startShopGateway(
  t: TestContext,
  servers: readonly ShopServer[],
  gateway: Partial<GatewayInput> = {},
  clock?: FakeClock,
): Promise<TestGateway> {
  return startGatewayFor(t, {
    service: toShopService(...servers),
    gateway: { listeners: shopListeners, ...gateway },
    ...(clock !== undefined && { clock }),
  });
}

export interface ShopClientOptions {
  readonly isSecure?: boolean;
  readonly channel?: ChannelOptions;
  /** Where the gateway listens; 127.0.0.1 when not given. */
  readonly host?: string;
}

/** A client with a connection of its own. */
export function openShopClient(
  t: TestContext,
  gateway: TestGateway,
  { isSecure = false, channel = {}, host = '127.0.0.1' }: ShopClientOptions = {},
): ShopClient {
  const client = new Client(
    `${host}:${gateway.port(isSecure ? 'secure' : 'web')}`,
    isSecure ? credentials.createSsl(certificates.authority) : credentials.createInsecure(),
    {
      'grpc.use_local_subchannel_pool': 1,
      ...(isSecure && { 'grpc.ssl_target_name_override': 'localhost', 'grpc.default_authority': 'localhost' }),
      ...channel,
    },
  );
  t.after(() => client.close());
  return new ShopClient(client);
}

export interface CallSettings {
  readonly metadata?: Metadata;
  readonly options?: CallOptions;
  readonly name?: string;
}

/** The methods of the service, each under the name that it has there. */
export class ShopClient {
  readonly client: Client;

  constructor(client: Client) {
    this.client = client;
  }

  get(message: Buffer, { metadata = new Metadata(), options = {}, name = SHOP }: CallSettings = {}): Call<ClientUnaryCall> {
    const messages: Buffer[] = [];
    const call = this.client.makeUnaryRequest(`/${name}/Get`, asIs, asIs, message, metadata, options, (_, answer) => {
      if (answer !== undefined) messages.push(answer);
    });
    return { call, outcome: follow(call, messages) };
  }

  upload({ metadata = new Metadata(), options = {}, name = SHOP }: CallSettings = {}): Call<ClientWritableStream<Buffer>> {
    const messages: Buffer[] = [];
    const call = this.client.makeClientStreamRequest(`/${name}/Upload`, asIs, asIs, metadata, options, (_, answer) => {
      if (answer !== undefined) messages.push(answer);
    });
    return { call, outcome: follow(call, messages) };
  }

  watch(
    message: Buffer,
    { metadata = new Metadata(), options = {}, name = SHOP }: CallSettings = {},
  ): Call<ClientReadableStream<Buffer>> {
    const call = this.client.makeServerStreamRequest(`/${name}/Watch`, asIs, asIs, message, metadata, options);
    return { call, outcome: followStream(call) };
  }

  chat({ metadata = new Metadata(), options = {}, name = SHOP }: CallSettings = {}): Call<ClientDuplexStream<Buffer, Buffer>> {
    const call = this.client.makeBidiStreamRequest(`/${name}/Chat`, asIs, asIs, metadata, options);
    return { call, outcome: followStream(call) };
  }
}

export interface Call<Kind> {
  readonly call: Kind;
  readonly outcome: Promise<Outcome>;
}

/** All that a client is told of a call. */
export interface Outcome {
  readonly messages: readonly Buffer[];
  /** Of the answer's head; there is none when the answer is trailers alone. */
  readonly metadata: Metadata | undefined;
  readonly status: StatusObject;
}

function followStream(call: ClientReadableStream<Buffer>): Promise<Outcome> {
  const messages: Buffer[] = [];
  call.on('data', (message: Buffer) => messages.push(message));
  // The status says the same.
  call.on('error', () => undefined);
  return follow(call, messages);
}

function follow(call: EventEmitter, messages: readonly Buffer[]): Promise<Outcome> {
  return new Promise((resolve) => {
    let metadata: Metadata | undefined;
    call.on('metadata', (received: Metadata) => {
      metadata = received;
    });
    call.on('status', (status: StatusObject) => resolve({ messages, metadata, status }));
  });
}
