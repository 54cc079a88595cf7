import { bucketPolicyResource, bucketResource, accessKeyResource } from '@operator/api';
import { createAwsDriver } from '@operator/driver-aws';
import { createMinioDriver } from '@operator/driver-minio';
import { redact, type CallContext } from '@operator/outcome';
import { createKubeClient, loadKubeconfig, openKubeConnection, type KubeObject } from '@operator/runtime';
import { forEach } from '@operator/tools/harness';
import { writeAccessKey } from './access-key.ts';
import { lookAtBucket, writeBucket } from './bucket.ts';
import { writeBucketPolicy } from './bucket-policy.ts';
import { emptyBucket } from './emptying.ts';
import type { RawOrder, RawReport, Raw } from './order.ts';

// The raw loop: for every object of a namespace the calls that its controller makes until it is Ready or gone, with the same clients and
// as many at once, and nothing else: no cache, no queue, no decisions. It is the limit that a controller is measured against.
// The order comes as JSON in RAW_ORDER; the last line of output is the report.

const tasks = {
  Bucket: { resource: bucketResource, write: writeBucket },
  BucketPolicy: { resource: bucketPolicyResource, write: writeBucketPolicy },
  AccessKey: { resource: accessKeyResource, write: writeAccessKey },
  Emptying: { resource: bucketResource, write: emptyBucket },
  Look: { resource: bucketResource, write: lookAtBucket },
} as const;

const order = JSON.parse(process.env.RAW_ORDER ?? '') as RawOrder;
const monotonicMs = () => performance.now();
const { signal } = new AbortController();

const calls = new Map<string, number>();
const count = (name: string) => void calls.set(name, (calls.get(name) ?? 0) + 1);
const context: CallContext = {
  signal,
  now: new Date(),
  call({ service, operation }, run) {
    count(`${service} ${operation}`);
    return run();
  },
};

const connection = openKubeConnection(await loadKubeconfig(order.kubeconfig), monotonicMs);
const kube = createKubeClient({
  connection,
  userAgent: 'raw-loop',
  monotonicMs,
  observe: ({ verb, resource }) => count(`kubernetes ${verb} ${resource}`),
});
const createDriver = { minio: createMinioDriver, aws: createAwsDriver }[order.type];
const driver = createDriver(
  {
    endpoint: order.endpoint,
    region: order.region,
    pathStyle: true,
    credentials: { accessKeyId: order.accessKey, secretAccessKey: redact(order.secretKey) },
    tls: { insecureSkipVerify: false },
    requestsPerSecond: 1e6, // no limit
    retry: { maxAttempts: 3, backoffStrategy: 'exponential' },
  },
  {
    random: Math.random,
    now: () => new Date(),
    elapsedMs: monotonicMs,
    version: '0',
    lock: (_name, signal, run) => run(signal),
  },
);

const { resource, write } = tasks[order.task];
const objects: KubeObject[] = [];
for await (const page of kube.list<KubeObject>(resource, { namespace: order.namespace })) objects.push(...page.items);

// As in a controller, Events go one after the other, beside the rest.
let events: Promise<unknown> = Promise.resolve();
const raw: Raw = {
  kube,
  driver,
  context,
  tell: (object, reason, message) => {
    const { name, namespace, uid, resourceVersion } = object.metadata;
    const now = `${new Date().toISOString().slice(0, 19)}Z`;
    events = events.then(() =>
      kube.create(
        { group: '', version: 'v1', kind: 'Event', plural: 'events' },
        {
          metadata: { name: `${name}.${uid.slice(0, 8)}`, namespace },
          involvedObject: { apiVersion: object.apiVersion, kind: object.kind, namespace, name, uid, resourceVersion },
          type: 'Normal',
          reason,
          message,
          source: { component: 'raw-loop' },
          reportingComponent: 'raw-loop',
          reportingInstance: 'raw-loop',
          count: 1,
          firstTimestamp: now,
          lastTimestamp: now,
        },
      ),
    );
  },
};
const tookMs: number[] = [];
for (let round = 0; round < order.rounds; round += 1)
  await forEach(objects, order.concurrency, signal, async (object) => {
    const from = monotonicMs();
    await write(object as never, resource, raw);
    tookMs.push(monotonicMs() - from);
  });
await events;

const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
const report: RawReport = {
  calls: [...calls],
  cpuSeconds: (userCPUTime + systemCPUTime) / 1e6,
  peakMebibytes: maxRSS / 1024,
  tookMs,
};
console.log(JSON.stringify(report));
driver.close();
connection.close();
