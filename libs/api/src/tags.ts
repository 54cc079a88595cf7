import { group, ownerTagKeys } from './resources.ts';
import { rules, stringMap } from './schema.ts';

// Servers take 50 tags; the owner mark needs its own.
const maxTags = 50 - Object.keys(ownerTagKeys).length;

/** Tags of a bucket or a user. Source: Amazon S3 API, PutBucketTagging; IAM API, TagUser. */
export const tags = (description: string) =>
  stringMap(
    description,
    maxTags,
    256,
    rules(
      {
        rule: 'self.all(key, key.size() >= 1 && key.size() <= 128)',
        message: 'a tag key has 1 to 128 characters',
      },
      {
        rule: "self.all(key, !key.startsWith('aws:'))",
        message: "tag keys that begin with 'aws:' are reserved",
      },
      {
        rule: `self.all(key, !key.startsWith('${group}/'))`,
        message: `tag keys that begin with '${group}/' are the operator's own`,
      },
    ),
  );
