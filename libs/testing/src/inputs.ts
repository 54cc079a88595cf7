import { PutBucketVersioningCommand } from '@aws-sdk/client-s3';
import type { BucketSpec } from '@operator/api';
import { onlyFault, type CallContext } from '@operator/outcome';
import { createBucket, referencesOf, type Driver, type Input, type Inputs } from '@operator/s3';

const made = new WeakMap<Driver, Map<string, Promise<unknown>>>();

/** A bucket of this name with versions, made once; with object lock, as what a locked bucket is copied to must have. */
const makeBucket = (driver: Driver, bucket: string, context: CallContext): Promise<unknown> => {
  const known = made.get(driver) ?? new Map<string, Promise<unknown>>();
  made.set(driver, known);
  const make = async () => {
    const born = { ObjectLockEnabledForBucket: true };
    await createBucket(driver, { bucket, born }, context).catch(onlyFault);
    const VersioningConfiguration = { Status: 'Enabled' } as const;
    await driver.wire().send(new PutBucketVersioningCommand({ Bucket: bucket, VersioningConfiguration }), context);
  };
  const making = known.get(bucket) ?? make();
  known.set(bucket, making);
  return making;
};

/** What the Buckets lead to that the features of a spec name: for each a bucket of its name on the same server, with versions. */
export const bucketInputs = async (driver: Driver, spec: BucketSpec, context: CallContext): Promise<Inputs> => {
  const inputs = new Map<string, Input>();
  for (const reference of referencesOf(driver, spec)) {
    if (reference.kind !== 'Bucket') continue;
    const { name } = reference.ref;
    await makeBucket(driver, name, context);
    const { region } = driver.connection;
    const known = { bucket: name, region, driver, credentialsVersion: '1', isOfOneKeeper: true };
    inputs.set(reference.as, { kind: 'Bucket', key: `team-a/${name}`, ...known });
  }
  return inputs;
};
