/** The service of `grpc-echo.ts`, with the library of gRPC for Node. Usage: node bench/support/grpc-server-program.ts; prints its port. */
import { type handleUnaryCall, Server, ServerCredentials } from '@grpc/grpc-js';
import { echoService } from './grpc-echo.ts';

const Get: handleUnaryCall<Buffer, Buffer> = (call, answer) => answer(null, call.request);

/** The message says how many calls there will be; they are answered when that many are there. */
const held: (() => void)[] = [];
const Hold: handleUnaryCall<Buffer, Buffer> = (call, answer) => {
  held.push(() => answer(null, call.request));
  if (held.length >= Number(call.request.toString('latin1'))) for (const release of held.splice(0)) release();
};

// It never outlives the benchmark that started it.
process.stdin.resume().once('end', () => process.exit());
const server = new Server();
server.addService(echoService, { Get, Hold });
server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, port) => {
  if (error !== null) throw error;
  process.stdout.write(`port ${port}\n`);
});
