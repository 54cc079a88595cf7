import { expect, it } from 'vitest';
import { bucketArn, partitionOf } from './arn.ts';

it.each([
  ['eu-west-1', 'aws'],
  ['us-east-1', 'aws'],
  ['us-east-garage', 'aws'],
  ['cn-north-1', 'aws-cn'],
  ['us-gov-west-1', 'aws-us-gov'],
  ['eusc-de-east-1', 'aws-eusc'],
  ['us-iso-east-1', 'aws-iso'],
  ['us-isob-east-1', 'aws-iso-b'],
  ['eu-isoe-west-1', 'aws-iso-e'],
  ['us-isof-south-1', 'aws-iso-f'],
])('the region %s is in the partition %s', (region, partition) => {
  expect(partitionOf(region)).toBe(partition);
  expect(bucketArn('photos', partitionOf(region))).toBe(`arn:${partition}:s3:::photos`);
});
