import { isIP } from 'node:net';

interface Family {
  readonly bits: number;
  /** The address as a number. */
  read(address: string): bigint;
}

const v4: Family = {
  bits: 32,
  read: (address) => address.split('.').reduce((sum, octet) => sum * 256n + BigInt(octet), 0n),
};

const v6: Family = {
  bits: 128,
  read: (address) => {
    // The URL parser writes every IPv6 address in one form, without a dotted end.
    const [head = '', tail] = new URL(`http://[${address}]`).hostname.slice(1, -1).split('::');
    const groups = (part: string | undefined) => (part === undefined || part === '' ? [] : part.split(':'));
    const [first, last] = [groups(head), groups(tail)];
    const all = [...first, ...Array.from({ length: 8 - first.length - last.length }, () => '0'), ...last];
    return all.reduce((sum, group) => sum * 65_536n + BigInt(`0x${group}`), 0n);
  },
};

const split = (value: string) => {
  const [address = '', length, ...rest] = value.split('/');
  const version = isIP(address);
  if (version === 0 || address.includes('%') || rest.length > 0) return undefined;
  const family = version === 4 ? v4 : v6;
  const prefix = length === undefined ? family.bits : /^\d{1,3}$/.test(length) ? Number(length) : NaN;
  return prefix <= family.bits ? { address, family, prefix } : undefined;
};

/** A plain address as a network of one, such as `10.0.0.1/32`; everything else as it is. */
export const withPrefixLength = (value: string): string => {
  const parts = value.includes('/') ? undefined : split(value);
  return parts === undefined ? value : `${value}/${String(parts.prefix)}`;
};

/** One text for each network, however it is written; what is no network stays as it is. */
export const canonicalNetwork = (value: string): string => {
  const parts = split(value);
  if (parts === undefined) return value;
  const { address, family, prefix } = parts;
  const host = BigInt(family.bits - prefix);
  const first = (family.read(address) >> host) << host;
  return `${family.bits === 32 ? 'v4' : 'v6'}:${first.toString(16)}/${String(prefix)}`;
};

// ::ffff:0:0/96. Servers take its addresses for those of IPv4.
const mapped = { first: 0xffffn << 32n, prefix: 96 };

/**
 * The length of a network's prefix, in bits, and how long it may be; undefined for what is no network. One that has addresses of IPv4 in the
 * form of IPv6 is one of IPv4.
 */
export const prefixLength = (value: string): { readonly bits: number; readonly of: number } | undefined => {
  const parts = split(value);
  if (parts === undefined) return undefined;
  const { address, family, prefix } = parts;
  const host = BigInt(v6.bits - Math.min(prefix, mapped.prefix));
  const isMapped = family === v6 && family.read(address) >> host === mapped.first >> host;
  return isMapped ? { bits: Math.max(prefix - mapped.prefix, 0), of: v4.bits } : { bits: prefix, of: family.bits };
};
