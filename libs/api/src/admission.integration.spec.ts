import { readdirSync, readFileSync } from 'node:fs';
import { mkdtemp, rm } from 'node:fs/promises';
import { request } from 'node:https';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { json } from 'node:stream/consumers';
import { fileURLToPath } from 'node:url';
import { startControlPlane, type ControlPlane } from '@operator/tools/local';
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest';
import { accessKeyCases, bucketPolicyCases } from './admission/policy-cases.ts';
import { bucketCases } from './admission/bucket-cases.ts';
import {
  accessKeyWith,
  bucketPolicyWith,
  bucketWith,
  providerWith,
  type AdmissionCase,
  type Complaint,
  type KindName,
} from './admission/case.ts';
import { providerCases } from './admission/provider-cases.ts';
import { updateCases } from './admission/update-cases.ts';
import { kinds } from './kinds.ts';
import { providerSpec } from './provider.ts';
import { group, version } from './resources.ts';

const crds = fileURLToPath(new URL('../../../crds/', import.meta.url));

interface Answer {
  readonly status: number;
  readonly body: {
    readonly message?: string;
    readonly details?: { readonly causes?: readonly { readonly field?: string; readonly message: string }[] };
    readonly metadata?: { readonly resourceVersion?: string };
    readonly spec?: unknown;
    readonly status?: unknown;
  };
}

let dir: string;
let controlPlane: ControlPlane;

const send = (method: string, path: string, body: unknown, contentType = 'application/json'): Promise<Answer> =>
  new Promise((resolve, reject) => {
    const text = JSON.stringify(body);
    const sent = request(
      new URL(path, controlPlane.url),
      {
        method,
        ca: controlPlane.ca,
        headers: {
          authorization: `Bearer ${controlPlane.adminToken}`,
          'content-type': contentType,
          // Node frames the body of a DELETE only by its length.
          'content-length': Buffer.byteLength(text),
        },
      },
      (response) => {
        json(response).then((answer) => {
          resolve({ status: response.statusCode ?? 0, body: answer as Answer['body'] });
        }, reject);
      },
    );
    sent.on('error', reject);
    sent.end(text);
  });

const pathOf = (kind: KindName, name = ''): string => {
  const { plural } = kinds.find(({ resource }) => resource.kind === kind)?.resource ?? { plural: '' };
  return `/apis/${group}/${version}/namespaces/default/${plural}${name === '' ? '' : `/${name}`}`;
};

const manifest = (kind: KindName, spec: unknown, name = 'example') => ({
  apiVersion: `${group}/${version}`,
  kind,
  metadata: { name, namespace: 'default' },
  spec,
});

const strict = 'fieldValidation=Strict';
const dryRun = `dryRun=All&${strict}`;

const create = (kind: KindName, spec: unknown, name?: string) =>
  send('POST', `${pathOf(kind)}?${dryRun}`, manifest(kind, spec, name));

/** Every complaint of the API server, as field and message; none when it accepted. */
const complaintsOf = ({ status, body }: Answer): readonly Complaint[] => {
  if (status < 300) return [];
  return (
    body.details?.causes?.map(({ field = '', message }) => [field === '<nil>' ? '' : field, message] as const) ?? [
      ['', body.message ?? ''],
    ]
  );
};

/** The complaints that were wanted, each in the API server's own words where they hold what was wanted. */
const expectComplaints = (found: readonly Complaint[], wanted: readonly Complaint[]): void => {
  const left = [...found];
  const matched = wanted.map(([field, message]) => {
    const index = left.findIndex(([atField, said]) => atField === field && said.includes(message));
    return index === -1 ? ([field, message] as const) : left.splice(index, 1)[0];
  });
  // Both sides hold what matched; what is left on either side is shown in full.
  expect([...found].sort()).toEqual(
    [...matched, ...left.map(([field, message]) => [field, `not expected: ${message}`])].sort(),
  );
};

