import { describe, expect, it } from 'vitest';
import { parseLocalCommand } from './command.ts';

describe('parseLocalCommand', () => {
  it.each([
    ['up', { verb: 'up', servers: ['minio'], kind: false }],
    ['up --servers minio,moto,moto', { verb: 'up', servers: ['minio', 'moto'], kind: false }],
    ['up --servers=', { verb: 'up', servers: [], kind: false }],
    ['up --kind', { verb: 'up', servers: ['minio'], kind: true }],
    ['down', { verb: 'down' }],
    ['status', { verb: 'status' }],
  ])('reads %j', (line, want) => {
    expect(parseLocalCommand(line.split(' '))).toEqual(want);
  });

  it.each([
    ['', /^usage/],
    ['sideways', /^usage/],
    ['up now', /what is now/],
    ['down --servers minio', /down takes no options/],
    ['up --servers ceph', /knows minio, moto, versitygw, not ceph/],
    ['up --node', /--node .* is not offered yet/],
    ['up --what', /--what/],
  ])('refuses %j', (line, why) => {
    expect(() => parseLocalCommand(line === '' ? [] : line.split(' '))).toThrow(why);
  });
});
