import type { OurKind } from '@operator/tools/harness';

/** What etcd holds of some objects. */
export interface InEtcd {
  readonly objects: number;
  /** Of their values, keys not included. */
  readonly bytes: number;
}

const plurals: Readonly<Record<OurKind, string>> = {
  Provider: 'providers',
  Bucket: 'buckets',
  BucketPolicy: 'bucketpolicies',
  AccessKey: 'accesskeys',
};
const pageSize = 500;

interface RangeAnswer {
  readonly kvs?: readonly { readonly key: string; readonly value: string }[];
  readonly more?: boolean;
}

const base64 = (text: string): string => Buffer.from(text).toString('base64');

/** The objects of a kind in a namespace, as etcd has them. Source: etcd, gRPC gateway, /v3/kv/range. */
export const sizeInEtcd = async (etcdUrl: string, kind: OurKind, namespace: string): Promise<InEtcd> => {
  const prefix = `/registry/s3.cloud37.dev/${plurals[kind]}/${namespace}/`;
  // What follows all keys with the prefix: '0' comes right after '/'.
  const end = base64(`${prefix.slice(0, -1)}0`);
  let objects = 0;
  let bytes = 0;
  for (let from = base64(prefix); ;) {
    const answer = await fetch(`${etcdUrl}/v3/kv/range`, {
      method: 'POST',
      body: JSON.stringify({ key: from, range_end: end, limit: pageSize }),
    });
    if (!answer.ok) throw new Error(`etcd answers ${answer.status}: ${await answer.text()}`);
    const { kvs = [], more = false } = (await answer.json()) as RangeAnswer;
    for (const { value } of kvs) bytes += Buffer.byteLength(value, 'base64');
    objects += kvs.length;
    const last = kvs.at(-1);
    if (!more || last === undefined) return { objects, bytes };
    from = Buffer.concat([Buffer.from(last.key, 'base64'), Buffer.of(0)]).toString('base64');
  }
};

/** Bytes of etcd's database that are in use, former revisions included. Source: etcd, metrics. */
export const databaseBytes = async (etcdUrl: string): Promise<number> => {
  const text = await (await fetch(`${etcdUrl}/metrics`)).text();
  const found = /^etcd_mvcc_db_total_size_in_use_in_bytes (\S+)$/m.exec(text)?.[1];
  if (found === undefined) throw new Error('etcd does not tell the size of its database');
  return Number(found);
};
