import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { redact } from '@operator/outcome';
import { connectionTo } from './builders.ts';
import type { ServerUnderTest } from './conformance.ts';

/** A server that was started for a test, as its administrator reaches it. */
export interface StartedServer {
  readonly endpoint: string;
  readonly iamEndpoint?: string;
  readonly adminEndpoint?: string;
  readonly region: string;
  readonly accessKey: string;
  readonly secretKey: string;
  stop(): Promise<void>;
}

/** Starts a server in a new temporary folder, which goes with it. */
export const startUnderTest =
  (start: (options: { readonly dir: string }) => Promise<StartedServer>) => async (): Promise<ServerUnderTest> => {
    const dir = await mkdtemp(join(tmpdir(), 'under-test-'));
    const server = await start({ dir });
    const { endpoint, iamEndpoint, adminEndpoint, region, accessKey, secretKey } = server;
    return {
      connection: connectionTo(endpoint, {
        region,
        ...(iamEndpoint === undefined ? {} : { iamEndpoint }),
        ...(adminEndpoint === undefined ? {} : { adminEndpoint }),
        credentials: { accessKeyId: accessKey, secretAccessKey: redact(secretKey) },
      }),
      async stop() {
        await server.stop();
        await rm(dir, { recursive: true });
      },
    };
  };
