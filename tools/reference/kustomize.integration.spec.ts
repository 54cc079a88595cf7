import { execFile } from 'node:child_process';
import { cp, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { afterAll, beforeAll, expect, it } from 'vitest';
import { parseAllDocuments, stringify } from 'yaml';
import { obtainServers } from '../local/servers/obtain.ts';
import { projectRoot } from '../paths.ts';

const run = promisify(execFile);
let dir: string;
let kubectl: string;

beforeAll(async () => {
  ({ kubectl } = await obtainServers(['kubectl']));
  dir = await mkdtemp(join(tmpdir(), 'kustomize-'));
  await cp(join(projectRoot, 'docs/examples'), join(dir, 'examples'), { recursive: true });
  await cp(join(projectRoot, 'kustomize'), join(dir, 'kustomize'), { recursive: true });
});
afterAll(() => rm(dir, { recursive: true }));

interface Named {
  readonly kind: string;
  readonly metadata: { readonly name: string };
  readonly spec: unknown;
}

/** What kustomize makes of this kustomization.yaml, by kind. */
const built = async (kustomization: string): Promise<Readonly<Record<string, Named>>> => {
  await writeFile(join(dir, 'kustomization.yaml'), kustomization);
  const { stdout } = await run(kubectl, ['kustomize', dir]);
  const objects = parseAllDocuments(stdout).map((document) => document.toJS() as Named);
  return Object.fromEntries(objects.map((object) => [object.kind, object]));
};

const workload = (kind: string) =>
  stringify({
    apiVersion: 'apps/v1',
    kind,
    metadata: { name: kind.toLowerCase() },
    spec: { selector: { matchLabels: { app: 'a' } }, template: { metadata: { labels: { app: 'a' } } } },
  });

it('the kustomization of docs/gitops.md gives references the names that objects get', async () => {
  const page = await readFile(join(projectRoot, 'docs/gitops.md'), 'utf8');
  const [, shown = ''] = /<!-- kustomization -->\n\n```yaml\n(.*?)```/s.exec(page) ?? [];
  const remote = /https:\/\/github\.com\/cloud37\/wasabi-s3-operator\/\/kustomize\?ref=\S+/;
  expect(shown).toMatch(remote);
  const objects = await built(shown.replace(remote, 'kustomize'));
  const secret = objects.Secret?.metadata.name ?? '';
  expect(secret).toMatch(/^dev-quickstart-provider-[a-z0-9]{10}$/);
  expect(objects).toMatchObject({
    Provider: {
      metadata: { name: 'dev-quickstart' },
      spec: { auth: { accessKeySecretRef: { name: secret }, secretKeySecretRef: { name: secret } } },
    },
    Bucket: { metadata: { name: 'dev-quickstart' }, spec: { providerRef: { name: 'dev-quickstart' } } },
    BucketPolicy: { metadata: { name: 'dev-quickstart' }, spec: { bucketRef: { name: 'dev-quickstart' } } },
    AccessKey: {
      spec: {
        providerRef: { name: 'dev-quickstart' },
        access: [{ bucketRef: { name: 'dev-quickstart' } }],
        secretName: 'quickstart-credentials',
      },
    },
  });
});

it('references deep in a spec, and workloads that are restarted, follow too', async () => {
  const workloads = ['Deployment', 'StatefulSet', 'DaemonSet'];
  for (const kind of workloads) await writeFile(join(dir, `${kind}.yaml`), workload(kind));
  const rollout = workloads.map((kind) => ({ kind, name: kind.toLowerCase() }));
  const add = (kind: string, path: string, value: unknown) => ({
    target: { kind },
    patch: stringify([{ op: 'add', path, value }]),
  });
  const objects = await built(
    stringify({
      resources: [
        'examples/quickstart/bucket.yaml',
        'examples/quickstart/access-key.yaml',
        ...workloads.map((kind) => `${kind}.yaml`),
      ],
      components: ['kustomize'],
      nameSuffix: '-eu',
      patches: [
        add('AccessKey', '/spec/rollout', rollout),
        add('Bucket', '/spec/logging', { enabled: true, targetBucketRef: { name: 'quickstart' } }),
        add('Bucket', '/spec/replication', { rules: [{ destination: { bucketRef: { name: 'quickstart' } } }] }),
      ],
    }),
  );
  expect(objects).toMatchObject({
    AccessKey: { spec: { rollout: rollout.map(({ kind, name }) => ({ kind, name: `${name}-eu` })) } },
    Bucket: {
      spec: {
        logging: { targetBucketRef: { name: 'quickstart-eu' } },
        replication: { rules: [{ destination: { bucketRef: { name: 'quickstart-eu' } } }] },
        // Not among the objects that are renamed here.
        providerRef: { name: 'quickstart' },
      },
    },
  });
});
