import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutObjectCommand,
  GetObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { startCommand, type Command } from '../harness/command.ts';
import { listeningAddresses } from '../harness/listening-addresses.ts';
import { isRunning } from '../lock.mjs';
import { cephProcesses, startCeph } from './ceph.ts';
import type { S3Server } from './s3-servers.ts';
import { localPaths, readState } from './state.ts';

let dir: string;
beforeAll(() => (dir = mkdtempSync(join(tmpdir(), 'ceph-'))));
afterAll(() => rmSync(dir, { recursive: true }));

const clientOf = ({ endpoint, region, accessKey, secretKey }: S3Server) =>
  new S3Client({
    endpoint,
    region,
    forcePathStyle: true,
    credentials: { accessKeyId: accessKey, secretAccessKey: secretKey },
  });
/** What a server keeps over a restart: all that is no process and no function. */
const lasting = (server: S3Server) => JSON.stringify({ ...server, pid: 0 });
/** Mounts below Debian systems of the cache, as this process sees them. */
const mounts = () =>
  readFileSync('/proc/self/mountinfo', 'utf8')
    .split('\n')
    .filter((line) => line.includes('/ceph/forky/'));

describe('Ceph RGW', () => {
  it('listens on loopback alone, and comes back with what it held', async () => {
    const pids: number[] = [];
    const onStart = ({ pid }: { readonly pid: number }) => pids.push(pid);
    const server = await startCeph({ dir: join(dir, 'one'), onStart });
    expect(pids).toHaveLength(3);
    const addresses = pids.flatMap(listeningAddresses);
    expect(addresses).toContain(server.endpoint.replace('http://', ''));
    expect(addresses.filter((address) => !address.startsWith('127.0.0.1:'))).toEqual([]);
    await clientOf(server).send(new CreateBucketCommand({ Bucket: 'made-here' }));
    await clientOf(server).send(new PutObjectCommand({ Bucket: 'made-here', Key: 'kept', Body: 'content' }));
    await server.stop();

    const port = Number(new URL(server.endpoint).port);
    const again = await startCeph({ dir: join(dir, 'one'), port });
    expect(lasting(again)).toBe(lasting(server));
    const { Buckets } = await clientOf(again).send(new ListBucketsCommand());
    expect(Buckets?.map(({ Name }) => Name)).toEqual(['made-here']);
    const { Body } = await clientOf(again).send(new GetObjectCommand({ Bucket: 'made-here', Key: 'kept' }));
    expect(await Body?.transformToString()).toBe('content');
    expect(mounts()).toEqual([]);
    await again.stop();
  });
});

describe('npm run local with ceph', () => {
  let last: Command;
  const state = () => join(dir, 'state');
  const local = async (...args: readonly string[]) => {
    last = startCommand(['local', ...args, '--state', state()], { tmp: dir });
    return { status: await last.ended, output: last.output() };
  };
  afterAll(() => last.destroy());

  it('brings it up, and ends it by its processes; nothing stays mounted', { timeout: 300_000 }, async () => {
    const up = await local('up', '--servers', 'ceph');
    expect(up.status, up.output).toBe(0);
    const { processes, servers } = readState(localPaths(state()));
    expect(processes.map(({ name }) => name)).toEqual(expect.arrayContaining([...cephProcesses]));
    expect(servers.map(({ name }) => name)).toEqual(['ceph']);
    const down = await local('down');
    expect(down.status, down.output).toBe(0);
    expect(processes.filter(isRunning)).toEqual([]);
    expect(mounts()).toEqual([]);
  });
});
