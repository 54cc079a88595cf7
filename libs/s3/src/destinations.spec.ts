import type { LookupFunction } from 'node:net';
import { describe, expect, it } from 'vitest';
import { createAgents, type LookUp } from './agents.ts';
import { defaultRefusedDestinations, parseDestinations } from './destinations.ts';

describe('refused destinations', () => {
  const refused = parseDestinations(defaultRefusedDestinations);

  it.each([
    ['169.254.169.254', '169.254.0.0/16'],
    ['169.254.170.2', '169.254.0.0/16'],
    ['::ffff:169.254.169.254', '169.254.0.0/16'],
    ['fe80::1', 'fe80::/10'],
    ['64:ff9b::169.254.169.254', '64:ff9b::a9fe:0/112'],
    ['fd00:ec2::254', 'fd00:ec2::254/128'],
    ['100.100.100.200', '100.100.100.200/32'],
    ['127.0.0.1', undefined],
    ['::1', undefined],
    ['10.0.0.1', undefined],
    ['s3.example.com', undefined],
  ])('by default, %s: %s', (address, range) => {
    expect(refused.rangeOf(address)).toBe(range);
  });

  it('may be single addresses, or none', () => {
    expect(parseDestinations(['192.0.2.1']).rangeOf('192.0.2.1')).toBe('192.0.2.1');
    expect(parseDestinations([]).rangeOf('169.254.169.254')).toBeUndefined();
  });

  it.each(['', 'example.com', '10.0.0.0/33', '10.0.0.0/', 'fd00::/129', '10.0.0/8', '10.0.0.0/8/8', '10.0.0.0/-1'])(
    'that are no range are named: %s',
    (range) => {
      expect(() => parseDestinations(['10.0.0.0/8', range])).toThrow(JSON.stringify(range));
    },
  );
});

describe('a connection', () => {
  const connectTo = (...addresses: readonly string[]) => {
    const lookUp: LookUp = (_host, _options, found) => {
      found(
        null,
        addresses.map((address) => ({ address, family: address.includes(':') ? 6 : 4 })),
      );
    };
    const agents = createAgents({ insecureSkipVerify: false }, parseDestinations(['169.254.0.0/16']), lookUp);
    const { lookup } = (agents.httpAgent as unknown as { readonly options: { readonly lookup?: LookupFunction } })
      .options;
    return new Promise((resolve) => {
      lookup?.('s3.example.com', { all: true }, (error, found) => resolve(error ?? found));
    });
  };

  it('goes to what the name resolved to when it was checked', async () => {
    expect(await connectTo('192.0.2.1')).toEqual([{ address: '192.0.2.1', family: 4 }]);
  });

  it('leaves out refused addresses among others', async () => {
    expect(await connectTo('169.254.169.254', '192.0.2.1')).toEqual([{ address: '192.0.2.1', family: 4 }]);
  });

  it('is not made where all addresses are refused', async () => {
    expect(await connectTo('169.254.169.254')).toMatchObject({ range: '169.254.0.0/16' });
  });
});
