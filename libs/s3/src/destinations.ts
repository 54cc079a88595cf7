import { BlockList, isIP } from 'node:net';

/**
 * Where no Provider may lead by default: link-local addresses, and those at which clouds tell an instance its credentials. A
 * Provider names any endpoint, and its messages tell what answered there. Loopback is legal: the trial has its servers there.
 * Source: RFC 3927 and RFC 4291, link-local; RFC 6052, the same behind NAT64; the instance metadata services of AWS, Google
 * Cloud, Azure, Alibaba Cloud and Oracle Cloud.
 */
export const defaultRefusedDestinations: readonly string[] = [
  '169.254.0.0/16',
  'fe80::/10',
  '64:ff9b::a9fe:0/112',
  'fd00:ec2::254/128',
  'fd00:ec2::23/128',
  'fd20:ce::254/128',
  '100.100.100.200/32',
  '168.63.129.16/32',
  '192.0.0.192/32',
];

/** Addresses that no connection may go to. */
export interface RefusedDestinations {
  /** The range that refuses an address, as it was written; undefined when the address is allowed. */
  rangeOf(address: string): string | undefined;
}

const familyOf = (address: string): 'ipv4' | 'ipv6' | undefined => {
  const version = isIP(address);
  return version === 4 ? 'ipv4' : version === 6 ? 'ipv6' : undefined;
};

const parseRange = (range: string): BlockList => {
  const [address = '', bits, ...more] = range.split('/');
  const family = familyOf(address);
  const most = family === 'ipv4' ? 32 : 128;
  const prefix = bits === undefined ? most : /^\d{1,3}$/.test(bits) ? Number(bits) : NaN;
  if (family === undefined || more.length > 0 || !(prefix <= most)) {
    throw new RangeError(
      `${JSON.stringify(range)} is not an address or a range of addresses; write it like 10.0.0.0/8, fd00::/8 or 192.0.2.1.`,
    );
  }
  const list = new BlockList();
  list.addSubnet(address, prefix, family);
  return list;
};

/**
 * Reads ranges in CIDR form, or single addresses. An empty list refuses nothing.
 * @throws RangeError that names the first range that is not one
 */
export const parseDestinations = (ranges: readonly string[]): RefusedDestinations => {
  const lists = ranges.map((range) => ({ range, list: parseRange(range) }));
  return {
    rangeOf(address) {
      const family = familyOf(address);
      // An address of IPv4 in the form of IPv6 is looked up as both.
      return family === undefined ? undefined : lists.find(({ list }) => list.check(address, family))?.range;
    },
  };
};

/** A connection that was not made, because it would have led to a refused destination. */
export class DestinationRefused extends Error {
  override readonly name = 'DestinationRefused';
  readonly code = 'ERR_DESTINATION_REFUSED';
  readonly range: string;

  constructor(host: string, range: string) {
    super(`${host} leads to a refused destination (${range})`);
    this.range = range;
  }
}
