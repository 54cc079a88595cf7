import { describe, expect, it } from 'vitest';
import { parseLocalCommand } from './command.ts';

describe('parseLocalCommand', () => {
  it.each([
    ['up', { verb: 'up', servers: ['minio'], node: false, kind: false }],
    ['up --servers minio,moto,moto', { verb: 'up', servers: ['minio', 'moto'], node: false, kind: false }],
    ['up --servers=', { verb: 'up', servers: [], node: false, kind: false }],
    ['up --kind', { verb: 'up', servers: ['minio'], node: false, kind: true }],
    ['up --node', { verb: 'up', servers: ['minio'], node: true, kind: false }],
    ['up --state /tmp/one', { verb: 'up', servers: ['minio'], node: false, kind: false, state: '/tmp/one' }],
    ['down', { verb: 'down' }],
    ['down --state=/tmp/one', { verb: 'down', state: '/tmp/one' }],
    ['status', { verb: 'status' }],
  ])('reads %j', (line, want) => {
    expect(parseLocalCommand(line.split(' '))).toEqual(want);
  });

  it.each([
    ['', /^usage/],
    ['sideways', /^usage/],
    ['up now', /what is now/],
    ['down --servers minio', /down takes no option but --state/],
    ['up --servers garage', /knows minio, moto, versitygw, seaweedfs, ceph, not garage/],
    ['up --node --kind', /two ways to have a node: use one/],
    ['status --state=', /--state wants a folder/],
    ['up --what', /--what/],
  ])('refuses %j', (line, why) => {
    expect(() => parseLocalCommand(line === '' ? [] : line.split(' '))).toThrow(why);
  });
});