beforeAll(async () => {
  dir = await mkdtemp(join(tmpdir(), 'admission-'));
  controlPlane = await startControlPlane({ dir, controllerManager: false });
  await controlPlane.kubectl(['apply', '--server-side', '-f', crds]);
  await controlPlane.kubectl(['wait', '--for=condition=Established', '--timeout=60s', '-f', crds]);
  // A new kind answers 404 or 429 for about a second.
  for (const [kind, spec] of Object.entries(minimal)) {
    await vi.waitFor(async () => expect((await create(kind as KindName, spec)).status).toBe(201), 30_000);
  }
});

afterAll(async () => {
  await controlPlane.stop();
  await rm(dir, { recursive: true });
});

const minimal = {
  Provider: providerWith(),
  Bucket: bucketWith(),
  BucketPolicy: bucketPolicyWith(),
  AccessKey: accessKeyWith(),
} as const satisfies Record<KindName, unknown>;

const cases: readonly AdmissionCase[] = [...providerCases, ...bucketCases, ...bucketPolicyCases, ...accessKeyCases];
const accepted = cases.filter(({ complaints }) => complaints.length === 0);
const refused = cases.filter(({ complaints }) => complaints.length > 0);

describe('the API server', () => {
  test('is asked about at least 150 manifests', () => {
    expect(cases.length).toBeGreaterThanOrEqual(150);
  });

  test.each(accepted)('accepts, for $kind: $title', async ({ kind, spec, name }) => {
    expectComplaints(complaintsOf(await create(kind, spec, name)), []);
  });

  test.each(refused)('refuses, for $kind: $title', async ({ kind, spec, name, complaints }) => {
    expectComplaints(complaintsOf(await create(kind, spec, name)), complaints);
  });

  // How often it says so, and in which words, goes by its version.
  test('refuses, for Bucket: a quota with half a byte', async () => {
    const complaints = complaintsOf(await create('Bucket', bucketWith({ quota: { maxBytes: 0.5 } })));
    const ofType = complaints.filter(([, message]) => /must be of type int(eger|64)/.test(message));
    expect(ofType.length).toBeGreaterThan(0);
    for (const complaint of ofType) expect(complaint.join(' ')).toContain('spec.quota.maxBytes');
  });

  test.each(updateCases)('on update of $kind: $title', async ({ kind, before, status, spec, complaints }) => {
    let stored = await send('POST', `${pathOf(kind)}?${strict}`, manifest(kind, before, 'updated'));
    expect(stored.status).toBe(201);
    try {
      if (status !== undefined) {
        stored = await send(
          'PATCH',
          `${pathOf(kind, 'updated')}/status?${strict}`,
          { status },
          'application/merge-patch+json',
        );
        expect(complaintsOf(stored)).toEqual([]);
      }
      const changed = {
        ...manifest(kind, spec, 'updated'),
        metadata: { name: 'updated', namespace: 'default', resourceVersion: stored.body.metadata?.resourceVersion },
      };
      expectComplaints(complaintsOf(await send('PUT', `${pathOf(kind, 'updated')}?${dryRun}`, changed)), complaints);
    } finally {
      expect((await send('DELETE', pathOf(kind, 'updated'), {})).status).toBe(200);
    }
  });
});

describe('an unknown key', () => {
  const spec = bucketWith({ versioning: { enabled: true, keepForever: true } });

  test('is dropped without a word where a client does not ask for strictness', async () => {
    const { status, body } = await send(
      'POST',
      `${pathOf('Bucket')}?dryRun=All&fieldValidation=Ignore`,
      manifest('Bucket', spec),
    );
    expect(status).toBe(201);
    expect(body.spec).toMatchObject({ versioning: { enabled: true, mfaDelete: false } });
    expect(JSON.stringify(body.spec)).not.toContain('keepForever');
  });

  test('is refused by kubectl apply, which asks for strictness by itself', async () => {
    const text = JSON.stringify(manifest('Bucket', spec));
    await expect(controlPlane.kubectl(['apply', '--dry-run=server', '-f', '-'], text)).rejects.toThrow(
      'unknown field "spec.versioning.keepForever"',
    );
  });
});

