import { execFile } from 'node:child_process';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { eventReasons, reasons } from '@operator/api';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { packageCharts } from '../charts/package.ts';
import { startControlPlane, type ControlPlane } from '../local/index.ts';
import { installCrds } from '../local/crds.ts';
import { obtainServers } from '../local/servers/obtain.ts';
import { projectRoot } from '../paths.ts';
import { fieldsOf, kubectlIn, wordsOf } from './commands.ts';

/*
 * What runbooks and troubleshooting tell people to type at night, typed once: into a cluster with what the chart installs, a Pod for
 * each of its Deployments, and an object of each kind. Nobody runs the Pods.
 */

const run = promisify(execFile);
const operator = 's3-operator';
const team = 'team-a';
/** What a page leaves to its reader. */
const placeholders: Readonly<Record<string, string>> = { NAMESPACE: team, KIND: 'bucket', NAME: 'photos' };

const runbooks = (await readdir(join(projectRoot, 'docs/runbooks'))).map((page) => `runbooks/${page}`);
const commands = (
  await Promise.all(
    [...runbooks, 'troubleshooting.md', 'sharding.md'].map(async (page) =>
      kubectlIn(page, await readFile(join(projectRoot, 'docs', page), 'utf8')),
    ),
  )
).flat();

interface Deployment {
  readonly metadata: { readonly name: string };
  readonly spec: { readonly template: { readonly metadata: object; readonly spec: object } };
}

let dir: string;
let controlPlane: ControlPlane;

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'commands-'));
  const { helm } = await obtainServers(['helm']);
  const [charts, started] = await Promise.all([
    packageCharts(helm, join(dir, 'packaged')),
    startControlPlane({ dir: join(dir, 'control-plane') }),
  ]);
  controlPlane = started;
  const { kubectl } = controlPlane;
  const apply = (...objects: readonly object[]) =>
    kubectl(['apply', '-f', '-'], JSON.stringify({ apiVersion: 'v1', kind: 'List', items: objects }));
  await installCrds(kubectl);
  for (const namespace of [operator, team]) await kubectl(['create', 'namespace', namespace]);
  const chart = charts.get('s3-provider-operator') ?? '';
  const { stdout } = await run(helm, ['template', operator, chart, `--namespace=${operator}`]);
  await kubectl(['apply', '-f', '-'], stdout);
  const list = JSON.parse(await kubectl(['get', 'deployments', `--namespace=${operator}`, '-o', 'json'])) as {
    readonly items: readonly Deployment[];
  };
  const pods = list.items.map(({ metadata: { name }, spec: { template } }) => ({
    apiVersion: 'v1',
    kind: 'Pod',
    metadata: { ...template.metadata, namespace: operator, name },
    spec: template.spec,
  }));
  expect(pods).toHaveLength(4);
  await apply(...pods, ...pods.slice(0, 1).map((pod) => ({ ...pod, metadata: { ...pod.metadata, name: 'photos' } })));
  const secret = { name: 'photos' };
  const specs = {
    Provider: {
      type: 'minio',
      endpoint: 'https://s3.example.com',
      region: 'us-east-1',
      auth: { accessKeySecretRef: secret, secretKeySecretRef: secret },
    },
    Bucket: { providerRef: secret, name: 'photos' },
    BucketPolicy: {
      bucketRef: secret,
      policy: {
        statement: [{ effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::photos/*' }],
      },
    },
    AccessKey: { providerRef: secret },
  };
  for (const namespace of [team, 'default'])
    await apply(
      ...Object.entries(specs).map(([kind, spec]) => ({
        apiVersion: 's3.cloud37.dev/v1alpha1',
        kind,
        metadata: { namespace, name: 'photos' },
        spec,
      })),
    );
  // What kubectl sorts by must be there.
  const rotation = JSON.stringify({ status: { nextRotateTime: '2026-12-24T10:00:00Z' } });
  await kubectl(['patch', 'accesskey', 'photos', '-n', team, '--subresource=status', '--type=merge', '-p', rotation]);
}, 120_000);
afterAll(async () => {
  await controlPlane.stop();
  await rm(dir, { recursive: true });
});

/** Nobody runs the Pods, so there is no log: that a Pod was found is what can be known. */
const noNode = 'does not have a host assigned';

const flagOf = (words: readonly string[], ...names: readonly string[]): string | undefined => {
  const at = words.findIndex((word) => names.includes(word));
  return at < 0 ? undefined : words[at + 1];
};

describe('the commands of the pages', () => {
  it('are found', () => {
    expect(new Set(commands.map(({ page }) => page)).size).toBeGreaterThan(10);
  });

  it.each(commands)('$page: $command', async ({ command }) => {
    const [, ...words] = wordsOf(command).map((word) => placeholders[word] ?? word);
    const said = await controlPlane.kubectl(words).catch((error: unknown) => {
      const { stderr } = error as { readonly stderr: string };
      if (words.includes('logs') && stderr.includes(noNode)) return '';
      throw error;
    });
    expect(said).not.toContain('error:');

    const labels = flagOf(words, '-l', '--selector');
    const namespace = flagOf(words, '-n', '--namespace');
    if (labels !== undefined) {
      const found = await controlPlane.kubectl([
        'get',
        'pods',
        '-n',
        namespace ?? 'default',
        '-l',
        labels,
        '-o',
        'name',
      ]);
      expect(found, `Pods with ${labels}`).not.toBe('');
    }
    const reason = /^reason=(\w+)$/.exec(flagOf(words, '--field-selector') ?? '')?.[1];
    if (reason !== undefined) expect({ ...reasons, ...eventReasons }).toHaveProperty(reason);
    const kind = words[words.indexOf('get') + 1] ?? '';
    for (const field of fieldsOf(words)) await controlPlane.kubectl(['explain', `${kind}.${field}`]);
  });
});
