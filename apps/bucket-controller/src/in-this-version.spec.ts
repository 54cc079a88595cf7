import { bucketSpec, isInThisVersion } from '@operator/api';
import { connectionTo, driverDeps } from '@operator/testing';
import { expect, it } from 'vitest';

const drivers = [
  (await import('@operator/driver-aws')).createAwsDriver,
  (await import('@operator/driver-generic')).createGenericDriver,
  (await import('@operator/driver-minio')).createMinioDriver,
  (await import('@operator/driver-wasabi')).createWasabiDriver,
];
const managed = drivers.flatMap((create) =>
  create(connectionTo('https://s3.example.com', { region: 'us-east-1' }), driverDeps()).aspects.map(({ name }) => name),
);

/** Blocks of the spec that are no feature of the bucket. */
const others = ['providerRef', 'allowedNamespaces'];
const blocks = Object.entries(bucketSpec.properties).filter(
  ([name, schema]) => 'properties' in schema && !others.includes(name),
);

it('kubectl explain says "not in this version" of exactly the features that no driver manages', () => {
  const isManaged = (name: string): boolean => (managed as readonly string[]).includes(name);
  const said = blocks.filter(([, schema]) => !isInThisVersion(schema)).map(([name]) => name);
  expect(said).toEqual(blocks.map(([name]) => name).filter((name) => !isManaged(name)));
});