describe('docs/examples', () => {
  const folder = fileURLToPath(new URL('../../../docs/examples/', import.meta.url));
  const examples = readdirSync(folder, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.yaml'));

  test.each(examples)('the API server takes %s', async (file) => {
    await controlPlane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', join(folder, file)]);
  });

  test('have every type of Provider', () => {
    const texts = examples.map((file) => readFileSync(join(folder, file), 'utf8'));
    const types = providerSpec.properties.type.enum as readonly string[];
    const missing = types.filter(
      (type) => !texts.some((text) => text.includes(`kind: Provider\n`) && text.includes(`\n  type: ${type}\n`)),
    );
    expect(missing).toEqual([]);
  });
});

/** Kinds of others that our pages show beside ours. Their controllers look at the rest of their spec. */
const kindsOfOthers = [
  ['argoproj.io', 'v1alpha1', 'Application', 'applications'],
  ['kustomize.toolkit.fluxcd.io', 'v1', 'Kustomization', 'kustomizations'],
  ['helm.toolkit.fluxcd.io', 'v2', 'HelmRelease', 'helmreleases'],
] as const;

const definitionOfOthers = ([group, name, kind, plural]: (typeof kindsOfOthers)[number]) => ({
  apiVersion: 'apiextensions.k8s.io/v1',
  kind: 'CustomResourceDefinition',
  metadata: { name: `${plural}.${group}` },
  spec: {
    group,
    scope: 'Namespaced',
    names: { kind, plural },
    versions: [
      {
        name,
        served: true,
        storage: true,
        schema: { openAPIV3Schema: { type: 'object', 'x-kubernetes-preserve-unknown-fields': true } },
      },
    ],
  },
});

describe('the YAML of a page', () => {
  const root = fileURLToPath(new URL('../../../', import.meta.url));
  const pages = [
    'README.md',
    'CONTRIBUTING.md',
    ...['docs', 'charts', 'kustomize'].flatMap((folder) =>
      readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' }).map((file) => join(folder, file)),
    ),
  ].filter((file) => file.endsWith('.md'));
  /** What is marked is no manifest: `snippet`, `values` and `kustomization` have tests of their own, which name the mark. */
  const block = /(?:<!-- (\w+)[^\n]* -->\n\n)?^( *)```ya?ml\n(.*?)^ *```$/gms;
  const blocks = pages.flatMap((page) =>
    [...readFileSync(join(root, page), 'utf8').matchAll(block)].map(([, mark, indent = '', text = ''], index) => ({
      title: `${page}, block ${String(index + 1)}`,
      mark,
      text: text.replaceAll(new RegExp(`^${indent}`, 'gm'), ''),
    })),
  );
  const manifests = blocks.filter(
    ({ mark, text }) => mark === undefined || text.startsWith(`apiVersion: ${group}/${version}\n`),
  );

  beforeAll(async () => {
    const definitions = { apiVersion: 'v1', kind: 'List', items: kindsOfOthers.map(definitionOfOthers) };
    await controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(definitions));
    const names = kindsOfOthers.map(([of, , , plural]) => `crd/${plural}.${of}`);
    await controlPlane.kubectl(['wait', '--for=condition=Established', '--timeout=60s', ...names]);
    const used = manifests.flatMap(({ text }) =>
      [...text.matchAll(/namespace: ([-a-z0-9]+)/g)].map(([, namespace = '']) => namespace),
    );
    for (const namespace of new Set(['default', ...used])) {
      const object = { apiVersion: 'v1', kind: 'Namespace', metadata: { name: namespace } };
      // Pods need it, and no controller makes it here.
      const account = { apiVersion: 'v1', kind: 'ServiceAccount', metadata: { name: 'default', namespace } };
      for (const one of [object, account]) await controlPlane.kubectl(['apply', '-f', '-'], JSON.stringify(one));
    }
  });

  test('is a manifest, or is marked as what else it is', () => {
    const others = ['snippet', 'values', 'kustomization'];
    const odd = blocks.filter(({ mark, text }) =>
      mark === undefined ? !text.includes('apiVersion: ') : !others.includes(mark),
    );
    expect(odd).toEqual([]);
    expect(manifests.length).toBeGreaterThan(10);
  });

  test.each(manifests)('is taken by the API server: $title', async ({ text }) => {
    await controlPlane.kubectl(['apply', '--dry-run=server', '--validate=strict', '-f', '-'], text);
  });
});

