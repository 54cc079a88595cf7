/** Names by which a host calls a region in place of the region's own. Source: Wasabi, Service URLs for Wasabi's Storage Regions. */
const aliases: ReadonlyMap<string, string> = new Map([
  ['nl-1', 'eu-central-1'],
  ['de-1', 'eu-central-2'],
  ['uk-1', 'eu-west-1'],
  ['fr-1', 'eu-west-2'],
  ['uk-2', 'eu-west-3'],
  ['it-1', 'eu-south-1'],
]);

// Source: the same page, 6 March 2026.
const regions: ReadonlySet<string> = new Set([
  'us-east-1',
  'us-east-2',
  'us-central-1',
  'us-west-1',
  'us-west-2',
  'ca-central-1',
  'eu-central-1',
  'eu-central-2',
  'eu-west-1',
  'eu-west-2',
  'eu-west-3',
  'eu-south-1',
  'ap-northeast-1',
  'ap-northeast-2',
  'ap-southeast-1',
  'ap-southeast-2',
]);

/**
 * The region that one of Wasabi's own S3 endpoints has the buckets of; undefined for all other hosts, a bucket's virtual host
 * among them, and for other ports.
 */
export const regionOfEndpoint = (endpoint: string): string | undefined => {
  const { hostname, port } = new URL(endpoint);
  const host = hostname.replace(/\.$/, '');
  if (port !== '') return undefined;
  // The first region's host has no region in it.
  if (host === 's3.wasabisys.com') return 'us-east-1';
  const named = /^s3\.([a-z0-9-]+)\.wasabisys\.com$/.exec(host)?.[1] ?? '';
  const region = aliases.get(named) ?? named;
  return regions.has(region) ? region : undefined;
};

/** True when the endpoint is one of Wasabi's own. */
export const isWasabiEndpoint = (endpoint: string): boolean => regionOfEndpoint(endpoint) !== undefined;

/** The endpoint of a region's buckets. */
export const endpointOfRegion = (region: string): string => `https://s3.${region}.wasabisys.com`;
