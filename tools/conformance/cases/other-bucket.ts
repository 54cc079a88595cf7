import { HeadObjectCommand, PutObjectCommand, type S3Client } from '@aws-sdk/client-s3';
import type { BucketFeature } from '@operator/api';
import { allowLogs, surroundings, type Surroundings } from '@operator/testing/declarations';
import type { Manifest } from '../../harness/index.ts';
import { asLie, type Bench } from '../bench.ts';
import { holds, type Scenario, type Try } from '../scenario.ts';
import { failureOf } from '../target.ts';

/** What the declared features name outside of their bucket: what the owner of the server has named, and two more Buckets of the run. */
export const surroundingsOf = ({ target, named }: Pick<Bench, 'target' | 'named'>): Surroundings => {
  const { events, replicationRole: copiesAs, trail } = target;
  return {
    ...surroundings.moto,
    ...(events === undefined ? {} : { events }),
    copies: { bucketRef: { name: 'copies' } },
    ...(copiesAs === undefined ? {} : { copiesAs }),
    logs: { bucket: named('access-logs'), ref: 'access-logs' },
    ...(trail === undefined ? {} : { trail }),
  };
};

/** A Bucket that those of others name. */
interface OtherBucket {
  readonly name: string;
  readonly declared: Manifest;
  /** What its owner does at the server; one that lacks this lacks the feature too, and so its failure says nothing. */
  readonly prepare?: (client: S3Client, bucket: string) => Promise<void>;
}

const otherBuckets: Readonly<Partial<Record<BucketFeature, OtherBucket>>> = {
  replication: { name: 'copies', declared: { versioning: { enabled: true } } },
  logging: { name: 'access-logs', declared: {}, prepare: allowLogs },
};

/** The scenario of a feature that names another Bucket: that is there before it, and goes after it. */
export const withOtherBucket = (scenario: Scenario, feature: BucketFeature): Scenario => {
  const other = otherBuckets[feature];
  if (other === undefined) return scenario;
  const { name, declared, prepare } = other;
  return {
    ...scenario,
    async run(bench, it) {
      await it(
        { feature, title: 'the Bucket that it names is Ready' },
        holds(async () => {
          const bucket = bench.named(name);
          await bench.declare('Bucket', name, { providerRef: { name: bench.provider }, name: bucket, ...declared });
          await bench.becomesReady('Bucket', name);
          await prepare?.(bench.independent, bucket).catch(() => undefined);
        }),
      );
      await scenario.run(bench, it);
      await it(
        { feature, title: 'the Bucket that it named goes with its bucket' },
        holds(() => bench.deletes('Bucket', name)),
      );
    },
  };
};

const key = 'conformance/copied';

/** What a declaration does beside what the server shows of it; `object` declares it in full. */
export const tryEffect = async (bench: Bench, it: Try, feature: BucketFeature, object: string): Promise<void> => {
  if (feature !== 'replication') return;
  await it(
    { feature, title: 'an object that is written here is seen there', decides: true },
    holds(async () => {
      await bench.independent.send(new PutObjectCommand({ Bucket: bench.named(object), Key: key, Body: 'copied' }));
      const copy = { Bucket: bench.named('copies'), Key: key };
      await bench
        .takesEffect(
          'the object in the other bucket',
          () => bench.independent.send(new HeadObjectCommand(copy)).then(() => 'is there', failureOf),
          (found) => found === 'is there',
        )
        .catch(asLie);
    }),
  );
};