describe('defaults', () => {
  const table: readonly (readonly [title: string, kind: KindName, spec: unknown, stored: unknown])[] = [
    [
      'a Provider',
      'Provider',
      providerWith({
        retry: {},
        tls: {},
        auth: { ...(providerWith().auth as object), sessionTokenSecretRef: { name: 'credentials' } },
      }),
      {
        type: 'minio',
        endpoint: 'https://s3.example.com',
        region: 'us-east-1',
        auth: {
          accessKeySecretRef: { name: 'credentials', key: 'access-key' },
          secretKeySecretRef: { name: 'credentials', key: 'secret-key' },
          sessionTokenSecretRef: { name: 'credentials', key: 'session-token' },
        },
        pathStyle: true,
        checkIntervalSeconds: 60,
        retry: { maxAttempts: 3, backoffStrategy: 'exponential' },
        tls: { insecureSkipVerify: false },
      },
    ],
    [
      'a Provider without optional blocks, which stay out',
      'Provider',
      providerWith(),
      {
        type: 'minio',
        endpoint: 'https://s3.example.com',
        region: 'us-east-1',
        auth: {
          accessKeySecretRef: { name: 'credentials', key: 'access-key' },
          secretKeySecretRef: { name: 'credentials', key: 'secret-key' },
        },
        pathStyle: true,
        checkIntervalSeconds: 60,
      },
    ],
    [
      'a Bucket without optional blocks, which stay out: left out is unmanaged',
      'Bucket',
      bucketWith(),
      {
        providerRef: { name: 'provider' },
        name: 'example-bucket',
        deletionPolicy: 'Retain',
        forceDelete: false,
        adoptionPolicy: 'IfOwned',
      },
    ],
    [
      'the blocks of a Bucket',
      'Bucket',
      bucketWith({
        versioning: {},
        encryption: {},
        publicAccess: {},
        ownershipControls: {},
        requestPayment: {},
        accelerate: {},
        logging: {},
        website: {},
        objectLock: {},
        lifecycle: { rules: [{ id: 'a', expiration: { days: 1 } }] },
        replication: { rules: [] },
        cloudTrail: { trail: 'main' },
        notifications: {},
      }),
      {
        providerRef: { name: 'provider' },
        name: 'example-bucket',
        deletionPolicy: 'Retain',
        forceDelete: false,
        adoptionPolicy: 'IfOwned',
        versioning: { enabled: false, mfaDelete: false },
        encryption: { enabled: false, algorithm: 'AES256', bucketKeyEnabled: false },
        publicAccess: {
          blockPublicAcls: true,
          blockPublicPolicy: true,
          ignorePublicAcls: true,
          restrictPublicBuckets: true,
        },
        ownershipControls: { enabled: false, objectOwnership: 'BucketOwnerEnforced' },
        requestPayment: { payer: 'BucketOwner' },
        accelerate: { enabled: false },
        logging: { enabled: false, targetPrefix: '' },
        website: { enabled: false },
        objectLock: { enabled: false },
        lifecycle: { rules: [{ id: 'a', status: 'Enabled', expiration: { days: 1 } }], others: 'Remove' },
        replication: { rules: [], others: 'Remove' },
        cloudTrail: { enabled: false, trail: 'main', events: 'All' },
        notifications: { others: 'Keep' },
      },
    ],
    [
      'a replication rule',
      'Bucket',
      bucketWith({
        versioning: { enabled: true },
        replication: { rules: [{ id: 'a', destination: { bucketRef: { name: 'b' } } }] },
      }),
      {
        ...bucketWith(),
        deletionPolicy: 'Retain',
        forceDelete: false,
        adoptionPolicy: 'IfOwned',
        versioning: { enabled: true, mfaDelete: false },
        replication: {
          rules: [
            {
              id: 'a',
              status: 'Enabled',
              destination: { bucketRef: { name: 'b' } },
              deleteMarkers: false,
              existingObjects: false,
            },
          ],
          others: 'Remove',
        },
      },
    ],
    [
      'a BucketPolicy',
      'BucketPolicy',
      bucketPolicyWith(),
      {
        bucketRef: { name: 'example' },
        policy: {
          version: '2012-10-17',
          statement: [
            { effect: 'Allow', principal: '*', action: 's3:GetObject', resource: 'arn:aws:s3:::${bucket}/*' },
          ],
        },
      },
    ],
    [
      'an AccessKey without optional blocks, which stay out',
      'AccessKey',
      accessKeyWith(),
      { providerRef: { name: 'provider' } },
    ],
    [
      'the rotation of an AccessKey',
      'AccessKey',
      accessKeyWith({ rotate: {} }),
      { providerRef: { name: 'provider' }, rotate: { enabled: false, intervalDays: 90, previousKeysRetentionDays: 7 } },
    ],
  ];

  test.each(table)('of %s are filled in by the API server', async (_, kind, spec, stored) => {
    const { body } = await create(kind, spec);
    expect(body.spec).toEqual(stored);
  });
});

