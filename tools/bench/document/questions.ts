/** A question to the product, and the figure that answers it. */
export interface Question {
  readonly question: string;
  readonly scenario: string;
  readonly name: string;
}

const ask = (
  scenario: string,
  questions: readonly (readonly [question: string, name: string])[],
): readonly Question[] => questions.map(([question, name]) => ({ question, scenario, name }));

/** The tables of docs/performance.md, by the name of their place. */
export const tables: Readonly<Record<string, readonly Question[]>> = {
  convergence: [
    ...ask('converge', [
      ['300 Buckets, cold start to all Ready, a second', '300 × Bucket: controller'],
      ['against the raw loop', '300 × Bucket: controller to raw loop'],
      ['1 000 Buckets, a second', '1000 × Bucket: controller'],
      ['against the raw loop', '1000 × Bucket: controller to raw loop'],
      ['CPU time of the controller for one of 300', '300 × Bucket: CPU of the controller per object'],
      ['for one of 1 000', '1000 × Bucket: CPU of the controller per object'],
      ['of the raw loop for one of 1 000', '1000 × Bucket: CPU of the raw loop per object'],
      ['S3 calls for one', '300 × Bucket: S3 calls per object'],
      ['Kubernetes writes for one', '300 × Bucket: Kubernetes writes per object'],
      ['bytes in etcd for one', '300 × Bucket: bytes in etcd per object'],
      ['300 BucketPolicies, a second', '300 × BucketPolicy: controller'],
      ['against the raw loop', '300 × BucketPolicy: controller to raw loop'],
      ['20 AccessKeys on MinIO, a second', '20 × AccessKey: controller'],
      ['against the raw loop: argon2id limits both', '20 × AccessKey: controller to raw loop'],
    ]),
    ...ask('peer', [['300 Buckets, against InseeFrLab/s3-operator with its defaults', '300 Buckets: ours to insee']]),
  ],
  latency: ask('latency', [
    ['the calls alone, of one Bucket after the other, p50', 'raw loop, one after the other: p50'],
    ['p99', 'raw loop, one after the other: p99'],
    ['a Bucket that arrives at rest, p50', 'at rest: p50'],
    ['p99', 'at rest: p99'],
    ['100 edits, one after the other, beside 2 000 Ready ones, p50', 'edits beside 2000 Ready ones: p50'],
    ['p99', 'edits beside 2000 Ready ones: p99'],
    ['a Bucket that arrives among 5 000 Ready ones, p50', 'among 5000 Ready ones: p50'],
    ['p99', 'among 5000 Ready ones: p99'],
    [
      'p99 beside 300 Buckets on a server that takes 2 s for each answer, to that without',
      'p99 beside a slow server, to that without',
    ],
  ]),
  features: ask('features', [
    ['300 Buckets with eight features, a second', '300 × Bucket: controller'],
    ['against the raw loop', '300 × Bucket: controller to raw loop'],
    ['CPU time of the controller for one', '300 × Bucket: CPU of the controller per object'],
    ['of the raw loop', '300 × Bucket: CPU of the raw loop per object'],
    ['S3 calls for one', '300 × Bucket: S3 calls per object'],
    ['calls for a look at rest', 'at rest: calls to storage for each look'],
    ['calls a second of 10 000, with pauses of an hour', 'at rest: calls of 10000 Buckets, with pauses of an hour'],
    ['writes on either side at rest', 'at rest: writes on either side'],
    ['memory with 2 500', 'at rest: memory with 2500 Buckets'],
  ]),
  rest: [
    ...ask('rest', [
      ['writes on either side at rest', 'writes on either side'],
      [
        '10 000 Buckets: calls to storage for each and hour, looked at every ten minutes',
        'Bucket: calls to storage per object and hour',
      ],
      ['CPU of one core, the same', 'Bucket: CPU of one core at 10000 objects'],
      ['of 2 000 BucketPolicies', 'BucketPolicy: CPU of one core at 2000 objects'],
      ['of 2 000 AccessKeys', 'AccessKey: CPU of one core at 2000 objects'],
      ['memory of the bucket-controller', 'Bucket: memory'],
      ['of the policy-controller with 2 000 BucketPolicies', 'BucketPolicy: memory'],
      ['of the accesskey-controller with 2 000 AccessKeys', 'AccessKey: memory'],
      ['most memory of it', 'AccessKey: most memory'],
    ]),
    ...ask('restart', [
      ['start among 10 000 Buckets, to caches synced', 'Bucket: start to caches synced'],
      ['to all looked at', 'Bucket: start to all 10000 looked at'],
      ['CPU time until then', 'Bucket: CPU time of 10000 looks, the start included'],
      [
        'of the raw loop, for the calls of these looks alone',
        'Bucket: raw loop, CPU time of 10000 looks, the start included',
      ],
      ['start among 2 000 BucketPolicies, to all looked at', 'BucketPolicy: start to all 2000 looked at'],
      ['CPU time until then', 'BucketPolicy: CPU time of 2000 looks, the start included'],
      ['start among 2 000 AccessKeys, to all looked at', 'AccessKey: start to all 2000 looked at'],
      ['CPU time until then', 'AccessKey: CPU time of 2000 looks, the start included'],
      ['writes on either side after a restart', 'writes on either side'],
    ]),
  ],
  start: ask(
    'start',
    ['provider', 'bucket', 'policy', 'accesskey'].flatMap((name) => [
      [`${name}-controller, exec to its first pass`, `${name}: exec to the first pass`],
      [`its memory without any object`, `${name}: memory without any object`],
    ]),
  ),
  emptying: ask('emptying', [
    ['20 000 versions of a Bucket that is deleted, a second', '20000 versions: controller'],
    ['against the raw loop', '20000 versions: controller to raw loop'],
    ['S3 calls for them', '20000 versions: S3 calls of the controller'],
  ]),
  down: ask('down', [
    ['connections tried, by all controllers, and hung up on', 'knocks at the door, answered by hanging up'],
    ['left without an answer', 'knocks at the door, answered by silence'],
    ['status writes for each object', 'status writes for each object while it was away'],
    ['from its return to all Ready', 'back to all Ready'],
    [
      'a Bucket that arrives elsewhere while all are asked, to before',
      'median of arrivals, while all are asked to before',
    ],
    ['in the silent half, to before', 'median of arrivals, in the silence to before'],
  ]),
  resharding: ask(
    'shards',
    ['two', 'two to four', 'four to two'].flatMap((round) => [
      [`${round}: share of the Buckets that a shard has`, `${round}: share of a shard`] as const,
      ['changes that no shard wrote', `${round}: changes not written`] as const,
      ['Buckets that were written to twice', `${round}: objects written more than once`] as const,
    ]),
  ),
  soak: ask('soak', [
    ['changes', 'changes'],
    ['calls met by a fault', 'calls met by a fault'],
    ['from the end of the faults to all Ready', 'end of faults to all Ready'],
    ['differences in the API then', 'differences in the API'],
    ['differences at the server', 'differences at the server'],
    ...['provider', 'bucket', 'policy', 'accesskey'].flatMap((name) => [
      [`${name}-controller, memory at the end`, `${name}: memory at the end`] as const,
      ['its growth in an hour, by the second half', `${name}: growth in an hour`] as const,
      ['growth of its heap in an hour, by its lowest readings', `${name}: growth of its heap in an hour`] as const,
      ['files open at the end', `${name}: open files at the end`] as const,
    ]),
  ]),
  argon2id: ask(
    'argon2id',
    ['in the process', 'in a child that stays', 'in a child for each'].flatMap((way) => [
      [`${way}: most memory of both`, `${way}: most memory, a child included`],
      [`of the controller alone`, `${way}: most memory of the process alone`],
      [`memory afterwards`, `${way}: memory afterwards`],
      [`CPU time for one`, `${way}: CPU time for one`],
    ]),
  ),
};
