import { describe, expect, it } from 'vitest';
import { parseLocalCommand } from './command.ts';

describe('parseLocalCommand', () => {
  it.each([
    ['up', { verb: 'up', servers: ['minio'], kind: false }],
    ['up --servers minio,moto,moto', { verb: 'up', servers: ['minio', 'moto'], kind: false }],
    ['up --servers=', { verb: 'up', servers: [], kind: false }],
    ['up --kind', { verb: 'up', servers: ['minio'], kind: true }],
    ['up --state /tmp/one', { verb: 'up', servers: ['minio'], kind: false, state: '/tmp/one' }],
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
    ['up --node', /--node .* is not offered yet/],
    ['status --state=', /--state wants a folder/],
    ['up --what', /--what/],
  ])('refuses %j', (line, why) => {
    expect(() => parseLocalCommand(line === '' ? [] : line.split(' '))).toThrow(why);
  });
});