describe('a new object', () => {
  test.each(Object.entries(minimal))(
    'of kind %s says that nothing was observed yet, also while its status has something else',
    async (name, spec) => {
      const kind = name as KindName;
      const path = pathOf(kind, 'unseen');
      await send('POST', `${pathOf(kind)}?${strict}`, manifest(kind, spec, 'unseen'));
      expect((await send('GET', path, {})).body.status).toEqual({ observedGeneration: -1 });
      // As a controller writes it, whole and without observedGeneration.
      const applied = await send(
        'PATCH',
        `${path}/status?fieldManager=wasabi-s3-operator&${strict}`,
        { apiVersion: `${group}/${version}`, kind, metadata: { name: 'unseen' }, status: { conditions: [] } },
        'application/apply-patch+yaml',
      );
      expect(complaintsOf(applied)).toEqual([]);
      expect((await send('GET', path, {})).body.status).toEqual({ observedGeneration: -1, conditions: [] });
      expect((await send('DELETE', path, {})).status).toBe(200);
    },
  );
});

describe('the status', () => {
  const now = '2030-01-31T10:00:00Z';
  const common = {
    observedGeneration: 1,
    conditions: [
      {
        type: 'Ready',
        status: 'True',
        reason: 'Ready',
        message: 'All is as it should be.',
        observedGeneration: 1,
        lastTransitionTime: now,
      },
    ],
  };
  const changed: Readonly<Record<KindName, unknown>> = {
    Provider: providerWith({ region: 'other' }),
    Bucket: bucketWith({ forceDelete: true }),
    BucketPolicy: bucketPolicyWith({ bucketRef: { name: 'other' } }),
    AccessKey: accessKeyWith({ displayName: 'other' }),
  };
  const statuses: Readonly<Record<KindName, unknown>> = {
    Provider: {
      ...common,
      connected: true,
      lastConnectTime: now,
      accountId: '123456789012',
      endpoint: 'https://s3.example.com',
      capabilities: { versioning: 'Supported', encryption: 'Unsupported', quota: 'Unknown' },
      serverVersion: 'MinIO 2025',
      credentialsVersion: '12:34',
      inUseBy: { buckets: 2, accessKeys: 1 },
    },
    Bucket: {
      ...common,
      bucketName: 'example-bucket',
      arn: 'arn:aws:s3:::example-bucket',
      exists: true,
      lastSyncTime: now,
      region: 'us-east-1',
      endpoint: 'https://s3.example.com',
      ownership: 'Created',
      createIntent: { at: now, bucketName: 'example-bucket' },
      managed: { tagging: ['team'] },
      deletionProgress: { deletedObjects: 10, abortedUploads: 1, lockedObjects: 0 },
    },
    BucketPolicy: {
      ...common,
      applied: true,
      lastSyncTime: now,
      appliedHash: 'a',
      pendingHash: 'b',
      bucketName: 'example-bucket',
      region: 'us-east-1',
      providerRef: { name: 'provider', namespace: 'default' },
    },
    AccessKey: {
      ...common,
      accessKeyId: 'AKIA',
      created: true,
      userName: 'user',
      userArn: 'arn:aws:iam::123456789012:user/user',
      secretName: 'example-credentials',
      policyHash: 'a',
      lastRotateTime: now,
      nextRotateTime: now,
      keyIntent: { at: now, userName: 'user', accessKeyId: 'AKIA' },
      previousKeys: [{ accessKeyId: 'AKIB', expiresAt: now }],
    },
  };

  test.each(Object.entries(minimal))(
    'of a %s is a subresource that keeps every field, and its spec does not move',
    async (name, spec) => {
      const kind = name as KindName;
      const path = pathOf(kind, 'with-status');
      const status = statuses[kind];
      const created = await send('POST', `${pathOf(kind)}?${strict}`, {
        ...manifest(kind, spec, 'with-status'),
        status,
      });
      expect(created.body.status).toEqual({ observedGeneration: -1 });

      const applied = await send(
        'PATCH',
        `${path}/status?fieldManager=wasabi-s3-operator&${strict}`,
        { ...manifest(kind, changed[kind], 'with-status'), status },
        'application/apply-patch+yaml',
      );
      expect(complaintsOf(applied)).toEqual([]);
      expect(applied.body.status).toEqual(status);
      expect(applied.body.spec).toEqual(created.body.spec);
      expect((await send('DELETE', path, {})).status).toBe(200);
    },
  );
});

