import { mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import {
  CreateBucketCommand,
  DeleteBucketCommand,
  GetBucketTaggingCommand,
  GetObjectCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
  PutObjectCommand,
  type S3Client,
} from '@aws-sdk/client-s3';
import { independentClient } from '@operator/testing/independent-client';
import { afterAll, afterEach, beforeAll, describe, expect, it } from 'vitest';
import { startCommand, type Command } from '../harness/command.ts';
import { startVersitygw, type S3Server } from '../local/s3-servers.ts';
import { keptReport } from './kept.ts';
import { countsOf, readReport, verdictsOf } from './report.ts';
import { runConformance, startOwn } from './run.ts';

/** A run is a minute on two cores; only what hangs is meant to end by this. */
const patience = { timeout: 900_000 };

describe('the conformance suite', () => {
  it.each(['minio', 'versitygw'] as const)('finds on %s what its kept report says', patience, async (name) => {
    const ended = new AbortController();
    const lines: string[] = [];
    const log = (line: string) => void lines.push(line);
    const { target, stop } = await startOwn(name, { log, signal: ended.signal });
    try {
      const report = await runConformance(target, {
        bucketPrefix: 'ci-',
        profiles: ['Bucket', 'Policy', 'Keys', 'Events'],
        parallel: 8,
        log,
        signal: ended.signal,
        howToReproduce: `npm run conformance -- --server ${name}`,
      });
      const kept = keptReport(name);
      if (kept === undefined) throw new Error(`docs/conformance has no ${name}.yaml`);
      expect(verdictsOf(report), lines.filter((line) => /FAILED|seen:/.test(line)).join('\n')).toEqual(
        verdictsOf(kept),
      );
      const { passed, failed } = countsOf(report);
      expect(passed + failed).toBeGreaterThanOrEqual(150);
    } finally {
      await stop();
    }
  });
});

describe('npm run conformance', () => {
  let dir: string;
  let server: S3Server;
  let client: S3Client;
  let command: Command | undefined;
  const content = Buffer.from(Array.from({ length: 4096 }, (_, index) => index % 256));

  beforeAll(async () => {
    dir = mkdtempSync(join(tmpdir(), 'conformance-spec-'));
    server = await startVersitygw({ dir: join(dir, 'server') });
    client = independentClient(server);
    // Names as near to those of a run as they can be; one has tags that are almost those of a run.
    for (const Bucket of ['their-bucket', 'try-their-bucket', 'try-0a1b2c3d-theirs']) {
      await client.send(new CreateBucketCommand({ Bucket }));
      await client.send(new PutObjectCommand({ Bucket, Key: 'a/key', Body: content }));
      const TagSet = [{ Key: 's3.cloud37.dev/namespace', Value: 'team-a' }];
      await client.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
    }
  });
  afterEach(async () => {
    await command?.destroy();
    command = undefined;
  });
  afterAll(async () => {
    client.destroy();
    await server.stop();
    rmSync(dir, { recursive: true, force: true });
  });

  const start = (args: readonly string[], env: Readonly<Record<string, string>> = {}) => {
    const tmp = mkdtempSync(join(dir, 'tmp-'));
    const { accessKey, secretKey } = server;
    const credentials = { AWS_ACCESS_KEY_ID: accessKey, AWS_SECRET_ACCESS_KEY: secretKey };
    command = startCommand(['conformance', ...args], { tmp, env: { ...credentials, ...env } });
    return command;
  };
  const theirs = () => ['--type', 'custom', '--endpoint', server.endpoint, '--bucket-prefix', 'try-'];
  const bucketNames = async () =>
    (await client.send(new ListBucketsCommand({}))).Buckets?.map(({ Name }) => Name) ?? [];
  const onlyTheirs = ['their-bucket', 'try-0a1b2c3d-theirs', 'try-their-bucket'];
  const expectUntouched = async () => {
    expect((await bucketNames()).sort()).toEqual(onlyTheirs);
    for (const Bucket of onlyTheirs) {
      const { Body } = await client.send(new GetObjectCommand({ Bucket, Key: 'a/key' }));
      expect(Buffer.from((await Body?.transformToByteArray()) ?? []).equals(content)).toBe(true);
      const { TagSet } = await client.send(new GetBucketTaggingCommand({ Bucket }));
      expect(TagSet).toEqual([{ Key: 's3.cloud37.dev/namespace', Value: 'team-a' }]);
    }
  };

  it('writes a report, removes what it made and touches nothing else', patience, async () => {
    const path = join(dir, 'report.yaml');
    const run = start([...theirs(), '--profiles', 'Events', '--report', path]);
    await run.ended;
    const report = readReport(readFileSync(path, 'utf8'));
    expect(report.profiles.map(({ name }) => name)).toEqual(['Events']);
    expect(report.howToReproduce).toContain(`--endpoint ${server.endpoint}`);
    expect(readFileSync(path, 'utf8') + run.output()).not.toContain(server.secretKey);
    expect(run.output()).toMatch(/\[ {2}1\] (passed|FAILED)/);
    expect(await run.ended).toBe(countsOf(report).failed === 0 ? 0 : 1);
    await expectUntouched();
  });

  it('removes what it made after Ctrl-C too', patience, async () => {
    const run = start([...theirs(), '--profiles', 'Bucket']);
    await run.untilSaid('[ 12', 300_000);
    expect((await bucketNames()).length).toBeGreaterThan(onlyTheirs.length);
    run.interrupt();
    expect(await run.ended).toBe(130);
    await run.untilGone();
    await expectUntouched();
  });

  it('removes with --clean what a killed run left, and only that', patience, async () => {
    const run = start([...theirs(), '--profiles', 'Bucket']);
    await run.untilSaid('[ 12', 300_000);
    await run.destroy();
    await run.untilGone();
    expect((await bucketNames()).length).toBeGreaterThan(onlyTheirs.length);
    const clean = start(['--clean', ...theirs()]);
    expect(await clean.ended).toBe(0);
    expect(clean.output()).toContain('left alone: try-their-bucket has no owner tags of a conformance run');
    // Killed between the creation of a bucket and its tags, a run leaves one that nothing proves to be its own.
    for (const [, name = ''] of clean.output().matchAll(/left alone: (\S+) has no owner tags/g))
      if (!onlyTheirs.includes(name)) await client.send(new DeleteBucketCommand({ Bucket: name }));
    await expectUntouched();
  });

  it.each([
    [
      'no credentials',
      {},
      { AWS_ACCESS_KEY_ID: '', AWS_SECRET_ACCESS_KEY: '', HOME: '/nonexistent' },
      'There are no credentials.',
    ],
    [
      'wrong credentials',
      {},
      { AWS_ACCESS_KEY_ID: 'unknown', AWS_SECRET_ACCESS_KEY: 'none' },
      'refuses ListBuckets with these credentials',
    ],
    [
      'a server that does not answer',
      { '--endpoint': 'http://127.0.0.1:1' },
      {},
      'http://127.0.0.1:1 does not answer: ECONNREFUSED',
    ],
    ['a wrong type', { '--type': 'gcs' }, {}, '--type is "gcs"'],
  ])('says what is wrong with %s, and ends with status 2', patience, async (_title, change, env, message) => {
    const args = Object.entries({ '--type': 'custom', '--endpoint': server.endpoint, ...change }).flat();
    const run = start(args, env);
    expect(await run.ended).toBe(2);
    expect(run.output()).toContain(message);
  });
});