describe('the CRDs as files', () => {
  const applied = async (args: readonly string[]) =>
    (await controlPlane.kubectl(['apply', ...args, '-f', crds])).trim().split('\n').sort();
  const all = (word: string) =>
    kinds
      .map(({ resource }) => `customresourcedefinition.apiextensions.k8s.io/${resource.plural}.${group} ${word}`)
      .sort();

  test('come to rest: the second apply changes nothing', async () => {
    await applied([]);
    expect(await applied([])).toEqual(all('unchanged'));
  });

  test('are the same for every manager: a server-side apply by another has no conflict and changes nothing', async () => {
    const versionsOf = () =>
      controlPlane.kubectl([
        'get',
        'crd',
        '-o',
        'jsonpath={range .items[*]}{.metadata.generation} {.spec}{"\\n"}{end}',
      ]);
    const before = await versionsOf();
    expect(await applied(['--server-side', '--field-manager=another'])).toEqual(all('serverside-applied'));
    expect(await versionsOf()).toBe(before);
  });
});

describe('kubectl explain', () => {
  test('shows what a list of statements is, though a single one is refused by a schema of its own', async () => {
    const shown = await controlPlane.kubectl(['explain', 'bucketpolicy.spec.policy.statement']);
    expect(shown).toContain('FIELD: statement <[]Object>');
    expect(shown).toContain('effect\t<string>');
  });
});

describe('kubectl get', () => {
  const always = ['READY', 'REASON', 'AGE'];
  const wide = ['SINCE', 'PAUSED', 'MESSAGE'];

  test.each([
    ['Provider', 's3p', ['TYPE', 'ENDPOINT'], ['REGION', 'SERVER', 'REVOCATION']],
    ['Bucket', 's3b', ['BUCKET', 'PROVIDER'], ['PROVIDER-NAMESPACE', 'REGION', 'DELETION']],
    ['BucketPolicy', 's3bp', ['BUCKET-REF', 'APPLIED'], ['BUCKET-NAMESPACE', 'BUCKET']],
    ['AccessKey', 's3ak', ['KEY', 'SECRET'], ['PROVIDER', 'PROVIDER-NAMESPACE', 'ROTATION']],
  ] as const)(
    'shows a %s under its short name %s, with the facts a person wants',
    async (kind, shortName, own, more) => {
      await send('POST', `${pathOf(kind)}?${strict}`, manifest(kind, minimal[kind], 'shown'));
      const headerOf = async (...args: readonly string[]) =>
        (await controlPlane.kubectl(['get', shortName, ...args])).split('\n')[0]?.trim().split(/\s+/);
      expect(await headerOf()).toEqual(['NAME', ...own, ...always]);
      expect(await headerOf('-o', 'wide')).toEqual(['NAME', ...own, ...always, ...more, ...wide]);
      expect(await controlPlane.kubectl(['get', 's3', '-o', 'name'])).toContain(`${kind.toLowerCase()}.${group}/shown`);
      await send('DELETE', pathOf(kind, 'shown'), {});
    },
  );

  test.each([
    ['s3b', 'Bucket', 'spec.providerRef.name=provider', 'spec.providerRef.name=other'],
    ['s3b', 'Bucket', 'spec.providerRef.namespace=', 'spec.providerRef.namespace=storage'],
    ['s3b', 'Bucket', 'spec.name=example-bucket', 'spec.name=other-bucket'],
    ['s3bp', 'BucketPolicy', 'spec.bucketRef.name=example', 'spec.bucketRef.name=other'],
    ['s3ak', 'AccessKey', 'spec.providerRef.name=provider,spec.providerRef.namespace=', 'spec.providerRef.name=other'],
  ] as const)('%s -A --field-selector finds each %s with %s, and none with %s', async (short, kind, of, ofNone) => {
    await send('POST', `${pathOf(kind)}?${strict}`, manifest(kind, minimal[kind], 'selected'));
    const found = (selector: string) =>
      controlPlane.kubectl(['get', short, '-A', '--field-selector', selector, '-o', 'name']);
    expect(await found(of)).toBe(`${kind.toLowerCase()}.${group}/selected\n`);
    expect(await found(ofNone)).toBe('');
    await send('DELETE', pathOf(kind, 'selected'), {});
  });

  test('shows since when an object is ready or not, and that it is paused', async () => {
    await send('POST', `${pathOf('Bucket')}?${strict}`, manifest('Bucket', minimal.Bucket, 'since'));
    const ready = {
      type: 'Ready',
      status: 'False',
      reason: 'Converging',
      message: 'Word.',
      lastTransitionTime: new Date(Date.now() - 3 * 3_600_000).toISOString(),
    };
    await send(
      'PATCH',
      `${pathOf('Bucket', 'since')}/status?${strict}`,
      { status: { conditions: [ready, { ...ready, type: 'Paused', status: 'True', reason: 'Paused' }] } },
      'application/merge-patch+json',
    );
    const [, line = ''] = (await controlPlane.kubectl(['get', 's3b', '-o', 'wide'])).split('\n');
    expect(line.trim().split(/\s+/).slice(-3)).toEqual(['3h', 'True', 'Word.']);
    await send('DELETE', pathOf('Bucket', 'since'), {});
  });
});
